"""What a model does with chosen texts: capabilities, groups of people, word vectors, errors.

Not here: what computes a score, which is in `predicting`, and how well a model does on the whole.
"""
