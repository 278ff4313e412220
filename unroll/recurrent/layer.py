"""The recurrent layer of this project: Keras's LSTM, faster on TensorFlow's CPU."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("unroll")
class LSTM(keras.layers.LSTM):
    """`keras.layers.LSTM` with the same weights and, up to rounding, the same results.

    On TensorFlow without a GPU, Keras runs a loop of small operations over the steps; this layer
    runs TensorFlow's own fused kernel for the whole sequence, `BlockLSTM` (after Gers,
    Schmidhuber and Cummins, Learning to forget, 2000). Elsewhere, and wherever an option asks for
    more than the kernel gives, it is Keras's own. A saved model names it `keras.layers.LSTM`, so
    that models load without this module.
    """

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Sequences (batch, steps, features) to (batch, units), or (batch, steps, units)."""
        if initial_state is None and mask is None and self._fits_kernel(training):
            return self._fused(sequences)
        return super().call(sequences, initial_state, mask, training)

    def _fits_kernel(self, training: bool) -> bool:
        if keras.backend.backend() != "tensorflow" or self.compute_dtype != "float32":
            return False
        import tensorflow as tf

        dropped = training and (self.dropout or self.recurrent_dropout)
        plain = (
            self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and self.use_bias
            and not self.stateful
            and not self.return_state
        )
        return plain and not dropped and not tf.config.list_physical_devices("GPU")

    def _fused(self, sequences: Any) -> Any:
        import tensorflow as tf

        x = tf.transpose(sequences, (1, 0, 2))
        if self.go_backwards:
            x = tf.reverse(x, [0])
        kernel = tf.concat([self.cell.kernel, self.cell.recurrent_kernel], 0)
        state = tf.zeros((tf.shape(x)[1], self.units), x.dtype)
        no_peephole = tf.zeros((self.units,), x.dtype)
        # Not BlockLSTMV2: in TensorFlow 2.21 its gradient is wrong (tests/test_recurrent.py).
        hidden = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.cast(tf.shape(x)[0], tf.int64),
            x=x,
            cs_prev=state,
            h_prev=state,
            w=_as_icfo(kernel),
            wci=no_peephole,
            wcf=no_peephole,
            wco=no_peephole,
            b=_as_icfo(self.cell.bias),
            forget_bias=0.0,
            cell_clip=-1.0,
            use_peephole=False,
        ).h
        return tf.transpose(hidden, (1, 0, 2)) if self.return_sequences else hidden[-1]


def _as_icfo(weights: Any) -> Any:
    """Keras keeps the gates in the order input, forget, cell, output; the kernel i, c, f, o."""
    import tensorflow as tf

    i, f, c, o = tf.split(weights, 4, axis=-1)
    return tf.concat([i, c, f, o], axis=-1)
