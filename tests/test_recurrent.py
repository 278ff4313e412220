import os
import sys

import keras
import pytest
import recurrent_layers
import tensorflow as tf
from conftest import ROOT, output_of

from unroll.models.recurrent.layer import LSTM


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_outputs_and_gradients_are_those_of_keras(backend):
    changes = {
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        # Compiling takes longest, and these layers are small.
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    script = str(ROOT / "tests/recurrent_layers.py")
    output = output_of([sys.executable, script, backend], ROOT, changes, code=0)
    assert output.splitlines()[-1] == "14 alike"


@pytest.mark.parametrize(
    "options",
    [
        *({"dropout": 0.5}, {"recurrent_dropout": 0.5}, {"activation": "relu"}),
        *({"recurrent_activation": "hard_sigmoid"}, {"use_bias": False}, {"return_state": True}),
        *({"stateful": True}, {"dtype": "mixed_bfloat16"}),
    ],
    ids=str,
)
def test_what_is_not_ours_is_left_to_keras(options, monkeypatch):
    calls = ours_called(monkeypatch)
    x = keras.ops.ones((2, 4, 3))
    LSTM(3)(x, training=True)
    assert calls == ["fused"]
    LSTM(3, **options)(x, training=True)
    assert calls == ["fused"]


@pytest.mark.parametrize("given", ["mask", "initial_state"])
def test_a_mask_or_a_state_to_begin_with_is_left_to_keras(given, monkeypatch):
    calls = ours_called(monkeypatch)
    values = {
        "mask": keras.ops.ones((2, 4), "bool"),
        "initial_state": [keras.ops.ones((2, 3)), keras.ops.ones((2, 3))],
    }
    LSTM(3)(keras.ops.ones((2, 4, 3)), **{given: values[given]})
    assert calls == []


def test_a_repeated_input_is_multiplied_once(monkeypatch):
    calls = ours_called(monkeypatch)
    LSTM(3, repeated=True)(keras.ops.ones((2, 4, 3)))
    LSTM(3)(keras.ops.ones((2, 4, 3)))
    assert calls == ["repeated", "fused"]


def test_no_sum_of_gradients_takes_its_terms_in_an_order_of_chance():
    """AddN adds to whichever term nothing else waits for: of three or more, not always the same."""
    layer = LSTM(3, repeated=True, return_sequences=True)
    layer.build((2, 8, 3))

    @tf.function
    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_variables)])

    x = tf.ones((2, 8, 3))
    operations = gradients.get_concrete_function(x).graph.get_operations()
    assert [op for op in operations if op.type == "AddN" and len(op.inputs) > 2] == []
    assert [gradient.shape for gradient in gradients(x)][1] == (3, 12)


def ours_called(monkeypatch):
    """As that of recurrent_layers, for this test alone."""
    if keras.backend.backend() != "tensorflow" or tf.config.list_physical_devices("GPU"):
        pytest.skip("these are for TensorFlow's CPU")
    return recurrent_layers.ours_called(monkeypatch.setattr)
