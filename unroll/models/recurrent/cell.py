"""One step of the LSTM for sequences in columns."""

from __future__ import annotations

from typing import Any

from keras import ops


def step(z: Any, carry: Any) -> tuple[Any, Any]:
    """The hidden state and the cell state after a step, (units, batch) each.

    With sequences in columns, the gates are four blocks of whole rows, and the processor's vector
    operations run along the batch even if there are few units.

    Args:
        z: the pre-activations of the gates, (4 units, batch), in Keras's order: input, forget,
            candidate, output.
        carry: the cell state before the step, (units, batch).
    """
    i, f, candidate, o = ops.split(z, 4)
    carry = ops.sigmoid(f) * carry + ops.sigmoid(i) * ops.tanh(candidate)
    return ops.sigmoid(o) * ops.tanh(carry), carry
