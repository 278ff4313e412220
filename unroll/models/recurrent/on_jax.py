"""The LSTM over a whole sequence in JAX, on the CPU."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from unroll.models.recurrent import cell


def states(base: Any, recurrent: Any, kernel: Any, x: Any, steps: int, every: bool) -> Any:
    """The states after each step, or the last one, from a state of zeros.

    The inputs are multiplied step by step. One product for all steps would not fit the processor's
    cache and takes 1.5 times as long.

    Args:
        base: what every step adds to the pre-activations, float32 (4 units, batch) or (4 units, 1).
        recurrent: Keras's recurrent kernel, (units, 4 units).
        kernel: of the inputs, (features, 4 units); None if all steps have the same input.
        x: (steps, features, batch), or None likewise.
        steps: how many, at least one.
        every: whether to return all states.

    Returns:
        float32 (steps, units, batch), or (units, batch).
    """

    def step(before: Any, row: Any) -> Any:
        state, carry = before
        z = base + recurrent.T @ state
        if kernel is not None:
            z = z + kernel.T @ row
        state, carry = cell.step(z, carry)
        return (state, carry), state if every else None

    batch = base.shape[1] if x is None else x.shape[2]
    zeros = jnp.zeros((len(recurrent), batch), base.dtype)
    (last, _), found = jax.lax.scan(step, (zeros, zeros), x, length=steps)
    return found if every else last
