"""The predictions of a saved model, computed with NumPy alone: no wait for TensorFlow.

This reads what `unroll.models.saving` writes, and computes in float32, whatever the precision of
the training. A model with other layers or options than `unroll.predicting.layers` has is loaded
with Keras instead, which takes seconds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json
from unroll.core.paths import CONFIGURATION, WEIGHTS
from unroll.predicting.layers import LAYERS, NotKnown, Shape, Step, inside


@dataclass(frozen=True)
class Network:
    """A model, or a part of one, that is ready to compute.

    Attributes:
        inputs: the shape of one input, without the batch.
        outputs: the shape of one output, likewise.
        parts: the models in this model by name: `encoder` and `decoder` of an autoencoder.
    """

    inputs: Shape
    outputs: Shape
    steps: tuple[Step, ...]
    parts: dict[str, Network] = field(default_factory=dict)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The outputs of a batch, shape (n, *inputs) to (n, *outputs), float32."""
        for step in self.steps:
            x = step(x)
        return x


def load(folder: Path) -> Network:
    """The model that `unroll.models.saving.save` wrote into `folder`.

    Raises:
        UserError: a file is missing or damaged, or the weights have other shapes.
    """
    for path in (folder / CONFIGURATION, folder / WEIGHTS):
        if not path.exists():
            raise UserError(
                f"{path}: there is no such file; `unroll repro` trains the models, "
                "`unroll pull` fetches trained ones"
            )
    configuration = read_json(folder / CONFIGURATION)
    try:
        with h5py.File(folder / WEIGHTS) as file:
            return _sequential(configuration["config"], file)
    except NotKnown:
        return _with_keras(folder)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(
            f"{folder / CONFIGURATION}: not the configuration of a model ({error!r}); {HOW_TO_FIX}"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{folder / WEIGHTS}: not the weights of {folder / CONFIGURATION} ({error}); "
            f"{HOW_TO_FIX}"
        ) from None


def _sequential(config: dict[str, Any], group: h5py.Group) -> Network:
    parts: dict[str, Network] = {}
    steps: list[Step] = []
    inputs = shape = tuple(config["build_input_shape"][1:])
    for layer in config["layers"]:
        name, settings = layer["config"]["name"], layer["config"]
        match layer["class_name"]:
            case "Sequential":
                parts[name] = part = _sequential(settings, _named(group, name))
                steps.append(part)
                shape = part.outputs
            case "InputLayer" | "Dropout":  # drops only during training
                pass
            case kind:
                if kind not in LAYERS:
                    raise NotKnown(kind)
                step, shape = LAYERS[kind](settings, _named(group, name), shape)
                steps.append(step)
    return Network(inputs, shape, tuple(steps), parts)


def _named(group: h5py.Group, name: str) -> h5py.Group:
    """The group of the layer `name`, which is in an attribute: Keras numbers the groups."""
    layers = inside(group, "layers")
    for key in layers:
        layer = inside(layers, key)
        if "vars" in layer and layer["vars"].attrs.get("name") == name:
            return layer
    raise ValueError(f"no layer {name} in it")


def _with_keras(folder: Path) -> Network:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from unroll.models import saving

    def network(model: Any) -> Network:
        parts = {layer.name: network(layer) for layer in model.layers if hasattr(layer, "layers")}
        step = lambda x: saving.predict(model, x)  # noqa: E731
        return Network(tuple(model.input_shape[1:]), tuple(model.output_shape[1:]), (step,), parts)

    return network(saving.load(folder))
