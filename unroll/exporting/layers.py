"""The layers of saved models as ONNX operators, computing in float32 what Keras computes.

Each function takes a layer's Keras configuration, its group in a `.weights.h5` file and what the
layer before hands on, and returns what it hands on itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np

from unroll.exporting.graph import FLOAT, INT32, INT64, Graph

Shape = tuple[int | str, ...]


class NotKnown(Exception):
    """A layer or an option that has no operator here."""


@dataclass(frozen=True)
class Flow:
    """What a layer hands to the next one.

    Attributes:
        name: of the value.
        shape: of one row of a batch; the steps of padded rows have a name.
        lengths: int32 (batch,), the steps of each row, where rows are padded at their ends.
    """

    name: str
    shape: Shape
    lengths: str = ""


Layer = Callable[[Graph, dict[str, Any], h5py.Group, Flow], Flow]


def inside(group: h5py.Group, *path: str) -> Any:
    """What the group itself has at `path`; ValueError if it has nothing there."""
    for name in path:
        # The model may come from elsewhere, and a link may lead to any file.
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{group.name} holds no {name}")
        group = group[name]
    return group


def array(group: h5py.Group, number: int, shape: tuple[Any, ...]) -> np.ndarray:
    """One variable of a layer, float32."""
    found = inside(group, "vars", str(number))
    if found.shape != shape or found.dtype.kind != "f" or found.external:
        raise ValueError(f"{found.name} is {found.dtype} {found.shape}, expected floats {shape}")
    return np.asarray(found, np.float32)


def _expect(config: dict[str, Any], **options: Any) -> None:
    for name, value in options.items():
        if config.get(name, value) != value:
            raise NotKnown(f"{config['name']}: {name}={config[name]}")


def _same(_graph: Graph, _config: dict[str, Any], _group: h5py.Group, flow: Flow) -> Flow:
    """A layer that acts only in training, or none at all."""
    return flow


def _embedding(graph: Graph, config: dict[str, Any], group: h5py.Group, flow: Flow) -> Flow:
    table = array(group, 0, (config["input_dim"], config["output_dim"]))
    if config["mask_zero"]:
        padding = graph.add("Equal", flow.name, 0)
        flow = to_the_front(graph, flow, graph.add("Not", padding))
    return replace(
        flow, name=graph.add("Gather", table, flow.name), shape=(*flow.shape, table.shape[1])
    )


def _masking(graph: Graph, config: dict[str, Any], _: h5py.Group, flow: Flow) -> Flow:
    padding = graph.add("Equal", flow.name, np.float32(config["mask_value"]))
    other = graph.add("Cast", graph.add("Not", padding), to=INT64)
    found = graph.add("ReduceMax", other, axes=[2], keepdims=0)
    return to_the_front(graph, flow, graph.add("Greater", found, 0))


def to_the_front(graph: Graph, flow: Flow, real: str) -> Flow:
    """Rows padded in front, as Keras has them, become rows padded at the end, as ONNX wants them.

    Args:
        real: bool (batch, steps), true after the padding.
    """
    counts = graph.add("ReduceSum", graph.add("Cast", real, to=INT64), [1], keepdims=1)
    steps = graph.add("Gather", graph.add("Shape", flow.name), 1)
    places = graph.add("Range", 0, steps, 1)
    moved = graph.add("Add", places, graph.add("Sub", steps, counts))
    places = graph.add("Min", moved, graph.add("Sub", steps, 1))
    indices = graph.add("Unsqueeze", places, [2])
    name = graph.add("GatherND", flow.name, indices, batch_dims=1)
    lengths = graph.add("Cast", graph.add("Reshape", counts, [-1]), to=INT32)
    return Flow(name, flow.shape, lengths)


# ONNX's operator, the order of its gates among Keras's, and which activation each kind of gate has.
_CELLS = {
    "SimpleRNN": ("RNN", [0], ["activation"]),
    "GRU": ("GRU", [0, 1, 2], ["recurrent_activation", "activation"]),
    "LSTM": ("LSTM", [0, 3, 1, 2], ["recurrent_activation", "activation", "activation"]),
}
_IN_CELLS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
_ACTIVATIONS = {"linear": "", "softmax": "Softmax"} | _IN_CELLS


def _activation(config: dict[str, Any], key: str, known: dict[str, str]) -> str:
    if config[key] not in known:
        raise NotKnown(f"{config['name']}: {key}={config[key]}")
    return known[config[key]]


def _cell(kind: str, config: dict[str, Any], group: h5py.Group, features: Any) -> list[np.ndarray]:
    """The kernel, the recurrent kernel and the biases of a cell, as ONNX orders them."""
    units, order = config["units"], _CELLS[kind][1]
    size = len(order) * units
    two = kind == "GRU" and config["reset_after"]  # a bias of the inputs and one of the states

    def ordered(array: np.ndarray) -> np.ndarray:
        return np.concatenate([array[..., g * units : (g + 1) * units] for g in order], axis=-1)

    biases = np.zeros((2, size), np.float32)
    if config["use_bias"]:
        biases[: 2 if two else 1] = array(group, 2, (2, size) if two else (size,))
    kernel, recurrent = array(group, 0, (features, size)), array(group, 1, (units, size))
    return [ordered(kernel).T, ordered(recurrent).T, ordered(biases).ravel()]


def _run(graph: Graph, kind: str, ways: list[tuple[dict[str, Any], Any]], flow: Flow) -> Flow:
    """A recurrent layer of one or two directions, each a configuration and a group of weights."""
    for config, _ in ways:
        _expect(config, stateful=False, return_state=False, units=ways[0][0]["units"])
    config = ways[0][0]
    every, units, reverse = config["return_sequences"], config["units"], config["go_backwards"]
    if every and reverse:
        raise NotKnown(f"{config['name']}: go_backwards with return_sequences")
    cells = [_cell(kind, each, group, flow.shape[-1]) for each, group in ways]
    activations = [_activation(each, key, _IN_CELLS) for each, _ in ways for key in _CELLS[kind][2]]
    found = graph.add(
        _CELLS[kind][0],
        graph.add("Transpose", flow.name, perm=[1, 0, 2]),
        *(np.stack(arrays) for arrays in zip(*cells, strict=True)),
        flow.lengths,
        place=0 if every else 1,
        activations=activations,
        direction="bidirectional" if len(ways) == 2 else "reverse" if reverse else "forward",
        hidden_size=units,
        linear_before_reset=int(config["reset_after"]) if kind == "GRU" else None,
    )
    width = len(ways) * units
    if every:  # (steps, ways, batch, units)
        found = graph.add("Transpose", found, perm=[2, 0, 1, 3])
        name = graph.add("Reshape", found, [0, 0, width])
        return Flow(name, (flow.shape[0], width), flow.lengths)
    found = graph.add("Transpose", found, perm=[1, 0, 2])
    return Flow(graph.add("Reshape", found, [0, width]), (width,))


def _recurrent(kind: str) -> Layer:
    return lambda graph, config, group, flow: _run(
        graph, kind, [(config, inside(group, "cell"))], flow
    )


def _bidirectional(graph: Graph, config: dict[str, Any], group: h5py.Group, flow: Flow) -> Flow:
    _expect(config, merge_mode="concat")
    kinds = [config[way]["class_name"] for way in ("layer", "backward_layer")]
    if kinds[0] != kinds[1] or kinds[0] not in _CELLS:
        raise NotKnown(f"{config['name']} of {' and '.join(kinds)}")
    ways = [config["layer"]["config"], config["backward_layer"]["config"]]
    if [way["go_backwards"] for way in ways] != [False, True]:
        raise NotKnown(f"{config['name']}: go_backwards")
    groups = [inside(group, f"{way}_layer", "cell") for way in ("forward", "backward")]
    return _run(graph, kinds[0], list(zip(ways, groups, strict=True)), flow)


def _dense(graph: Graph, config: dict[str, Any], group: h5py.Group, flow: Flow) -> Flow:
    _expect(config, quantization_config=None, lora_rank=None)
    units = config["units"]
    name = graph.add("MatMul", flow.name, array(group, 0, (flow.shape[-1], units)))
    if config["use_bias"]:
        name = graph.add("Add", name, array(group, 1, (units,)))
    return _activate(
        graph, config, group, replace(flow, name=name, shape=(*flow.shape[:-1], units))
    )


def _activate(graph: Graph, config: dict[str, Any], _: h5py.Group, flow: Flow) -> Flow:
    operator = _activation(config, "activation", _ACTIVATIONS)
    return replace(flow, name=graph.add(operator, flow.name)) if operator else flow


def _normalization(graph: Graph, config: dict[str, Any], group: h5py.Group, flow: Flow) -> Flow:
    _expect(config, axis=-1, center=True, scale=True, renorm=False)
    gamma, beta, mean, variance = (array(group, i, flow.shape[-1:]) for i in range(4))
    scale = gamma / np.sqrt(variance + np.float32(config["epsilon"]))
    centered = graph.add("Sub", flow.name, mean)
    return replace(flow, name=graph.add("Add", graph.add("Mul", centered, scale), beta))


def _repeat(graph: Graph, config: dict[str, Any], _: h5py.Group, flow: Flow) -> Flow:
    steps = config["n"]
    found = graph.add("Expand", graph.add("Unsqueeze", flow.name, [1]), [1, steps, 1])
    return Flow(found, (steps, *flow.shape))


def _mean(graph: Graph, config: dict[str, Any], _: h5py.Group, flow: Flow) -> Flow:
    _expect(config, data_format="channels_last", keepdims=False)
    if not flow.lengths:
        return Flow(graph.add("ReduceMean", flow.name, axes=[1], keepdims=0), flow.shape[1:])
    ends = graph.add("Cast", graph.add("Unsqueeze", flow.lengths, [1]), to=FLOAT)
    return Flow(graph.add("Div", total(graph, flow), ends), flow.shape[1:])


def total(graph: Graph, flow: Flow) -> str:
    """The sum over the steps of rows that are padded at their ends."""
    inside = graph.add("Cast", _inside(graph, flow), to=FLOAT)
    return graph.add("ReduceSum", graph.add("Mul", flow.name, inside), [1], keepdims=0)


def _inside(graph: Graph, flow: Flow) -> str:
    """Which steps of such rows are no padding, bool (batch, steps, 1)."""
    steps = graph.add("Range", 0, graph.add("Gather", graph.add("Shape", flow.name), 1), 1)
    ends = graph.add("Unsqueeze", graph.add("Cast", flow.lengths, to=INT64), [1])
    return graph.add("Unsqueeze", graph.add("Less", steps, ends), [2])


def _mean_and_max(graph: Graph, config: dict[str, Any], group: h5py.Group, flow: Flow) -> Flow:
    """What `unroll.models.recurrent.pooling.MeanMaxPooling` computes."""
    mean, name = _mean(graph, config, group, flow).name, flow.name
    if flow.lengths:
        name = graph.add("Where", _inside(graph, flow), name, np.float32("-inf"))
    largest = graph.add("ReduceMax", name, axes=[1], keepdims=0)
    return Flow(graph.add("Concat", mean, largest, axis=1), (2 * flow.shape[1],))


def _flatten(graph: Graph, config: dict[str, Any], _: h5py.Group, flow: Flow) -> Flow:
    _expect(config, data_format="channels_last")
    steps, features = flow.shape
    if isinstance(steps, str):
        raise NotKnown(f"{config['name']} of rows of any length")
    width = steps * int(features)
    return Flow(graph.add("Reshape", flow.name, [0, width]), (width,))


def _reshape(graph: Graph, config: dict[str, Any], _: h5py.Group, flow: Flow) -> Flow:
    shape = tuple(config["target_shape"])
    return Flow(graph.add("Reshape", flow.name, [0, *shape]), shape)


def _largest(graph: Graph, config: dict[str, Any], _: h5py.Group, flow: Flow) -> Flow:
    _expect(config, data_format="channels_last", keepdims=False)
    if flow.lengths:  # of which Keras takes no notice here
        raise NotKnown(f"{config['name']} after a mask")
    return Flow(graph.add("ReduceMax", flow.name, axes=[1], keepdims=0), flow.shape[1:])


LAYERS: dict[str, Layer] = {
    "Activation": _activate,
    "BatchNormalization": _normalization,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Dropout": _same,
    "Embedding": _embedding,
    "Flatten": _flatten,
    "GaussianNoise": _same,
    "GlobalAveragePooling1D": _mean,
    "GlobalMaxPooling1D": _largest,
    "InputLayer": _same,
    "Masking": _masking,
    "MeanMaxPooling": _mean_and_max,
    "RepeatVector": _repeat,
    "Reshape": _reshape,
    "SpatialDropout1D": _same,
    **{kind: _recurrent(kind) for kind in _CELLS},
}
