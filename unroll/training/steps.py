"""Training steps, many in one call of the backend.

`keras.Model.fit` feeds each batch through a queue. With as many steps an execution it takes 1.3
times as long for the chapter's four models together on TensorFlow, and from 0.95 (simple RNN on
JAX) to 1.8 times (BiLSTM autoencoder on JAX) for one (`bench/throughput.py`). Here the data are on
the device, one call gathers the batches of several steps, and each step is Keras's own
`train_step`, so every model, optimizer and precision works as in `fit`. The order of the rows is
exactly that of the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Protocol

import keras
import numpy as np

from unroll.training.order import PER_CALL

Prepare = Callable[[Any], Any]


class Steps(Protocol):
    """Runs steps over rows on the device."""

    def run(self, order: np.ndarray, width: int) -> np.ndarray:
        """Take one step per batch of the rows that `order` names.

        Args:
            order: int32, shape (steps * batch,), at most `PER_CALL` steps.
            width: how many of the last steps of each row are read.

        Returns:
            The mean loss since the epoch began, after each step, float32 of shape (steps,).
        """
        ...

    def finish(self) -> None:
        """End an epoch: write the results of the steps to the model's variables."""
        ...


def steps_of(
    model: keras.Model, x: np.ndarray, y: np.ndarray, batch: int, prepare: Prepare
) -> Steps:
    """The steps of a compiled model on the backend in use.

    Args:
        x: inputs as they are stored.
        y: targets as the loss takes them; the same object as `x` where inputs are targets.
        prepare: turns gathered rows of `x` into what the model takes, with `keras.ops`.
    """
    model.optimizer.build(model.trainable_variables)
    backend = keras.backend.backend()
    kinds: dict[str, Any] = {"tensorflow": _TensorflowSteps, "jax": _JaxSteps}
    return kinds[backend](model, x, y, batch, prepare)


class _TensorflowSteps:
    def __init__(
        self, model: keras.Model, x: np.ndarray, y: np.ndarray, batch: int, prepare: Prepare
    ) -> None:
        import tensorflow as tf

        inputs = tf.constant(x)
        targets = inputs if y is x else tf.constant(y)

        @cache
        def compiled(width: int) -> Any:
            @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
            def run(order: Any) -> Any:
                steps = tf.shape(order)[0] // batch
                means = tf.TensorArray(tf.float32, steps)
                for step in tf.range(steps):
                    rows = tf.ensure_shape(order[step * batch : (step + 1) * batch], [batch])
                    batch_x = prepare(tf.gather(inputs, rows)[:, -width:])
                    batch_y = batch_x if y is x else tf.gather(targets, rows)
                    means = means.write(step, model.train_step((batch_x, batch_y))["loss"])
                return means.stack()

            return run

        self._compiled = compiled

    def run(self, order: np.ndarray, width: int) -> np.ndarray:
        return self._compiled(width)(order).numpy()

    def finish(self) -> None:
        pass


class _JaxSteps:
    def __init__(
        self, model: keras.Model, x: np.ndarray, y: np.ndarray, batch: int, prepare: Prepare
    ) -> None:
        import jax
        import jax.numpy as jnp

        inputs = jnp.asarray(x)
        targets = inputs if y is x else jnp.asarray(y)
        self._model, self._batch = model, batch
        self._state: Any = None

        @partial(jax.jit, static_argnums=3)
        def run(state: Any, order: Any, steps: Any, width: int, inputs: Any, targets: Any) -> Any:
            def step(i: Any, carry: Any) -> Any:
                state, means = carry
                rows = jax.lax.dynamic_slice(order, [i * batch], [batch])
                batch_x = prepare(inputs[rows][:, -width:])
                batch_y = batch_x if y is x else targets[rows]
                logs, state = model.train_step(state, (batch_x, batch_y))
                return state, means.at[i].set(logs["loss"])

            return jax.lax.fori_loop(0, steps, step, (state, jnp.zeros(PER_CALL)))

        self._run = lambda *arguments: run(*arguments, inputs, targets)

    def _variables(self) -> tuple[list[Any], ...]:
        model = self._model
        return (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )

    def run(self, order: np.ndarray, width: int) -> np.ndarray:
        if self._state is None:
            self._state = tuple([v.value for v in group] for group in self._variables())
        # One shape for all calls, so that the steps are compiled once.
        steps = len(order) // self._batch
        padded = np.zeros(PER_CALL * self._batch, np.int32)
        padded[: len(order)] = order
        self._state, means = self._run(self._state, padded, steps, width)
        return np.asarray(means)[:steps]

    def finish(self) -> None:
        for group, values in zip(self._variables(), self._state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        self._state = None
