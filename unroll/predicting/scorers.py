"""What has scores for texts: a trained model, or a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unroll.core.paths import METHOD, NGRAMS
from unroll.predicting.gated import GatedSum
from unroll.predicting.scoring import Scorer
from unroll.preprocessing.words import tokens


class NgramScorer(Scorer):
    """A trained model of n-grams, which says exactly what words contribute."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._sum = GatedSum(folder)

    def contributions(self, text: str) -> list[tuple[str, float]]:
        """The words and marks of a text, in order, with what each adds to the log-odds."""
        found = tokens(text)
        return list(zip(found, self._sum.shares(found).tolist(), strict=True))


def scorer_of(folder: Path) -> Any:
    """A trained model or a baseline of texts, as a function from texts to probabilities.

    Raises:
        UserError: a file is missing or damaged.
    """
    if (folder / NGRAMS).exists():
        return NgramScorer(folder)
    if not (folder / METHOD).exists():
        return Scorer(folder)
    from unroll.predicting.linear import LinearScorer  # with scikit-learn, a second

    return LinearScorer(folder)
