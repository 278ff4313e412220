"""Scores of texts: what `unroll predict` answers, as a function from texts to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unroll.predicting.encoding import encoder
from unroll.predicting.inference import Network
from unroll.predicting.model import find

# Texts whose rows are in memory at once.
CHUNK = 1000


class Scorer:
    """A trained model of texts.

    What else has scores to give, such as a linear model, takes its place with the same attributes
    and the same call; with a method `contributions(text)` it also says why, exactly.

    Attributes:
        classes: their names.
        threshold: of two classes, the least probability of the second one that decides for it.
        model: the model's own description.
    """

    def __init__(self, folder: Path) -> None:
        """Read the model in a folder.

        Raises:
            UserError: a file is missing or damaged.
        """
        self.model = find(f"{folder}")
        self.classes, self.threshold = self.model.classes, self.model.threshold
        self._network = Network(self.model.folder)
        self._encode = encoder(self.model.folder)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """The probability of the second of two classes, (n,), or of each class, (n, classes)."""
        order = np.argsort([len(text) for text in texts], kind="stable")  # much less padding
        found = np.empty((len(texts), *self._network.outputs), np.float32)
        for first in range(0, len(texts), CHUNK):
            some = order[first : first + CHUNK]
            found[some] = self._network(np.stack(self._encode([texts[i] for i in some])))
        return found[:, 0] if found.shape[1] == 1 else found
