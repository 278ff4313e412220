"""From the folder of a saved model to an ONNX model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py

from harness.core.errors import UserError, reason
from harness.core.files import HOW_TO_FIX, read_json, replacing
from unroll.core.paths import CONFIGURATION, TASK, VOCABULARY, WEIGHTS
from unroll.core.tasks import MANY, REBUILD, TWO
from unroll.exporting.graph import FLOAT, INT64, Graph
from unroll.exporting.layers import LAYERS as OF_KERAS
from unroll.exporting.layers import Flow, NotKnown, inside
from unroll.exporting.ngrams import gated_ngrams

# What the outputs are called; `CODE` is that of an autoencoder's encoder.
INPUT, CODE, OUTPUT = "input", "code", "output"
OUTPUTS = {TWO: "probability", MANY: "probabilities", REBUILD: "rebuilt"}
LAYERS = OF_KERAS | {"GatedNgrams": gated_ngrams}
# The part of an autoencoder whose output is the code.
ENCODER = "encoder"

_ABOUT = """\
Rows of a batch: word ids, series scaled as the metadata say, or images in [0, 1], of the type and
the shape of the input. Short rows are padded in front; where `mask` is true, any number of steps
will do. The metadata also hold the vocabulary, the classes and the threshold, as JSON."""


def onnx_bytes(folder: Path, part: str | None = None) -> bytes:
    """An ONNX model of the model that `unroll.models.saving.save` wrote; equal inputs, equal bytes.

    The input is int64 (batch, steps) word ids or float32 (batch, steps, features). A model that
    passes over padding takes rows of any number of steps, padded in front. The output is float32
    and is called after the task; an autoencoder has the codes as an output of their own.

    Args:
        part: of an autoencoder, `encoder` or `decoder` alone.

    Raises:
        NotKnown: a layer or an option has no operator here.
        UserError: a file is missing or damaged, or the weights have other shapes.
    """
    configuration = read_json(folder / CONFIGURATION)
    about = {
        path.stem: read_json(path) for path in (folder / TASK, folder / VOCABULARY) if path.exists()
    }
    try:
        with h5py.File(folder / WEIGHTS) as file:
            return _model(configuration["config"], file, about, part)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(
            f"{folder / CONFIGURATION}: not the configuration of a model ({error!r}); {HOW_TO_FIX}"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{folder / WEIGHTS}: not the weights of {folder / CONFIGURATION} ({reason(error)}); "
            f"{HOW_TO_FIX}"
        ) from None


def export(folder: Path, file: Path) -> None:
    """Write an ONNX model of a saved model, completely or not at all.

    Raises:
        UserError: it cannot be exported, or the file cannot be there.
    """
    if file.suffix != ".onnx" or not file.parent.is_dir():
        raise UserError(f"{file}: expected a name that ends in .onnx, in a folder that exists")
    try:
        content = onnx_bytes(folder)
    except NotKnown as error:
        raise UserError(
            f"{folder / CONFIGURATION}: no ONNX operator is known for {error}; add it to "
            "unroll/exporting/layers.py"
        ) from None
    with replacing(file) as partial:
        partial.write_bytes(content)


def _model(
    config: dict[str, Any], group: h5py.Group, about: dict[str, Any], part: str | None
) -> bytes:
    if part:
        [config] = [each["config"] for each in config["layers"] if each["config"]["name"] == part]
        group = named(group, part)
    graph = Graph()
    kinds = [layer["class_name"] for layer in config["layers"]]
    masked = [each for each in config["layers"] if each["config"].get("mask_zero")]
    shape = tuple(config["build_input_shape"][1:])
    if masked or {"Masking", "GatedNgrams"} & set(kinds):
        shape = ("steps", *shape[1:])
    kind = INT64 if {"Embedding", "GatedNgrams"} & set(kinds) else FLOAT
    name = graph.declare(inputs=True, name=INPUT, kind=kind, shape=("batch", *shape))
    flow = _sequential(graph, config, group, Flow(name, shape))
    if flow.lengths:
        raise NotKnown("a sequence of outputs after a mask")
    task = about.get(Path(TASK).stem, {})
    last = OUTPUT if part else OUTPUTS.get(task.get("task"), OUTPUT)
    graph.output(flow.name, last, ("batch", *flow.shape))
    metadata = {key: json.dumps(value, ensure_ascii=False) for key, value in task.items()}
    if words := about.get(Path(VOCABULARY).stem):
        metadata["vocabulary"] = json.dumps(words, ensure_ascii=False)
    return graph.model(config["name"], _ABOUT, {} if part else dict(sorted(metadata.items())))


def _sequential(graph: Graph, config: dict[str, Any], group: h5py.Group, flow: Flow) -> Flow:
    for layer in config["layers"]:
        kind, settings = layer["class_name"], layer["config"]
        if kind == "Sequential":
            flow = _sequential(graph, settings, named(group, settings["name"]), flow)
            if settings["name"] == ENCODER:
                graph.output(flow.name, CODE, ("batch", *flow.shape))
        elif kind in LAYERS:
            weights = group if kind == "InputLayer" else named(group, settings["name"])
            flow = LAYERS[kind](graph, settings, weights, flow)
        else:
            raise NotKnown(f"the layer {settings['name']} ({kind})")
    return flow


def named(group: h5py.Group, name: str) -> h5py.Group:
    """The group of the layer `name`, which is in an attribute: Keras numbers the groups."""
    layers = inside(group, "layers")
    for key in layers:
        layer = inside(layers, key)
        if "vars" in layer and layer["vars"].attrs.get("name") == name:
            return layer
    raise ValueError(f"no layer {name} in it")
