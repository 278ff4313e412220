"""The layer of n-grams as ONNX operators."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from unroll.core.tokens import PAD
from unroll.exporting.graph import FLOAT, INT64, Graph
from unroll.exporting.layers import Flow, array, to_the_front, total

# A pre-activation at which a gate is open: its sigmoid is exactly 1 in float32.
OPEN = 100.0
# See `unroll.models.ngrams.layer`, which this does not import, as that imports Keras.
PRIOR = 2.0


def gated_ngrams(graph: Graph, config: dict[str, Any], group: h5py.Group, flow: Flow) -> Flow:
    """What `unroll.models.ngrams.layer.GatedNgrams` computes when it predicts."""
    width, rows = 2 * config["units"], config["rows"]
    words = graph.add("Slice", flow.name, [0], [1], [2])
    ngrams = graph.add("Slice", flow.name, [1], [int(flow.shape[1])], [2])
    views = array(group, 3 if config["gates"] else 1, (3 * rows,))
    ratios = graph.add("Gather", views[:rows], ngrams)
    vectors = graph.add("Gather", array(group, 0, (rows, width)), ngrams)
    weighted = graph.add("Mul", vectors, graph.add("Unsqueeze", ratios, [3]))
    z = graph.add("ReduceSum", weighted, [2], keepdims=0)
    found = _gated(graph, config, group, words, z) if config["gates"] else z
    if config["gates"] and config["memory"]:
        real = graph.add("Not", graph.add("Equal", graph.add("Squeeze", words, [2]), PAD))
        both = to_the_front(graph, Flow(found, (flow.shape[0], 3 * width)), real)
        found = _states(graph, width, both, array(group, 2, (2 * width,))[width:])
    else:
        found = graph.add("ReduceSum", found, [1], keepdims=0)
    length = graph.add("ReduceSumSquare", ratios, axes=[1, 2], keepdims=0)
    length = graph.add("Sqrt", graph.add("Add", length, np.float32(PRIOR)))
    return Flow(graph.add("Div", found, graph.add("Unsqueeze", length, [1])), (width,))


def _gated(graph: Graph, config: dict[str, Any], group: h5py.Group, own: str, z: str) -> str:
    """What is left of z where there is no memory; else the gates' pre-activations, and z."""
    words, sides = config["words"], 2 * config["units"] * (1 + config["memory"])
    looks = array(group, 1, (3 * words, sides)).reshape(3, words, sides)
    looks[:, PAD] = 0
    last = graph.add("Pad", own, [0, 1, 0, 0, -1, 0])
    next_ = graph.add("Pad", own, [0, -1, 0, 0, 1, 0])
    around = graph.add("Concat", own, last, next_, axis=2)
    around = graph.add("Add", around, np.arange(3) * words)
    found = graph.add("Gather", looks.reshape(-1, sides), around)
    found = graph.add("ReduceSum", found, [2], keepdims=0)
    found = graph.add("Add", found, array(group, 2, (sides,)))
    if config["memory"]:
        return graph.add("Concat", found, z, axis=2)
    return graph.add("Mul", graph.add("Mul", z, graph.add("Sigmoid", found)), np.float32(2))


def _states(graph: Graph, width: int, flow: Flow, forget: np.ndarray) -> str:
    """The sum of the states of the recurrence, by an LSTM that its own states do not reach.

    Its cell is f * cell + i * z if its gates pick their pre-activations from the input, its output
    gate is open, and what would be its tanh is the identity.

    Args:
        forget: the bias of f, (width,).
    """
    units = width // 2
    kernel = np.zeros((2, 4, units, 3 * width), np.float32)
    picks = np.eye(3 * width).reshape(3, 2, units, 3 * width)
    kernel[:, [0, 2, 3]] = np.swapaxes(picks, 0, 1)  # ONNX's input, forget and cell
    bias = np.zeros((2, 8, units), np.float32)
    bias[:, 1] = OPEN
    found = graph.add(
        "LSTM",
        graph.add("Transpose", flow.name, perm=[1, 0, 2]),
        kernel.reshape(2, 4 * units, 3 * width),
        np.zeros((2, 4 * units, units), np.float32),
        bias.reshape(2, 8 * units),
        flow.lengths,
        activations=["Sigmoid", "Affine", "Affine"] * 2,
        activation_alpha=[1.0] * 4,
        activation_beta=[0.0] * 4,
        direction="bidirectional",
        hidden_size=units,
    )
    found = graph.add("Transpose", found, perm=[2, 0, 1, 3])
    states = Flow(graph.add("Reshape", found, [0, 0, width]), flow.shape, flow.lengths)
    steps = graph.add("Range", 0, graph.add("Gather", graph.add("Shape", states.name), 1), 1)
    ends = graph.add("Unsqueeze", graph.add("Cast", flow.lengths, to=INT64), [1])
    last = graph.add("Equal", steps, graph.add("Sub", ends, 1))
    first = graph.add("And", graph.add("Equal", steps, 0), graph.add("Greater", ends, 0))
    edges = [
        graph.add("Unsqueeze", graph.add("Cast", edge, to=FLOAT), [2]) for edge in (last, first)
    ]
    fading = np.exp(forget).reshape(2, units)
    fades = [graph.add("Mul", edge, own) for edge, own in zip(edges, fading, strict=True)]
    left = graph.add("Mul", states.name, graph.add("Concat", *fades, axis=2))
    return graph.add("Add", total(graph, states), graph.add("ReduceSum", left, [1], keepdims=0))
