"""Counterfactual swaps: the same texts with other people in them, and what that does to scores.

(M. J. Kusner et al., Counterfactual Fairness, NIPS 2017; S. Garg et al., Counterfactual Fairness
in Text Classification through Robustness, AIES 2019.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unroll.metrics.intervals import interval

# Marks a word that is put in the place of others and not looked for.
UNSOUGHT = "~"


def sought(words: Sequence[Sequence[str]]) -> list[str]:
    """The words that are looked for in texts."""
    return [word for row in words for word in row if not word.startswith(UNSOUGHT)]


def swapped(tokens: Sequence[str], words: Sequence[Sequence[str]], side: int) -> list[str]:
    """The tokens of a text, each word of a group in its form for one side."""
    forms = {
        word: row[side].removeprefix(UNSOUGHT)
        for row in words
        for word in row
        if not word.startswith(UNSOUGHT)
    }
    return [forms.get(token, token) for token in tokens]


def changes(
    scores: np.ndarray,
    sides: Sequence[str],
    threshold: float,
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """What the side does to the scores.

    Args:
        scores: of the same texts for each side, (sides, texts).
        threshold: the lowest score of the second class.

    Returns:
        `texts`, their number; `flips`, the share of texts whose class depends on the side;
        `largest`, the largest difference between two sides of a text; `change`, by side: the mean
        of what it adds to the score of the first side, with its 95% interval over resamples of the
        texts.
    """
    scores = scores.astype(np.float64)
    called = scores >= threshold
    draws = rng.integers(scores.shape[1], size=(resamples, scores.shape[1]))
    change = {}
    for name, own in zip(sides[1:], scores[1:], strict=True):
        difference = own - scores[0]
        means = difference[draws].mean(axis=1)
        change[name] = {"mean": round(float(difference.mean()), 4), **interval(means)}
    return {
        "texts": scores.shape[1],
        "flips": round(float((called.any(axis=0) != called.all(axis=0)).mean()), 4),
        "largest": round(float(np.ptp(scores, axis=0).max()), 4),
        "change": change,
    }
