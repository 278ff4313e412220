"""train-ae: an autoencoder reads an image row by row into a short code and writes it out again."""

import keras
from keras import layers

from harness.core.params import Declared
from unroll.core import paths
from unroll.core.datasets import Part, training
from unroll.models import saving
from unroll.models.recurrent.layer import LSTM
from unroll.training.loop import fit

ROWS, COLUMNS = 28, 28  # of an image: a sequence of 28 steps of 28 pixels


def lstm(settings: dict) -> keras.Model:
    """Images (batch, 28, 28) in [0, 1] to codes (batch, latent) in [0, 1] and back."""
    encoder = keras.Sequential(
        [
            layers.Input((ROWS, COLUMNS)),
            layers.Dropout(settings["dropout_input"], name="dropout_input"),
            LSTM(settings["units"], name="lstm"),
            layers.BatchNormalization(name="normalization"),
            layers.Dropout(settings["dropout_output"], name="dropout_output"),
            # If both numbers start out alike, the digits lie along a line, and training seldom
            # changes that. Orthogonal columns cannot be alike.
            layers.Dense(
                settings["latent"],
                activation="sigmoid",
                kernel_initializer="orthogonal",
                dtype="float32",
                name="code",
            ),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            layers.Input((settings["latent"],)),
            layers.Dropout(settings["dropout_latent"], name="dropout_latent"),
            layers.RepeatVector(ROWS, name="repeat"),
            LSTM(settings["units"], repeated=True, return_sequences=True, name="lstm"),
            layers.BatchNormalization(name="normalization"),
            # Applies to each step, as TimeDistributed would, but in one product for all steps.
            layers.Dense(COLUMNS, activation="sigmoid", dtype="float32", name="rows"),
        ],
        name="decoder",
    )
    return keras.Sequential([encoder, decoder], name="ae_lstm")


def bilstm(settings: dict) -> keras.Model:
    """The same in both directions: reads and writes the rows from the top and from the bottom."""
    encoder = keras.Sequential(
        [
            layers.Input((ROWS, COLUMNS)),
            layers.Dropout(settings["dropout_input"], name="dropout_input"),
            layers.Bidirectional(LSTM(settings["units"], name="lstm"), name="bilstm"),
            layers.BatchNormalization(name="normalization"),
            layers.Dropout(settings["dropout_output"], name="dropout_output"),
            layers.Dense(settings["latent"], activation="sigmoid", dtype="float32", name="code"),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            layers.Input((settings["latent"],)),
            layers.Dropout(settings["dropout_latent"], name="dropout_latent"),
            layers.RepeatVector(ROWS, name="repeat"),
            layers.Bidirectional(
                LSTM(settings["units"], repeated=True, return_sequences=True, name="lstm"),
                name="bilstm",
            ),
            layers.BatchNormalization(name="normalization"),
            # Applies to each step, as TimeDistributed would, but in one product for all steps.
            layers.Dense(COLUMNS, activation="sigmoid", dtype="float32", name="rows"),
        ],
        name="decoder",
    )
    return keras.Sequential([encoder, decoder], name="ae_bilstm")


BUILD = {"lstm": lstm, "bilstm": bilstm}


def main(params: Declared, variant: str) -> None:
    name = f"ae_{variant}"
    settings = params.models[name]
    train, validation = training("mnist", params.protocol)

    model = BUILD[variant](settings)
    model.summary(print_fn=print, expand_nested=True)
    fit(
        model,
        Part(train.x, train.x),
        Part(validation.x, validation.x),
        settings,
        seed=params.seed,
        curves=paths.curves(name),
        prepare=lambda rows: keras.ops.cast(rows, "float32") / 255,
        unfinished=params.unfinished,
    )
    saving.save(model, paths.model(name))
