"""The LSTM over a whole sequence on the CPU, once for each backend.

Not here: what is not faster than Keras's own layer.
"""
