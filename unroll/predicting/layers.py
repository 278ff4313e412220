"""The layers of this project's models, computed with NumPy as Keras computes them.

Each function takes a layer's Keras configuration, its group in a `.weights.h5` file and the shape
of one input without the batch. It returns the computation for a batch, and the shape of one output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from harness.core.errors import UserError

Shape = tuple[int, ...]
Step = Callable[[np.ndarray], np.ndarray]
Layer = Callable[[dict[str, Any], h5py.Group, Shape], tuple[Step, Shape]]


class NotKnown(Exception):
    """A layer or an option that only Keras computes."""


def inside(group: h5py.Group, *path: str) -> Any:
    """What the group itself has at `path`; ValueError if it has nothing there."""
    for name in path:
        # The model may come from elsewhere, and a link may lead to any file.
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{group.name} holds no {name}")
        group = group[name]
    return group


def _array(group: h5py.Group, number: int, shape: Shape) -> np.ndarray:
    """One variable of a layer, float32."""
    found = inside(group, "vars", str(number))
    if found.shape != shape or found.dtype.kind != "f" or found.external:
        raise ValueError(f"{found.name} is {found.dtype} {found.shape}, expected floats {shape}")
    return np.asarray(found, np.float32)


def _expect(config: dict[str, Any], **options: Any) -> None:
    for name, value in options.items():
        if config.get(name, value) != value:
            raise NotKnown(f"{config['name']}: {name}={config[name]}")


def _repeat(config: dict[str, Any], _: h5py.Group, shape: Shape) -> tuple[Step, Shape]:
    times = config["n"]
    return lambda x: np.repeat(x[:, np.newaxis], times, axis=1), (times, *shape)


def _embedding(config: dict[str, Any], group: h5py.Group, shape: Shape) -> tuple[Step, Shape]:
    _expect(config, mask_zero=False)
    size, width = config["input_dim"], config["output_dim"]
    table = _array(group, 0, (size, width))

    def step(ids: np.ndarray) -> np.ndarray:
        if ids.size and not 0 <= ids.min() <= ids.max() < size:
            raise UserError(
                f"the word id {ids.max()} is not below {size}, the size of the vocabulary"
            )
        return table[ids]

    return step, (*shape, width)


def _dense(config: dict[str, Any], group: h5py.Group, shape: Shape) -> tuple[Step, Shape]:
    _expect(config, activation="sigmoid", use_bias=True, quantization_config=None, lora_rank=None)
    units = config["units"]
    kernel, bias = _array(group, 0, (shape[-1], units)), _array(group, 1, (units,))
    return lambda x: _sigmoid(x @ kernel + bias), (*shape[:-1], units)


def _normalization(config: dict[str, Any], group: h5py.Group, shape: Shape) -> tuple[Step, Shape]:
    _expect(config, axis=-1, center=True, scale=True, renorm=False)
    gamma, beta, mean, variance = (_array(group, i, shape[-1:]) for i in range(4))
    scale = gamma / np.sqrt(variance + np.float32(config["epsilon"]))
    return lambda x: (x - mean) * scale + beta, shape


def _simple_cell(z: np.ndarray, carry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.tanh(z), carry


def _lstm_cell(z: np.ndarray, carry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gates in Keras's order: input, forget, candidate, output."""
    i, f, candidate, o = np.split(z, 4, axis=1)
    carry = _sigmoid(f) * carry + _sigmoid(i) * np.tanh(candidate)
    return _sigmoid(o) * np.tanh(carry), carry


# How many gates a recurrent layer has, and its step from their pre-activations.
_CELLS = {"SimpleRNN": (1, _simple_cell), "LSTM": (4, _lstm_cell)}


def _recurrent(kind: str) -> Layer:
    blocks, cell = _CELLS[kind]

    def layer(config: dict[str, Any], group: h5py.Group, shape: Shape) -> tuple[Step, Shape]:
        _expect(config, activation="tanh", recurrent_activation="sigmoid", use_bias=True)
        _expect(config, stateful=False, return_state=False)
        units, every = config["units"], config["return_sequences"]
        cells = inside(group, "cell")
        kernel = _array(cells, 0, (shape[-1], blocks * units))
        recurrent = _array(cells, 1, (units, blocks * units))
        bias = _array(cells, 2, (blocks * units,))
        direction = -1 if config["go_backwards"] else 1

        def step(x: np.ndarray) -> np.ndarray:
            parts = x @ kernel + bias
            state = carry = np.zeros((len(x), units), np.float32)
            states = []
            for part in np.moveaxis(parts, 1, 0)[::direction]:
                state, carry = cell(part + state @ recurrent, carry)
                if every:
                    states.append(state)
            return np.stack(states, axis=1) if every else state

        return step, (*shape[: 1 if every else 0], units)

    return layer


def _bidirectional(config: dict[str, Any], group: h5py.Group, shape: Shape) -> tuple[Step, Shape]:
    _expect(config, merge_mode="concat")
    ways: list[Step] = []
    for way in ("layer", "backward_layer"):
        if way not in config or config[way]["class_name"] not in _CELLS:
            raise NotKnown("Bidirectional")
        inner = inside(group, way if way == "backward_layer" else "forward_layer")
        step, outputs = _recurrent(config[way]["class_name"])(config[way]["config"], inner, shape)
        ways.append(step)
    forward, backward = ways
    every = len(outputs) == 2  # the backward layer then returns its steps in reverse

    def both(x: np.ndarray) -> np.ndarray:
        second = backward(x)
        return np.concatenate([forward(x), second[:, ::-1] if every else second], axis=-1)

    return both, (*outputs[:-1], 2 * outputs[-1])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(
        over="ignore"
    ):  # exp overflows to infinity, and the result is 0, as it should be
        return 1 / (1 + np.exp(-x))


LAYERS: dict[str, Layer] = {
    "BatchNormalization": _normalization,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Embedding": _embedding,
    "RepeatVector": _repeat,
    **{kind: _recurrent(kind) for kind in _CELLS},
}
