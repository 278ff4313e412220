"""What models are made of and how they are saved: architectures, parameters, inputs, layers, files.

Not here: training and measuring.
"""
