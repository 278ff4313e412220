"""The linear recurrence h_t = f_t * h_(t-1) + u_t, on every backend.

Its states don't pass through a matrix or a nonlinearity, so it needs no loop over all steps. (J.
Bradbury et al., Quasi-recurrent neural networks, ICLR 2017; T. Lei et al., Simple recurrent units
for highly parallelizable recurrence, EMNLP 2018; E. Martin and C. Cundy, Parallelizing linear
recurrent neural nets over sequence length, ICLR 2018.)
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops


def states(forget: Any, update: Any, reverse: bool = False) -> Any:
    """The state after each step, from a state of zeros; exact, with its gradient.

    Args:
        forget, update: f and u, floats (batch, steps, units); the number of steps must be known.
            A padding where u is zero leaves the zeros in front of a sequence as they are.
        reverse: whether to begin with the last step; states keep the places of their steps.

    Returns:
        (batch, steps, units).
    """

    @ops.custom_gradient
    def recurrence(forget: Any, update: Any) -> Any:
        found = _scan(forget, update, reverse)

        def gradient(*arguments: Any, upstream: Any = None) -> tuple[Any, Any]:
            upstream = arguments[0] if upstream is None else upstream
            # A state's gradient is the same recurrence, the other way round.
            to_update = _scan(_shifted(forget, not reverse), upstream, not reverse)
            return to_update * _shifted(found, reverse), to_update

        return found, gradient

    return recurrence(forget, update)


def _shifted(sequences: Any, reverse: bool) -> Any:
    """What the step before had, zeros at the first one."""
    kept = sequences[:, 1:] if reverse else sequences[:, :-1]
    return ops.pad(kept, ((0, 0), (0, 1) if reverse else (1, 0), (0, 0)))


def _scan(forget: Any, update: Any, reverse: bool) -> Any:
    """The states in about twice the square root of the steps.

    All blocks of steps start from zeros, side by side; then the state at the end of each is handed
    on to the next, where it decays by the product of the forget gates.
    """
    steps, units = forget.shape[1:]
    size = math.isqrt(max(steps - 1, 0)) + 1
    count = -(-steps // size)
    padding = ((0, 0), (size * count - steps, 0) if reverse else (0, size * count - steps), (0, 0))
    shape = (-1, count, size, units)
    gates = _in_order(ops.reshape(ops.pad(forget, padding), shape), 2, reverse)
    inputs = _in_order(ops.reshape(ops.pad(update, padding), shape), 2, reverse)
    decays, found = gates[:1], inputs[:1]
    for gate, given in zip(gates[1:], inputs[1:], strict=True):
        decays.append(gate * decays[-1])
        found.append(gate * found[-1] + given)
    ends = _in_order(found[-1], 1, reverse)
    whole = _in_order(decays[-1], 1, reverse)
    carried = [ops.zeros_like(ends[0])]
    for decay, end in zip(whole[:-1], ends[:-1], strict=True):
        carried.append(decay * carried[-1] + end)
    before = ops.stack(carried[::-1] if reverse else carried, 1)
    found = [own + decay * before for own, decay in zip(found, decays, strict=True)]
    every = ops.stack(found[::-1] if reverse else found, 2)
    every = ops.reshape(every, (-1, count * size, units))
    return every[:, -steps:] if reverse else every[:, :steps]


def _in_order(blocks: Any, axis: int, reverse: bool) -> list[Any]:
    parts = ops.unstack(blocks, axis=axis)
    return parts[::-1] if reverse else list(parts)
