"""A baseline of texts in the place of a trained model: scores, and exactly why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unroll.baselines.texts import Baseline
from unroll.core.datasets import Part
from unroll.core.tokens import FIRST, UNKNOWN
from unroll.preprocessing.words import tokens


class LinearScorer:
    """What `unroll.predicting.scoring.Scorer` is for a network, for a baseline.

    Attributes:
        classes: their names.
        threshold: of two classes, the least probability of the second one that decides for it.
    """

    def __init__(self, folder: Path) -> None:
        """Read the baseline in a folder.

        Raises:
            UserError: a file is missing or damaged.
        """
        self._baseline = Baseline.load(folder)
        self.classes, self.threshold = self._baseline.classes, self._baseline.threshold
        self._tokens = [*self._baseline.words, *self._baseline.marks]
        self._ids = {token: i for i, token in enumerate(self._tokens, FIRST)}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """The probability of the second of two classes, (n,), or of each class, (n, classes)."""
        return self._baseline.probabilities(self._part(self.encode(texts)))

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of the words and marks of each text, int64 (n,)."""
        found = [[self._ids.get(token, UNKNOWN) for token in tokens(text)] for text in texts]
        return [np.array(ids, np.int64) for ids in found]

    def outputs(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        """What a network has of texts as `encode` returned them: (n, 1), or (n, classes)."""
        return self._baseline.probabilities(self._part(rows)).reshape(len(rows), -1)

    def contributions(self, text: str) -> list[tuple[str, float]]:
        """The tokens that are read, in order, with what each adds to the log-odds; exact."""
        part, shares = self._baseline.contributions(self._part(self.encode([text])))
        names = ["" if i < FIRST else self._tokens[i - FIRST] for i in part.x]
        return list(zip(names, shares.tolist(), strict=True))

    def _part(self, rows: Sequence[np.ndarray]) -> Part:
        return Part(np.concatenate(rows), np.empty(0), np.cumsum([len(row) for row in rows]))
