"""The LSTM over a whole sequence in JAX, on the CPU."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from unroll.models.recurrent import cell


def states(base: Any, recurrent: Any, kernel: Any, x: Any, steps: int, every: bool) -> Any:
    """The states after each step, or the last one, from a state of zeros.

    The inputs are multiplied step by step: all at once would take half as long again, as the
    products no longer come out of the processor's cache.

    Args:
        base: what is added to the sums at every step, float32 (4 units, batch) or (4 units, 1).
        recurrent: Keras's recurrent kernel, (units, 4 units).
        kernel: of the inputs, (features, 4 units); None where no step has an input of its own.
        x: (steps, features, batch); None likewise.
        steps: how many, at least one.
        every: whether all states are wanted.

    Returns:
        float32 (steps, units, batch), or (units, batch).
    """

    def step(before: Any, row: Any) -> Any:
        state, content = before
        z = base + recurrent.T @ state
        if kernel is not None:
            z = z + kernel.T @ row
        state, content = cell.step(z, content)
        return (state, content), state if every else None

    batch = base.shape[1] if x is None else x.shape[2]
    zeros = jnp.zeros((len(recurrent), batch), base.dtype)
    (last, _), found = jax.lax.scan(step, (zeros, zeros), x, length=steps)
    return found if every else last
