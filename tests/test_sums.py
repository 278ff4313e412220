"""Sums whose order would depend on how busy the machine is, and with it the bytes of a model."""

import numpy as np
import pytest
from conftest import ROOT
from ngram_layers import LEARNT, built
from tensorflow.python.eager import context

from harness.core.yaml import read_yaml
from unroll.models import architectures, backend
from unroll.models.stacks import Data
from unroll.training.schedule import optimizer_of
from unroll.training.steps import steps_of

MODELS = read_yaml(ROOT / "params.yaml")["models"]
TEXTS = Data(steps=6, features=None, vocabulary=50, classes=2, bounded=False)
IMAGES = Data(steps=4, features=4, vocabulary=0, classes=10, bounded=True)
BATCH = 4


def model_and_rows(name):
    """A model of `params.yaml`, with four rows for it."""
    block = MODELS[name]
    if block["architecture"] == "gated_ngrams":
        inputs, model, part = built()
        return model, inputs.rows(part, LEARNT[:BATCH]), inputs.prepare
    parameters = architectures.parameters_of(block)
    data = IMAGES if hasattr(parameters, "latent") else TEXTS
    rng = np.random.default_rng(0)
    x = rng.integers(4, 50, (BATCH, 6)) if data is TEXTS else rng.random((BATCH, 4, 4))
    model = architectures.find(block["architecture"]).build(parameters, data, name)
    return model, x.astype(np.float32), lambda rows: rows


def sums(name: str) -> list[int]:
    """How many inputs each AddN has in what TensorFlow makes of a training step."""
    model, x, prepare = model_and_rows(name)
    y = x if model.output_shape[1:] == x.shape[1:] else np.array([[0], [1]] * 2, np.float32)
    model.compile(optimizer=optimizer_of(MODELS[name], 10), loss="binary_crossentropy")
    runner = steps_of(model, x, y, BATCH, prepare)
    context.enable_run_metadata()
    try:
        runner.run(np.arange(BATCH, dtype=np.int32), x.shape[1])
        graphs = context.export_run_metadata().function_graphs
    finally:
        context.disable_run_metadata()
    found = [graph.post_optimization_graph for graph in graphs]
    nodes = [node for graph in found for f in graph.library.function for node in f.node_def]
    nodes += [node for graph in found for node in graph.node]
    assert any(node.op in ("MatMul", "BlockLSTM", "Einsum") for node in nodes)
    return [
        sum(not name.startswith("^") for name in node.input) for node in nodes if node.op == "AddN"
    ]


@pytest.mark.parametrize("name", MODELS)
def test_no_sum_of_a_training_step_has_an_order_of_its_own(name):
    backend.add_gradients_in_order()
    assert max(sums(name), default=0) <= 2
