"""Autoencoder whose code is read from the states of all steps.

The last state alone, from which autoencoders of sequences usually read their code, must carry the
whole sequence through all steps. Here each state of a bidirectional LSTM is condensed to a few
numbers, the code is a map of those of all steps, and the decoder is given another input at every
step. (Attention has the same reason: D. Bahdanau et al., Neural machine translation by jointly
learning to align and translate, ICLR 2015.)
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from unroll.models.parameters import Autoencoder, Share
from unroll.models.stacks import Data

__all__ = ["Parameters", "build"]


class Parameters(Autoencoder):
    """Those of every autoencoder, and what stands between states and code."""

    dropout_input: Share = 0.0
    dropout_output: Share = 0.0
    condensed: int = Field(
        default=8, ge=1, le=4096, description="numbers of each step that reach the code, and back"
    )
    hidden: list[Annotated[int, Field(ge=1, le=8192)]] = Field(
        default=[], description="units of layers between these and the code"
    )
    memory: bool = Field(
        default=True, description="whether steps know of each other; false: each by itself"
    )


def build(parameters: Parameters, data: Data, name: str) -> Any:
    """A Keras model of two parts: `encoder`, (batch, steps, features) to (batch, latent), and
    `decoder`, the way back.
    """
    import keras
    from keras import layers

    from unroll.models.recurrent.layer import LSTM

    def states() -> Any:
        """(batch, steps, any) to (batch, steps, 2 * units)."""
        if not parameters.memory:
            return layers.Dense(2 * parameters.units, activation="tanh", name="each")
        lstm = LSTM(parameters.units, return_sequences=True, name="lstm")
        return layers.Bidirectional(lstm, name="bilstm")

    def hidden(sizes: list[int]) -> list[Any]:
        return [
            layers.Dense(units, activation="relu", name=f"hidden_{number}")
            for number, units in enumerate(sizes, 1)
        ]

    encoder = keras.Sequential(
        [
            layers.Input((data.steps, data.features)),
            layers.Dropout(parameters.dropout_input, name="dropout_input"),
            states(),
            layers.Dropout(parameters.dropout_output, name="dropout_output"),
            layers.Dense(parameters.condensed, name="condensed"),
            layers.Flatten(name="all_steps"),
            *hidden(parameters.hidden),
            layers.Dense(parameters.latent, dtype="float32", name="code"),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            layers.Input((parameters.latent,)),
            layers.Dropout(parameters.dropout_latent, name="dropout_latent"),
            *hidden(parameters.hidden[::-1]),
            layers.Dense(data.steps * parameters.condensed, name="spread"),
            layers.Reshape((data.steps, parameters.condensed), name="steps"),
            states(),
            layers.Dense(
                data.features,
                activation="sigmoid" if data.bounded else "linear",
                dtype="float32",
                name="rows",
            ),
        ],
        name="decoder",
    )
    return keras.Sequential([encoder, decoder], name=name)
