"""The layer that reads n-grams: a linear recurrence whose gates look at the words around."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from unroll.core.tokens import PAD
from unroll.models.ngrams.counting import VIEWS
from unroll.models.ngrams.lookup import weighted_sum
from unroll.models.recurrent import linear

# Steps that a unit remembers at the beginning: those of each direction are spread between these.
MEMORY = (1.3, 20.0)
# Standard deviations of the rows of both tables at the beginning.
NOISE, GATE_NOISE = 0.3, 0.05
# Is added to the sum of the squared ratios of a text, so that few words decide less than many.
PRIOR = 2.0
AROUND = 3  # words that a gate looks at: the one of its step, the one before, the one after


@keras.saving.register_keras_serializable("unroll")
class GatedNgrams(keras.layers.Layer):
    """From the n-grams of texts to the sum of the states of a recurrence in both directions.

    Each n-gram has a vector, which begins near 1, and counts as much as its log-count ratio: z_t is
    the sum of ratio times vector over those that end at step t. The state is
    h_t = f_t * h_(t-1) + i_t * z_t, where the gates f and i are sigmoids of a bias and of a
    vector of each of the words at t-1, t and t+1. All states are summed and divided by the
    length of the vector of all ratios of the text. As this is linear in z, the layer begins as a
    naive-Bayes classifier. (S. Wang and C. D. Manning, Baselines and bigrams, ACL 2012; gates
    without states, as in T. Lei et al., Simple recurrent units for highly parallelizable
    recurrence, EMNLP 2018.)

    Args:
        units: the size of the state of one direction.
        words, rows: as `Table` has them.
        gates: whether there are gates; without them, h_t = z_t.
        memory: whether there is f; without it, h_t = 2 * i_t * z_t.
        dropout, dropout_gates: share of the n-grams, and of the words of gates, that are left
            out in training.
        options: those of every layer.
    """

    def __init__(
        self,
        units: int,
        words: int,
        rows: int,
        gates: bool = True,
        memory: bool = True,
        dropout: float = 0.0,
        dropout_gates: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units, self.words, self.rows = units, words, rows
        self.gates, self.memory = gates, memory
        self.dropout, self.dropout_gates = dropout, dropout_gates
        self._random = keras.random.SeedGenerator(name="random")

    def build(self, _shape: Any) -> None:
        """Create the weights; `ratios` is to be set to what `counting.ratios` returned."""
        width = 2 * self.units
        self.ratios = self.add_weight((VIEWS * self.rows,), "zeros", trainable=False, name="ratios")
        vectors = keras.initializers.RandomNormal(1, NOISE)
        self.vectors = self.add_weight((self.rows, width), vectors, name="vectors")
        if not self.gates:
            return
        sides = (1 + self.memory) * width
        looks = keras.initializers.RandomNormal(0, GATE_NOISE)
        self.looks = self.add_weight((AROUND * self.words, sides), looks, name="looks")
        forget = np.tile(np.log(np.geomspace(*MEMORY, self.units) - 1), 2)
        bias = np.concatenate([-forget, forget]) if self.memory else np.zeros(width)
        self.bias = self.add_weight(
            (sides,), lambda _, dtype: ops.convert_to_tensor(bias, dtype), name="bias"
        )

    def compute_output_spec(self, x: Any, **_options: Any) -> Any:
        """Said here, as the number of steps is not known before a batch comes."""
        return keras.KerasTensor((x.shape[0], 2 * self.units), self.compute_dtype)

    def call(self, x: Any, training: bool = False) -> Any:
        """What `Table.read` returned, padded in front, to float32 (batch, 2 * units).

        Args:
            x: int32 (batch, steps, 1 + n). Rows of a text that was counted have `rows` times the
                view of its class added.
        """
        words, ngrams = x[..., 0], x[..., 1:]
        ratios = ops.take(self.ratios, ngrams, axis=0)
        scale = ops.rsqrt(ops.sum(ops.square(ratios), axis=(1, 2)) + PRIOR)
        if training:
            ratios = keras.random.dropout(ratios, self.dropout, seed=self._random)
        z = weighted_sum(self.vectors, ngrams % self.rows, ratios)
        return (self._gated(words, z, training) if self.gates else ops.sum(z, 1)) * scale[:, None]

    def _gated(self, words: Any, z: Any, training: bool) -> Any:
        around = ops.stack([words, _moved(words, 1), _moved(words, -1)], axis=-1)
        kept = ops.cast(around != PAD, z.dtype)
        if training:
            draw = keras.random.uniform(ops.shape(kept), seed=self._random)
            kept = kept * ops.cast(draw >= self.dropout_gates, z.dtype)
        own = ops.convert_to_tensor(np.arange(AROUND, dtype=np.int32) * self.words)
        gates = ops.sigmoid(weighted_sum(self.looks, around + own, kept) + self.bias)
        if not self.memory:
            return ops.sum(2 * gates * z, axis=1)
        admit, forget = ops.split(gates, 2, axis=-1)
        ways = zip(ops.split(forget, 2, axis=-1), ops.split(admit * z, 2, axis=-1), strict=True)
        ahead, back = (linear.states(f, u, reverse=bool(way)) for way, (f, u) in enumerate(ways))
        inside = ops.cast(words != PAD, z.dtype)[..., None]
        first = inside - ops.pad(inside[:, :-1], ((0, 0), (1, 0), (0, 0)))
        total = ops.sum(ops.concatenate([ahead, back], axis=-1) * inside, axis=1)
        last = ops.concatenate([ahead[:, -1], ops.sum(back * first, axis=1)], axis=-1)
        # What the last states add until they have faded away, in a silence without end.
        return total + last * ops.exp(self.bias[2 * self.units :])

    def get_config(self) -> dict[str, Any]:
        names = ("units", "words", "rows", "gates", "memory", "dropout", "dropout_gates")
        return super().get_config() | {name: getattr(self, name) for name in names}


def _moved(words: Any, steps: int) -> Any:
    """The words `steps` steps earlier, PAD beyond the ends."""
    if steps > 0:
        return ops.pad(words[:, :-steps], ((0, 0), (steps, 0)))
    return ops.pad(words[:, -steps:], ((0, 0), (0, -steps)))
