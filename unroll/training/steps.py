"""Training steps, many in one call of the backend.

`keras.Model.fit` feeds each batch through a queue. With as many steps an execution it takes 1.3
times as long for the chapter's four models together on TensorFlow, and from 0.95 (simple RNN on
JAX) to 1.8 times (BiLSTM autoencoder on JAX) for one (`bench/throughput.py`). Here one call is
given the rows of several steps, and each step is Keras's own `train_step`, so every model,
optimizer and precision works as in `fit`. The order of the rows is exactly that of the caller, and
no more of them than those of a call need be in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import keras
import numpy as np

from unroll.training.order import PER_CALL
from unroll.training.rows import Stored

Prepare = Callable[[Any], Any]


class Steps(Protocol):
    """Runs steps over rows."""

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


def steps_of(model: keras.Model, x: Stored, y: Stored, batch: int, prepare: Prepare) -> Steps:
    """The steps of a compiled model on the backend in use.

    Args:
        x: inputs as they are stored.
        y: targets as the loss takes them; the same object as `x` where inputs are targets.
        prepare: turns rows of `x` into what the model takes, with `keras.ops`.
    """
    model.optimizer.build(model.trainable_variables)
    backend = keras.backend.backend()
    kinds: dict[str, Any] = {"tensorflow": _TensorflowSteps, "jax": _JaxSteps}
    return kinds[backend](model, x, y, batch, prepare)


class _Gathering:
    """Gathers the rows of a call; targets that are inputs are not gathered again."""

    def __init__(self, x: Stored, y: Stored) -> None:
        self._x, self._y, self.rebuilds = x, y, y is x

    def __call__(self, order: np.ndarray, width: int) -> tuple[np.ndarray, ...]:
        if isinstance(self._x, np.ndarray):
            x = self._x[:, -width:][order]
        else:
            x = np.ascontiguousarray(self._x[order][:, -width:])
        return (x,) if self.rebuilds else (x, self._y[order])


class _TensorflowSteps:
    def __init__(
        self, model: keras.Model, x: Stored, y: Stored, batch: int, prepare: Prepare
    ) -> None:
        import tensorflow as tf

        self._gathered = gathered = _Gathering(x, y)

        @cache
        def compiled(*kinds: tuple[tuple[int, ...], np.dtype]) -> Any:
            """For rows of some shapes and types."""

            @tf.function(input_signature=[tf.TensorSpec((None, *s), t) for s, t in kinds])
            def run(*rows: Any) -> Any:
                steps = tf.shape(rows[0])[0] // batch
                means = tf.TensorArray(tf.float32, steps)
                for step in tf.range(steps):
                    own = [
                        tf.ensure_shape(each[step * batch : (step + 1) * batch], (batch, *s))
                        for each, (s, _) in zip(rows, kinds, strict=True)
                    ]
                    batch_x = prepare(own[0])
                    batch_y = batch_x if gathered.rebuilds else own[1]
                    means = means.write(step, model.train_step((batch_x, batch_y))["loss"])
                return means.stack()

            return run

        self._compiled = compiled

    def run(self, order: np.ndarray, width: int) -> np.ndarray:
        rows = self._gathered(order, width)
        return self._compiled(*((each.shape[1:], each.dtype) for each in rows))(*rows).numpy()

    def finish(self) -> None:
        pass


class _JaxSteps:
    def __init__(
        self, model: keras.Model, x: Stored, y: Stored, batch: int, prepare: Prepare
    ) -> None:
        import jax
        import jax.numpy as jnp

        self._gathered = gathered = _Gathering(x, y)
        self._model, self._batch = model, batch
        self._state: Any = None

        @jax.jit
        def run(state: Any, steps: Any, *rows: Any) -> Any:
            def step(i: Any, carry: Any) -> Any:
                state, means = carry
                own = [jax.lax.dynamic_slice_in_dim(each, i * batch, batch) for each in rows]
                batch_x = prepare(own[0])
                batch_y = batch_x if gathered.rebuilds else own[1]
                logs, state = model.train_step(state, (batch_x, batch_y))
                return state, means.at[i].set(logs["loss"])

            return jax.lax.fori_loop(0, steps, step, (state, jnp.zeros(PER_CALL)))

        self._run = run

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
        self._state, means = self._run(self._state, steps, *self._gathered(padded, width))
        return np.asarray(means)[:steps]

    def finish(self) -> None:
        for group, values in zip(self._variables(), self._state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        self._state = None
