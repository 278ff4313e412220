"""One step of the LSTM for sequences that lie in columns."""

from __future__ import annotations

from typing import Any

from keras import ops


def step(z: Any, content: Any) -> tuple[Any, Any]:
    """The state and the cell's content after a step, (units, batch) each.

    With sequences in columns, the gates are four blocks of whole rows and a processor's vectors
    run along the batch, however few units there are.

    Args:
        z: the sums of the step, (4 units, batch), the gates in Keras's order: input, forget, new
            content, output.
        content: what the cell holds before it, (units, batch).
    """
    i, f, new, o = ops.split(z, 4)
    content = ops.sigmoid(f) * content + ops.sigmoid(i) * ops.tanh(new)
    return ops.sigmoid(o) * ops.tanh(content), content
