"""Sums of rows of a large table, whose gradient touches these rows alone."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def weighted_sum(table: Any, rows: Any, weights: Any) -> Any:
    """The sum of some rows of a table, each times its weight.

    On TensorFlow on the CPU it is one product of a sparse matrix with the rows that are in use,
    each of them once. So the gradient has each row once, and is `tf.IndexedSlices`.

    Args:
        table: a variable, float32 (size, width).
        rows: int32 (batch, steps, n).
        weights: float32 of the same shape, to which no gradient flows.

    Returns:
        float32 (batch, steps, width).
    """
    if keras.backend.backend() != "tensorflow":
        return ops.einsum("btn,btnw->btw", weights, ops.take(table, rows, axis=0))
    import tensorflow as tf

    (batch, steps, _), n = tf.unstack(tf.shape(rows, tf.int64)), rows.shape[-1]
    weights = tf.reshape(tf.stop_gradient(weights), [-1])
    kept = tf.where(weights != 0)[:, 0]
    used, columns = tf.unique(tf.gather(tf.reshape(rows, [-1]), kept), tf.int64)
    found = tf.raw_ops.SparseTensorDenseMatMul(
        a_indices=tf.stack([kept // n, columns], axis=1),
        a_values=tf.gather(weights, kept),
        a_shape=tf.stack([batch * steps, tf.size(used, tf.int64)]),
        b=tf.gather(table.value, used),
    )
    return tf.reshape(found, tf.stack([batch, steps, table.shape[-1]]))
