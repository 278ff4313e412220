"""Our LSTM beside Keras's on random weights, inputs and gradients, on the backend in use.

Run by tests/test_recurrent.py in a process of its own, as a backend is chosen once a process.
"""

import importlib
import itertools
import sys

if sys.argv[1:] == ["jax"]:
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # Keras would import it

import keras
import numpy as np

from unroll.models.recurrent.layer import LSTM

BATCH, STEPS, UNITS = 5, 11, 7


def outputs_and_gradients(layer, x, upstream, inside):
    """What a layer gives for `x`, and the derivatives of its product with `upstream`."""
    mask = None if inside.all() else inside
    if keras.backend.backend() == "jax":
        import jax

        def loss(weights, x):
            output, _ = layer.stateless_call(weights, others, x, training=True, mask=mask)
            return (output * upstream).sum(), output

        weights = [variable.value for variable in layer.trainable_variables]
        others = [variable.value for variable in layer.non_trainable_variables]
        # As in training, compiled as a whole.
        run_on_jax = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))
        (_, output), found = run_on_jax(weights, x)
        return [output, *found[0], found[1]]
    import tensorflow as tf

    # As in training, within a graph.
    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = layer(x, training=True, mask=mask)
            loss = tf.reduce_sum(output * upstream)
        sources = [*(variable.value for variable in layer.trainable_variables), x]
        return [output, *tape.gradient(loss, sources)]

    return run(tf.constant(x))


def compare(rng, features, repeated, two_ways, masked, **options):
    x = rng.normal(size=(BATCH, STEPS, features)).astype(np.float32)
    inside = np.ones((BATCH, STEPS), bool)
    if masked:
        inside = np.arange(STEPS) >= np.array([0, 1, 4, 10, 7])[:, None]
    if repeated:
        x[:] = x[:, :1]
    ours: keras.Layer = LSTM(UNITS, repeated=repeated, padded=masked, **options)
    theirs: keras.Layer = keras.layers.LSTM(UNITS, **options)
    if two_ways:
        ours, theirs = keras.layers.Bidirectional(ours), keras.layers.Bidirectional(theirs)
    for layer in (ours, theirs):
        layer.build(x.shape)
    weights = [rng.normal(size=weight.shape) for weight in theirs.get_weights()]
    width = UNITS * (2 if two_ways else 1)
    shape = (BATCH, STEPS, width) if options["return_sequences"] else (BATCH, width)
    upstream = rng.normal(size=shape).astype(np.float32)
    if options["return_sequences"]:
        upstream *= inside[..., None]  # of the padding, a state means nothing
    found = []
    for layer in (ours, theirs):
        layer.set_weights(weights)
        *values, by_input = map(np.asarray, outputs_and_gradients(layer, x, upstream, inside))
        if layer is ours and repeated:
            assert not by_input[:, 1:].any()  # it is read at its first step alone
        if options["return_sequences"]:
            values[0] = values[0] * inside[..., None]
        # What is repeated gets the same in all.
        found.append([*values, by_input.sum(1) if repeated else by_input])
    for one, other in zip(*found, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=5e-4, atol=5e-5)


def ours_called(replace=setattr):
    """A list that grows by the name of each of our own computations that is used.

    Args:
        replace: puts a function in the place of another, as `setattr` does.
    """
    name, functions = {
        "tensorflow": ("on_tensorflow", ("fused", "repeated")),
        "jax": ("on_jax", ("states",)),
    }[keras.backend.backend()]
    module = importlib.import_module(f"unroll.models.recurrent.{name}")
    calls = []
    for function in functions:
        real = getattr(module, function)

        def counting(*arguments, function=function, real=real):
            calls.append(function)
            return real(*arguments)

        replace(module, function, counting)
    return calls


if __name__ == "__main__":
    assert keras.backend.backend() == sys.argv[1]
    rng = np.random.default_rng(0)
    done = 0
    calls = ours_called()
    # Of the two sizes of input one is smaller than the state and one larger.
    for repeated, two_ways, every, backwards, masked in itertools.product((False, True), repeat=5):
        features = 3 if every else 20
        # Backwards, Keras leaves the states of the padding at the end.
        ends = every and backwards and masked
        # Two ways are one forwards and one backwards, so that a few cases of them will do.
        enough = two_ways and (backwards or not every)
        if not (ends or enough or (repeated and masked)):
            calls.clear()
            options = {"return_sequences": every, "go_backwards": backwards}
            compare(rng, features, repeated, two_ways, masked, **options)
            assert calls, "the layer is Keras's own"
            done += 1
    print(done, "alike")
