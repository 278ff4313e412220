"""The verdict of a trained classifier on a review, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json
from unroll.core.paths import THRESHOLD, VOCABULARY
from unroll.predicting import inference
from unroll.preprocessing.vocabulary import FIRST, UNKNOWN, Vocabulary

# How far from the threshold toward certainty a score must be for these wordings. Chosen before any
# result was known; the model cards say how often each wording was right on the test set.
LIKELY, SURE = 0.4, 0.8


def ranges(threshold: float) -> list[tuple[str, float]]:
    """Each wording with the lowest score, in [0, 1], that it covers, from high to low."""
    above = 1 - threshold
    return [
        ("positive", threshold + SURE * above),
        ("probably positive", threshold + LIKELY * above),
        ("unsure, leaning positive", threshold),
        ("unsure, leaning negative", threshold - LIKELY * threshold),
        ("probably negative", threshold - SURE * threshold),
        ("negative", 0.0),
    ]


@dataclass(frozen=True)
class Answer:
    """The verdict on one review.

    Attributes:
        probability: of being positive, in [0, 1].
        label: `positive` if the probability reaches the threshold, else `negative`.
        wording: the label and how sure it is, as in `ranges`.
        words_read: how many words the model reads, of a long review the last ones.
        words_known: how many of those are in its vocabulary.
    """

    probability: float
    label: str
    wording: str
    words_read: int
    words_known: int


class Reviewer:
    """A trained classifier with its vocabulary and threshold."""

    def __init__(self, folder: Path) -> None:
        """Read the model in `folder`.

        Raises:
            UserError: a file is missing or damaged, or they do not belong together.
        """
        self._network = inference.load(folder)
        if self._network.parts or self._network.outputs != (1,):
            raise UserError(f"{folder}: not a model that reads reviews, expected one such as lstm")
        for name in (VOCABULARY, THRESHOLD):
            if not (folder / name).exists():
                raise UserError(f"{folder / name}: there is no such file; {HOW_TO_FIX}")
        self._vocabulary = Vocabulary.load(folder / VOCABULARY)
        self.threshold = _threshold(folder / THRESHOLD)
        if self._network.inputs != (self._vocabulary.max_length,):
            raise UserError(
                f"{folder / VOCABULARY}: encodes {self._vocabulary.max_length} words a review, "
                f"the model reads {self._network.inputs[0]}; {HOW_TO_FIX}"
            )

    def answers(self, texts: list[str]) -> list[Answer | None]:
        """An answer for each text, None for one without any word."""
        blocks = [*self._vocabulary.encode_all(texts), np.empty((0, self._vocabulary.max_length))]
        rows = np.concatenate(blocks).astype(np.int64)
        scores = self._network(rows)[:, 0] if texts else np.empty(0)
        return [self._answer(row, float(score)) for row, score in zip(rows, scores, strict=True)]

    def _answer(self, row: np.ndarray, score: float) -> Answer | None:
        known = int((row >= FIRST).sum())
        read = known + int((row == UNKNOWN).sum())
        if not read:
            return None
        wording = next(words for words, lowest in ranges(self.threshold) if score >= lowest)
        if not known:
            wording = "unsure, no word is known"
        label = "positive" if score >= self.threshold else "negative"
        return Answer(score, label, wording, read, known)


def _threshold(path: Path) -> float:
    body = read_json(path)
    value = body.get("threshold") if isinstance(body, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise UserError(f"{path}: expected a threshold from 0 to 1; {HOW_TO_FIX}")
    return float(value)
