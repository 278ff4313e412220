"""A saved model as an ONNX model of ONNX's own operators, without Keras and TensorFlow.

Not here: what runs it, in `predicting`, and what writes saved models, in `models`.
"""
