"""N-grams as the inputs of a model: which ones it knows, their classes, their rows, its layer.

Not here: how a model is trained, and words alone, which `unroll.models.inputs` reads.
"""
