"""Gated recurrence over n-grams.

It begins as a naive-Bayes classifier of n-grams (S. Wang and C. D. Manning, Baselines and bigrams,
ACL 2012) and learns what they mean between the words around them, see
`unroll.models.ngrams.layer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unroll.models.parameters import Ngrams as Parameters
from unroll.models.stacks import scoring

if TYPE_CHECKING:
    from unroll.models.ngrams.inputs import Counted

__all__ = ["Parameters", "build"]

# The weight of the sum of all ratios of a text, divided by the length of their vector, in its
# score at the beginning.
TRUST = 4.0


def build(parameters: Parameters, data: Counted, name: str) -> Any:
    """A Keras model from what `Table.read` returns, padded in front, to scores (batch, 1)."""
    import keras
    from keras import layers

    from unroll.models.ngrams.layer import GatedNgrams

    ngrams = GatedNgrams(
        parameters.units,
        data.vocabulary,
        data.rows,
        gates=parameters.gates,
        memory=parameters.memory,
        dropout=parameters.dropout_input,
        dropout_gates=parameters.dropout_gates,
        name="ngrams",
    )
    score = scoring(data)
    score.kernel_initializer = keras.initializers.Constant(TRUST / (2 * parameters.units))
    model = keras.Sequential(
        [
            layers.Input((None, 1 + parameters.ngrams), dtype="int32"),
            ngrams,
            layers.Dropout(parameters.dropout_output, name="dropout_output"),
            score,
        ],
        name=name,
    )
    ngrams.ratios.assign(data.ratios)
    return model
