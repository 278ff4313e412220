"""A trained model on disk: a readable configuration and plain arrays, never a pickle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from unroll.errors import UserError
from unroll.files import HOW_TO_MEND, missing, read_json, replacing, write_json

CONFIGURATION = "model.json"
WEIGHTS = "model.weights.h5"
THRESHOLD = "threshold.json"  # of a classifier

# Large enough to keep every core busy, small enough for any machine.
PREDICTION_BATCH = 1000

# All that the models of this project are made of; a configuration that names anything else, such
# as a lambda or a class of another module, is refused before Keras sees it.
_ALLOWED = {
    "BatchNormalization",
    "Bidirectional",
    "Dense",
    "DTypePolicy",
    "Dropout",
    "Embedding",
    "InputLayer",
    "LSTM",
    "RandomUniform",
    "GlorotUniform",
    "Ones",
    "Orthogonal",
    "RepeatVector",
    "Sequential",
    "SimpleRNN",
    "Zeros",
}


def save(model: keras.Model, folder: Path) -> None:
    """Write the configuration and the weights of `model` into `folder`."""
    configuration = keras.saving.serialize_keras_object(model)
    configuration.pop("compile_config", None)
    for part in _parts(configuration):
        if part.get("registered_name") == "unroll>LSTM":
            part.update(module="keras.layers", class_name="LSTM", registered_name=None)
    with replacing(folder / WEIGHTS) as partial:
        model.save_weights(partial)
    write_json(folder / CONFIGURATION, configuration)


def load(folder: Path) -> keras.Model:
    """The model that `save` wrote, ready to predict.

    Raises:
        UserError: a file is missing or damaged, holds weights of other shapes, or names a class
            that no model of this project uses.
    """
    configuration = read_json(folder / CONFIGURATION)
    for part in _parts(configuration):
        name, module = part.get("class_name"), part.get("module")
        if name not in _ALLOWED or not str(module).startswith("keras"):
            raise UserError(f"{folder / CONFIGURATION}: refused, it names {module}.{name}")
    weights = folder / WEIGHTS
    if not weights.exists():
        raise missing(weights)
    try:
        model = keras.saving.deserialize_keras_object(configuration, safe_mode=True)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise UserError(
            f"{folder / CONFIGURATION}: not the configuration of a model "
            f"({_first_line(error)}); {HOW_TO_MEND}"
        ) from None
    try:
        model.load_weights(weights)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{weights}: not the weights of {folder / CONFIGURATION} "
            f"({_first_line(error)}); {HOW_TO_MEND}"
        ) from None
    return model


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The model's output for each row of `x`, float32."""
    return np.asarray(model.predict(x, batch_size=PREDICTION_BATCH, verbose=0), np.float32)


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a configuration that names a class or a function, at any depth."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value or "registered_name" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
