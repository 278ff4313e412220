"""A trained model on disk: a readable configuration and plain arrays, never a pickle.

The files load in Keras 3.4 and newer, without any code of this project, but for the layers in
`_OWN`, which Keras has no counterpart of.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from harness.core.errors import UserError, reason
from harness.core.files import HOW_TO_FIX, missing, read_json, replacing, write_json
from unroll.core.paths import CONFIGURATION, WEIGHTS
from unroll.core.tokens import PAD

# Rows. Large enough to keep every core busy, small enough for the memory of any machine.
PREDICTION_BATCH = 1000
# Rows of any length are cut to one of so many widths, each of which is compiled once.
WIDTHS = 4

# What a configuration may name. Anything else, such as a class of another module, is refused before
# Keras sees it; so are the layers that run code or read files.
_ALLOWED = ("keras", "keras.initializers", "keras.layers", "keras.regularizers")
# Layers of this project, and the modules that know them.
_OWN = {
    "unroll>GatedNgrams": "unroll.models.ngrams.layer",
    "unroll>MeanMaxPooling": "unroll.models.recurrent.pooling",
}
_REFUSED = ("Lambda", "TorchModuleWrapper", "TFSMLayer", "FlaxLayer", "JaxLayer")

# Arguments that came after Keras 3.4, with their defaults. Older versions refuse to load what they
# do not know, so these are saved only where a model uses them.
_NEWER = {
    "input_axes": None,
    "output_axes": None,
    "quantization_config": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}


def save(model: keras.Model, folder: Path) -> None:
    """Write the configuration and the weights of a trained model into `folder`."""
    configuration = keras.saving.serialize_keras_object(model)
    configuration.pop("compile_config", None)
    for part in _parts(configuration):
        if part.get("registered_name") == "unroll>LSTM":
            part.update(module="keras.layers", class_name="LSTM", registered_name=None)
            del part["config"]["repeated"], part["config"]["padded"]
        if part["class_name"] == "Dropout":
            # DVC takes 0 and 0.0 as equal, so they must give the same bytes.
            part["config"]["rate"] = float(part["config"]["rate"])
        for name, default in _NEWER.items():
            if part["config"].get(name, ...) == default:
                del part["config"][name]
    # The optimizer's arrays are larger than the weights, and a trained model has no use for them.
    model.optimizer = None
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
        module, kind, own = (part.get(key) for key in ("module", "class_name", "registered_name"))
        if own in _OWN and own == f"unroll>{kind}" and module == _OWN[own]:
            importlib.import_module(module)
        elif module not in _ALLOWED or kind in _REFUSED or own:
            name = f"{module}.{kind}"
            raise UserError(f"{folder / CONFIGURATION}: refused, it names {name[:100]!r}")
    weights = folder / WEIGHTS
    try:
        shapes = _shapes(weights)
    except FileNotFoundError:
        raise missing(weights) from None
    except Exception as error:  # h5py, like Keras below, raises errors of every kind
        raise _refusal(weights, "not a file of weights", error) from None
    try:
        # Create no variable before it is known that the file has values for all of them.
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(configuration, safe_mode=True)
        if not isinstance(model, keras.Model):
            raise TypeError("it is another object")
        fitting = sorted(tuple(weight.shape) for weight in model.weights) == shapes
    except Exception as error:
        keras.backend.clear_session()  # else the variables would be created later
        raise _refusal(folder / CONFIGURATION, "not the configuration of a model", error) from None
    try:
        if not fitting:
            keras.backend.clear_session()
            raise ValueError("it has more or fewer arrays, or other shapes")
        with keras.StatelessScope():
            pass  # leaving this scope creates the variables
        model.load_weights(weights)
    except Exception as error:
        wrong = f"not the weights of {folder / CONFIGURATION}"
        raise _refusal(weights, wrong, error) from None
    return model


def _shapes(weights: Path) -> list[tuple[int, ...]]:
    """The shapes of all weights of a file, sorted.

    Raises:
        ValueError: the file claims more than it holds.
    """
    arrays: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item

    with h5py.File(weights) as file:
        file.visititems(visit)
        # They are not compressed, so the file is larger than all of them together.
        if sum(array.nbytes for array in arrays.values()) > weights.stat().st_size:
            raise ValueError("it claims more than it holds")
        return sorted(array.shape for array in arrays.values())


def _refusal(path: Path, wrong: str, error: Exception) -> UserError:
    return UserError(f"{path}: {wrong} ({reason(error)}); {HOW_TO_FIX}")


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The model's output for each row of `x`, float32.

    Where it reads rows of any length, those of like length are taken together, without padding.
    """
    if model.input_shape[1] is not None:
        return np.asarray(model.predict(x, batch_size=PREDICTION_BATCH, verbose=0), np.float32)
    lengths = x.shape[1] - (x.reshape(*x.shape[:2], -1)[..., 0] != PAD).argmax(axis=1)
    step = -(-x.shape[1] // WIDTHS)
    widths = np.minimum(-(-lengths // step) * step, x.shape[1])
    found = np.empty((len(x), *model.output_shape[1:]), np.float32)
    for width in np.unique(widths):
        rows = np.flatnonzero(widths == width)
        model.make_predict_function(force=True)  # else TensorFlow compiles it for any width
        found[rows] = model.predict(x[rows, -width:], batch_size=PREDICTION_BATCH, verbose=0)
    return found


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
