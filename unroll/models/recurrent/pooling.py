"""Pooling over all states of a recurrent layer, instead of its last one."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("unroll")
class MeanMaxPooling(keras.layers.Layer):
    """The mean and the maximum of each feature over the steps, side by side.

    Masked steps don't count. Keras's own maximum takes no notice of a mask. (A. Conneau et al.,
    Supervised learning of universal sentence representations, EMNLP 2017, compare both.)
    """

    def build(self, _shape: Any) -> None:
        """Nothing but to say that masks are welcome."""
        self.supports_masking = True

    def compute_mask(self, _: Any, __: Any = None) -> None:
        """No mask: there are no steps any more."""

    def call(self, sequences: Any, mask: Any = None) -> Any:
        """Sequences (batch, steps, features) to (batch, 2 features); each has a step that counts.

        Args:
            mask: bool (batch, steps), true where a step counts; None: all do.
        """
        if mask is None:
            pooled = ops.mean(sequences, axis=1), ops.max(sequences, axis=1)
        else:
            mask = mask[..., None]
            counts = ops.sum(ops.cast(mask, sequences.dtype), axis=1)
            total = ops.sum(ops.where(mask, sequences, 0), axis=1)
            pooled = total / counts, ops.max(ops.where(mask, sequences, float("-inf")), axis=1)
        return ops.concatenate(pooled, axis=-1)
