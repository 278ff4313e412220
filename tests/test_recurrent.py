import keras
import numpy as np
import pytest

from unroll.recurrent.layer import LSTM


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_outputs_and_gradients_are_those_of_keras(return_sequences, go_backwards):
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the kernel is TensorFlow's")
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(5, 11, 3)), tf.float32)
    upstream = tf.constant(rng.normal(size=(5, 11, 7)[:: 1 if return_sequences else 2]), tf.float32)
    options = {"return_sequences": return_sequences, "go_backwards": go_backwards}
    ours, theirs = LSTM(7, **options), keras.layers.LSTM(7, **options)
    for layer in (ours, theirs):
        layer.build(x.shape)
    weights = [rng.normal(size=weight.shape) for weight in theirs.get_weights()]
    found = []
    for layer in (ours, theirs):
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = layer(x, training=True)
            loss = tf.reduce_sum(output * upstream)
        sources = [x, *(variable.value for variable in layer.trainable_variables)]
        found.append([output, *tape.gradient(loss, sources)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(
    "options",
    [{"dropout": 0.5}, {"activation": "relu"}, {"use_bias": False}, {"return_state": True}],
)
def test_what_the_kernel_cannot_do_is_left_to_keras(options):
    if not LSTM(3)._fits_kernel(training=True):
        pytest.skip("the kernel is not for this backend or device")
    assert not LSTM(3, **options)._fits_kernel(training=True)


def test_the_kernel_is_used_where_it_fits():
    fits = LSTM(3)._fits_kernel(training=True)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        assert fits == (not tf.config.list_physical_devices("GPU"))
    else:
        assert not fits
