"""The recurrent layer of this project: Keras's LSTM, faster on the CPU."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

# A pre-activation at which a gate is shut: its sigmoid is exactly 0 in float32.
SHUT = -1e4


@keras.saving.register_keras_serializable("unroll")
class LSTM(keras.layers.LSTM):
    """`keras.layers.LSTM` with the same weights and, except for rounding, the same results.

    On a CPU, Keras runs a loop of small operations over the steps; this layer calls
    `on_tensorflow` or `on_jax` once for the whole sequence. On a GPU, and for options that these
    do not support, it calls Keras's own implementation. A saved model names it
    `keras.layers.LSTM`, so that models load without this module.

    Args:
        units: the size of the hidden state.
        repeated: whether all steps of the input are the same, as after a RepeatVector. On a CPU the
            layer then reads the first step alone and multiplies it with the kernel once.
        padded: whether masked steps come first in every sequence, as padding in front does; on a
            CPU such masks cost next to nothing.
        options: those of `keras.layers.LSTM`.
    """

    def __init__(
        self, units: int, repeated: bool = False, padded: bool = False, **options: Any
    ) -> None:
        super().__init__(units, **options)
        self.repeated, self.padded = repeated, padded

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Sequences (batch, steps, features) to (batch, [steps,] units), float32."""
        fits = initial_state is None and self._is_plain(training) and _on_cpu()
        if not fits or (mask is not None and (not self.padded or self.repeated)):
            return super().call(sequences, initial_state, mask, training)
        kind = {"tensorflow": self._on_tensorflow, "jax": self._on_jax}
        compute = kind[keras.backend.backend()]
        if mask is None:
            return compute(sequences, self._weights())
        return self._masked(compute, sequences, mask)

    def _masked(self, compute: Any, sequences: Any, mask: Any) -> Any:
        """The same with a padding in front, through which the state stays zero.

        Each step has one more feature, 1 in the padding, whose weight shuts the input gate. So the
        cell state stays zero, and with it the hidden state. A layer that goes backwards first has
        each sequence shifted so that its padding is in front in that order, too.
        """
        out = ops.cast(ops.logical_not(mask), sequences.dtype)[..., None]
        sequences = ops.concatenate([sequences, out], -1)
        kernel, recurrent, bias = self._weights()
        shut = np.zeros((1, 4 * self.units), np.float32)
        shut[:, : self.units] = SHUT
        kernel = ops.concatenate([kernel, ops.convert_to_tensor(shut)], 0)
        if not self.go_backwards:
            return compute(sequences, [kernel, recurrent, bias])
        steps = ops.shape(sequences)[1]
        padding = ops.cast(ops.sum(out, axis=1), "int32")  # (batch, 1)
        places = (ops.arange(steps)[None] + padding) % steps
        # Shifted to the front and read from the end: the padding then comes first.
        found = compute(_taken(sequences, places), [kernel, recurrent, bias])
        if not self.return_sequences:
            return found
        # Back to Keras's order, in which the last state is repeated through the padding.
        return _taken(found, ops.minimum(ops.arange(steps)[None] + padding, steps - 1))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "repeated": self.repeated, "padded": self.padded}

    def _is_plain(self, training: bool) -> bool:
        dropped = training and (self.dropout or self.recurrent_dropout)
        return bool(
            self.compute_dtype == "float32"
            and self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and self.use_bias
            and not self.stateful
            and not self.return_state
            and not dropped
        )

    def _on_tensorflow(self, sequences: Any, weights: list[Any]) -> Any:
        from unroll.models.recurrent import on_tensorflow

        kernel, recurrent, bias = weights
        if self.repeated and sequences.shape[1]:
            base = _base(sequences[:, 0], kernel, bias)
            states = on_tensorflow.repeated(base, recurrent, sequences.shape[1])
            every, last = (2, 0, 1), (1, 0)
        else:
            x = ops.transpose(sequences, (1, 0, 2))
            x = ops.flip(x, 0) if self.go_backwards else x
            states = on_tensorflow.fused(x, kernel, recurrent, bias)
            every, last = (1, 0, 2), (0, 1)
        if self.return_sequences:
            return ops.transpose(states, every)
        return ops.transpose(states[-1], last)

    def _on_jax(self, sequences: Any, weights: list[Any]) -> Any:
        from unroll.models.recurrent import on_jax

        kernel, recurrent, bias = weights
        _, steps, _ = sequences.shape
        if self.repeated:
            base, kernel, x = _base(sequences[:, 0], kernel, bias), None, None
        else:
            base, x = bias[:, None], ops.transpose(sequences, (1, 2, 0))
            x = ops.flip(x, 0) if self.go_backwards else x
        states = on_jax.states(base, recurrent, kernel, x, steps, self.return_sequences)
        return ops.transpose(states, (2, 0, 1) if self.return_sequences else (1, 0))

    def _weights(self) -> list[Any]:
        weights = (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        return [ops.convert_to_tensor(weight) for weight in weights]


def _base(row: Any, kernel: Any, bias: Any) -> Any:
    """What the input (batch, features) adds to every step's pre-activations, (4 units, batch)."""
    return ops.transpose(ops.matmul(row, kernel) + bias)


def _taken(sequences: Any, places: Any) -> Any:
    """The steps of each sequence at its own places, (batch, steps)."""
    return ops.take_along_axis(sequences, places[..., None], axis=1)


def _on_cpu() -> bool:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return not tf.config.list_physical_devices("GPU")
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "cpu"
    return False
