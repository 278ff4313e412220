"""Numbers from labels and predictions: classification, reconstruction, latent space.

Not here: pictures, and anything that loads a model.
"""
