"""Where a classifier errs: by groups of rows, and in which rows it is surest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from unroll.metrics.intervals import interval

# The upper bounds of lengths in words.
LENGTHS = (128, 256, 512)
# Mistakes and right answers that are shown, of each class.
SHOWN = 3
# Words of a row that are shown.
EXCERPT = 60
SHUFFLES = 200


def rates(
    y: np.ndarray, called: np.ndarray, resamples: int, rng: np.random.Generator
) -> dict[str, Any]:
    """The share of errors with its 95% interval, and that of each class, of some rows.

    Args:
        y, called: the class of each row and the answer, 0 or 1, (n,).
    """
    wrong = y != called
    draws = rng.binomial(len(y), wrong.mean(), resamples) / len(y)
    found: dict[str, Any] = {"rows": len(y), "error": _rounded(wrong.mean()), **interval(draws)}
    for name, of in (("false_positive", y == 0), ("false_negative", y == 1)):
        if of.any():
            found[name] = _rounded(wrong[of].mean())
    return found


def by_length(lengths: np.ndarray) -> dict[str, np.ndarray]:
    """The rows, as truth values (n,), of each range of lengths that has some."""
    edges = (0, *LENGTHS, np.inf)
    names = [*(f"{low + 1} to {high}" for low, high in pairwise(edges[:-1])), f"over {LENGTHS[-1]}"]
    found = {
        name: (lengths > low) & (lengths <= high)
        for name, (low, high) in zip(names, pairwise(edges), strict=True)
    }
    return {name: rows for name, rows in found.items() if rows.any()}


def by_block(
    y: np.ndarray, called: np.ndarray, size: int, rng: np.random.Generator
) -> dict[str, float]:
    """How unevenly errors are spread over blocks of rows of one class that follow each other.

    Returns:
        `deviation`, the standard deviation of the share of errors over blocks; `by_chance`, the
        same where the rows of each class are shuffled, the mean of `SHUFFLES`; `worst`, the share
        of errors in the worst tenth of the blocks. Nothing where there is no block.
    """
    wrong = y != called
    whole = [np.flatnonzero(y == c)[: (y == c).sum() // size * size] for c in (0, 1)]
    rows = np.concatenate(whole)
    if not len(rows):
        return {}
    shares = wrong[rows].reshape(-1, size).mean(axis=1)
    shuffled = [
        wrong[np.concatenate([rng.permutation(own) for own in whole])].reshape(-1, size)
        for _ in range(SHUFFLES)
    ]
    worst = np.sort(shares)[-max(1, len(shares) // 10) :]
    return {
        "size": size,
        "deviation": _rounded(shares.std()),
        "by_chance": _rounded(np.mean([each.mean(axis=1).std() for each in shuffled])),
        "worst": _rounded(worst.mean()),
    }


def surest(y: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    """The rows with the surest wrong answers, then those with the surest right ones.

    Args:
        scores: the probability of class 1, (n,).
    """
    called = scores >= threshold
    sure = np.where(called, scores - threshold, threshold - scores)
    found = []
    for wrong in (True, False):
        for c in (0, 1):
            rows = np.flatnonzero(((y != called) == wrong) & (y == c))
            found += rows[np.argsort(-sure[rows], kind="stable")[:SHOWN]].tolist()
    return found


def excerpt(contributions: Sequence[float], most: int = EXCERPT) -> slice:
    """The part of a text in which words contribute most, of at most so many words."""
    sizes = np.concatenate([[0.0], np.cumsum(np.abs(contributions))])
    width = min(most, len(contributions))
    first = int(np.argmax(sizes[width:] - sizes[: len(sizes) - width]))
    return slice(first, first + width)


def _rounded(value: Any) -> float:
    return round(float(value), 4)
