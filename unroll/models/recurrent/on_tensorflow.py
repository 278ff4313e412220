"""The LSTM over a whole sequence in TensorFlow, on the CPU."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from unroll.models.recurrent import cell


def fused(x: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """The states after each step, from a state of zeros, by TensorFlow's kernel `BlockLSTM`.

    It is one operation for the whole sequence (F. A. Gers, J. Schmidhuber and F. Cummins, Learning
    to forget, Neural Computation 12, 2000).

    Args:
        x: float32 (steps, batch, features).
        kernel, recurrent, bias: as Keras keeps them: (features, 4 units), (units, 4 units),
            (4 units,).

    Returns:
        float32 (steps, batch, units).
    """
    units = recurrent.shape[0]
    state = tf.zeros((tf.shape(x)[1], units), x.dtype)
    no_peephole = tf.zeros((units,), x.dtype)
    # Not BlockLSTMV2: in TensorFlow 2.21 its gradient is wrong (tests/recurrent_layers.py).
    return tf.raw_ops.BlockLSTM(
        seq_len_max=tf.cast(tf.shape(x)[0], tf.int64),
        x=x,
        cs_prev=state,
        h_prev=state,
        w=_as_icfo(tf.concat([kernel, recurrent], 0)),
        wci=no_peephole,
        wcf=no_peephole,
        wco=no_peephole,
        b=_as_icfo(bias),
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=False,
    ).h


def _as_icfo(weights: Any) -> Any:
    """Keras keeps the gates in the order input, forget, cell, output; the kernel i, c, f, o."""
    i, f, c, o = tf.split(weights, 4, axis=-1)
    return tf.concat([i, c, f, o], axis=-1)


def repeated(base: Any, recurrent: Any, steps: int) -> Any:
    """The states after each step, from a state of zeros, where every step has the same input.

    Args:
        base: what every step adds to the pre-activations, float32 (4 units, batch).
        recurrent: Keras's recurrent kernel, (units, 4 units).
        steps: how many, at least one.

    Returns:
        float32 (steps, units, batch).
    """
    # Copies, so that the gradients of the steps are stacked before they are added: for a shared
    # tensor TensorFlow uses AddN, whose order of addition varies from run to run.
    bases = tf.unstack(tf.tile(base[None], (steps, 1, 1)))
    kernels = tf.unstack(tf.tile(recurrent[None], (steps, 1, 1)))
    state = carry = tf.zeros_like(base[: recurrent.shape[0]])
    found = []
    # No loop in the graph: its overhead per step costs more than the computation.
    for step_base, step_kernel in zip(bases, kernels, strict=True):
        z = step_base + tf.matmul(step_kernel, state, transpose_a=True)
        state, carry = cell.step(z, carry)
        found.append(state)
    return tf.stack(found)
