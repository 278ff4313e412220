"""What models are made of and how they are saved: backend, recurrent layer, files.

Not here: the stack of layers of one model, which stands in its training script.
"""
