"""train-lstm: a long short-term memory reads a review word by word and scores it at the end."""

import keras
from keras import layers

from harness.core.params import Declared
from unroll.models.recurrent.layer import LSTM
from unroll.training.text_classifier import train_classifier


def build(settings: dict, vocabulary: int, length: int) -> keras.Model:
    """Word ids (batch, length) to the probability that a review is positive (batch, 1)."""
    return keras.Sequential(
        [
            layers.Input((length,), dtype="int32"),
            layers.Embedding(vocabulary, settings["embedding"], name="embedding"),
            layers.Dropout(settings["dropout_input"], name="dropout_input"),
            LSTM(settings["units"], name="lstm"),
            layers.BatchNormalization(name="normalization"),
            layers.Dropout(settings["dropout_output"], name="dropout_output"),
            layers.Dense(1, activation="sigmoid", dtype="float32", name="score"),
        ],
        name="lstm",
    )


def main(params: Declared) -> None:
    train_classifier("lstm", build, params)
