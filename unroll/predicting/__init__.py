"""The use of a trained model without TensorFlow: reviews and images in, answers out.

Not here: training and measuring; nothing here reads the corpora.
"""
