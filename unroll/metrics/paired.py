"""Two models on the same rows, compared row by row.

What both find hard is hard for both, and cancels out. So a difference can be clear although the
intervals of the two metrics overlap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

# Of the bootstrap, drawn as for the intervals of the metrics.
RESAMPLES, SEED = 1000, 13


class Difference(NamedTuple):
    """A metric of the second model minus that of the first.

    Attributes:
        value: the difference itself.
        low, high: its 95% interval.
        p: how often chance alone makes one as large, two-sided, from 0 to 1.
    """

    value: float
    low: float
    high: float
    p: float


def classifiers(
    y: np.ndarray,
    scores: tuple[np.ndarray, np.ndarray],
    thresholds: tuple[float, float] | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Difference]:
    """Differences of AUC, balanced accuracy, accuracy and cross-entropy.

    AUC is compared by DeLong's method, accuracy by McNemar's exact test with an interval from the
    paired bootstrap, the others by that bootstrap.

    Args:
        y: class numbers, shape (n,).
        scores: of the two models, each the probability of class 1, shape (n,), or of every class,
            shape (n, k).
        thresholds: from which score on each model says class 1; none for scores of every class,
            of which a model names the largest.
    """
    y = y.astype(np.int64)
    exact = [score.astype(np.float64) for score in scores]
    tables = [score if score.ndim == 2 else np.c_[1 - score, score] for score in exact]
    if thresholds:
        called = [score >= at for score, at in zip(scores, thresholds, strict=True)]
    else:
        called = [table.argmax(axis=1) for table in tables]
    right = [(named == y).astype(np.float64) for named in called]
    better = right[1] - right[0]
    given = [_of_truth(table, y) for table in tables]
    found = means(
        {
            "balanced_accuracy": (better, y),
            "accuracy": (better, None),
            "loss": (np.log(given[0]) - np.log(given[1]), None),
        },
        resamples,
        seed,
    )
    found["accuracy"] = found["accuracy"]._replace(p=mcnemar(right[0], right[1]))
    return {"auc": auc(y, *tables), **found} if len(np.unique(y)) > 1 else found


def _of_truth(table: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What each row's own class was given, kept off 0 as the metric does it."""
    given = table[np.arange(len(y)), y] / table.sum(axis=1)
    return np.maximum(given, np.finfo(np.float64).eps)


def auc(y: np.ndarray, first: np.ndarray, second: np.ndarray) -> Difference:
    """The difference of AUC by E. R. DeLong et al., Biometrics 44 (1988).

    Of more than two classes, the AUC is the mean over the classes of that of each one against the
    rest, and a row's part in it the mean of its parts.

    Args:
        y: class numbers, shape (n,), of two classes or more.
        first, second: the probabilities of the classes, shape (n, k).
    """
    value, parts = 0.0, np.zeros(len(y))
    classes = np.unique(y).tolist()
    for c in classes:
        own = y == c
        placed = _placed(own, second[:, c]) - _placed(own, first[:, c])
        value += placed[own].mean() / len(classes)
        for side in (own, ~own):
            count, each = side.sum(), placed[side]
            parts[side] += (each - each.mean()) / np.sqrt(count * max(count - 1, 1)) / len(classes)
    deviation = float(np.sqrt(np.square(parts).sum()))
    p = 2 * stats.norm.sf(abs(value) / deviation) if deviation else float(value == 0)
    reach = stats.norm.ppf(0.975) * deviation
    return Difference(float(value), float(value - reach), float(value + reach), float(p))


def _placed(own: np.ndarray, score: np.ndarray) -> np.ndarray:
    """The share of the other side that each row is on the right side of, ties for half."""
    ranks = stats.rankdata(score)
    below = np.empty(len(score))
    for side in (own, ~own):
        others = len(score) - side.sum()
        below[side] = (ranks[side] - stats.rankdata(score[side])) / others
    return np.where(own, below, 1 - below)


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """The exact p of McNemar's test: are rows that one model alone has right as often each one's?

    Args:
        first, second: whether each decision is right, shape (n,).
    """
    only = int((first > second).sum()), int((second > first).sum())
    return float(stats.binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0


def means(
    parts: dict[str, tuple[np.ndarray, np.ndarray | None]],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Difference]:
    """Mean differences with intervals from one paired bootstrap: percentiles over resamples.

    Args:
        parts: by metric, the difference of each row, shape (n,), and the classes over whose means
            the metric is the mean, shape (n,), if it is one.
    """
    columns: list[np.ndarray] = []
    sizes: list[np.ndarray] = []
    spans = {}
    for name, (difference, groups) in parts.items():
        sides = [groups == c for c in np.unique(groups)] if groups is not None else [True]
        spans[name] = slice(len(columns), len(columns) + len(sides))
        columns += [difference * side for side in sides]
        sizes += [np.ones(len(difference)) * side for side in sides]
    table, n = np.c_[*columns, *sizes], len(columns[0])
    rng = np.random.default_rng(seed)
    drawn = np.empty((resamples + 1, table.shape[1]))
    drawn[0] = table.sum(axis=0)
    for i in range(1, resamples + 1):
        drawn[i] = np.bincount(rng.integers(0, n, n), minlength=n) @ table
    each = drawn[:, : len(columns)] / np.maximum(drawn[:, len(columns) :], 1)
    return {name: _difference(each[:, span].mean(axis=1)) for name, span in spans.items()}


def _difference(values: np.ndarray) -> Difference:
    """Of the value and those of the resamples."""
    value, drawn = float(values[0]), values[1:]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    tail = min((drawn <= 0).sum(), (drawn >= 0).sum())
    return Difference(value, low, high, min(1.0, 2 * (int(tail) + 1) / (len(drawn) + 1)))
