import os
import sys

import keras
import pytest
from conftest import ROOT, output_of

from unroll.recurrent import on_tensorflow
from unroll.recurrent.layer import LSTM


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_outputs_and_gradients_are_those_of_keras(backend):
    changes = {
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
    }
    script = str(ROOT / "tests/recurrent_layers.py")
    output = output_of([sys.executable, script, backend], ROOT, changes, code=0)
    assert output.splitlines()[-1] == "24 alike"


@pytest.mark.parametrize(
    "options",
    [{"dropout": 0.5}, {"activation": "relu"}, {"use_bias": False}, {"return_state": True}],
)
def test_what_is_not_ours_is_left_to_keras(options, monkeypatch):
    calls = ours_called(monkeypatch)
    x = keras.ops.ones((2, 4, 3))
    LSTM(3)(x, training=True)
    assert calls == ["fused"]
    LSTM(3, **options)(x, training=True)
    assert calls == ["fused"]


def test_a_repeated_input_is_multiplied_once(monkeypatch):
    calls = ours_called(monkeypatch)
    LSTM(3, repeated=True)(keras.ops.ones((2, 4, 3)))
    LSTM(3)(keras.ops.ones((2, 4, 3)))
    assert calls == ["repeated", "fused"]


def ours_called(monkeypatch):
    """A list that grows by the name of each of our own computations that is used."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow" or tf.config.list_physical_devices("GPU"):
        pytest.skip("these are for TensorFlow's CPU")
    calls = []
    for name in ("fused", "repeated"):
        real = getattr(on_tensorflow, name)

        def counting(*arguments, name=name, real=real):
            calls.append(name)
            return real(*arguments)

        monkeypatch.setattr(on_tensorflow, name, counting)
    return calls
