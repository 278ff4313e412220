"""The use of a trained model without TensorFlow: texts, series or images in, answers out.

Not here: training and measuring; files are read by the readers of `corpora`.
"""
