"""How well probabilities tell three or more classes apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import metrics

from unroll.metrics import classification
from unroll.metrics.intervals import interval, present

# Points of all ROC curves together, and of one at least: a file that stays small at 30 classes.
ROC_POINTS, LEAST_POINTS = 1200, 20


def measure(
    y_true: np.ndarray,
    y_score: np.ndarray,
    *,
    classes: Sequence[str],
    rows: str,
    label: str,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """The metrics of a classifier of k classes, rounded so that differences are readable.

    A row is called what its largest probability says. AUC is the mean over the classes of that of
    each one against the rest, F1 that of each class. Means are over the classes that the rows
    have: a class without a row counts in the confusion matrix alone. Intervals are the 2.5th and
    97.5th percentile over bootstrap resamples of the rows. `majority` is the share of the largest
    class, the accuracy of whoever always names it.

    Args:
        y_true: shape (n,), class numbers.
        y_score: shape (n, k), the probabilities of the classes.
        classes: the k names.
        rows: what a row is called, in the plural; it names the number of rows.
        label: what a class is called; it names the group `per_...`.

    Raises:
        UserError: all rows are of one class.
    """
    known, k = present(y_true, classes), len(classes)
    y_true = y_true.astype(np.int64)
    exact = y_score.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)  # float32 sums to 1 but for its last digits
    y_pred = y_score.argmax(axis=1)
    confusion = np.bincount(y_true * k + y_pred, minlength=k * k).reshape(k, k)
    found = _of_confusion(confusion)
    auc = {c: float(metrics.roc_auc_score(y_true == c, y_score[:, c])) for c in known.tolist()}
    aucs, confusions = bootstrap(y_true, y_score, y_pred, resamples, seed)
    spread = _of_confusion(confusions)
    loss = metrics.log_loss(y_true, exact, labels=range(k))
    result: dict[str, Any] = {
        "auc": round(sum(auc.values()) / len(auc), 4),
        "auc_interval": interval(aucs),
    }
    for name, value in found.items():
        result |= {name: round(float(value), 4), f"{name}_interval": interval(spread[name])}
    return result | {
        "loss": round(float(loss), 4),
        "majority": round(float(confusion.sum(axis=1).max() / len(y_true)), 4),
        f"per_{label}": _per_class(confusion, auc, classes),
        "confusion": {
            actual: dict(zip(classes, counts, strict=True))
            for actual, counts in zip(classes, confusion.tolist(), strict=True)
        },
        rows: len(y_true),
    }


def _of_confusion(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """What follows from confusion matrices of shape (..., k, k), rows the actual classes."""
    actual, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    here = actual > 0
    classes = here.sum(axis=-1)
    recall = np.where(here, right / np.maximum(actual, 1), 0)
    f1 = np.where(here, 2 * right / np.maximum(actual + predicted, 1), 0)
    return {
        "balanced_accuracy": recall.sum(axis=-1) / classes,
        "accuracy": right.sum(axis=-1) / actual.sum(axis=-1),
        "macro_f1": f1.sum(axis=-1) / classes,
    }


def _per_class(
    confusion: np.ndarray, auc: dict[int, float], classes: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Each class's metrics; those without meaning for a class without a row are left out."""
    result = {}
    for c, name in enumerate(classes):
        right, actual, predicted = confusion[c, c], confusion[c].sum(), confusion[:, c].sum()
        result[name] = {"precision": round(float(right / max(predicted, 1)), 4)}
        if actual:
            result[name] |= {"recall": round(float(right / actual), 4), "auc": round(auc[c], 4)}
        result[name]["rows"] = int(actual)
    return result


def bootstrap(
    y_true: np.ndarray, y_score: np.ndarray, y_pred: np.ndarray, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Macro AUC and confusion matrices on resamples of the rows, drawn with replacement.

    A resample is how often each row was drawn. Each class's scores are sorted once. A cumulative
    sum of the draws in that order then says how many rows lie below each row of the class; those
    of equal score count half. So a resample costs one pass over the rows for each class, and no
    sorting.

    Args:
        y_true, y_pred: shape (n,), class numbers.
        y_score: shape (n, k).

    Returns:
        The mean AUC over the classes in each resample, shape (resamples,), and its confusion
        matrix, shape (resamples, k, k). A resample of one class alone has no AUC and is left out
        of the first array.
    """
    n, k = y_score.shape
    rng = np.random.default_rng(seed)
    curves = []
    for c in np.unique(y_true):
        order = np.argsort(y_score[:, c], kind="stable")
        scores, own = y_score[order, c], np.flatnonzero(y_true[order] == c)
        # The draws before the run of equal scores that a row is in, and those up to its end.
        first = np.searchsorted(scores, scores[own], "left")
        last = np.searchsorted(scores, scores[own], "right")
        curves.append((order, order[own], first, last))
    cell = y_true * k + y_pred
    aucs, confusions = [], np.empty((resamples, k, k), np.int64)
    below = np.zeros(n + 1)
    for i in range(resamples):
        weight = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        confusions[i] = np.rint(np.bincount(cell, weight, k * k)).reshape(k, k)
        areas = []
        for order, own, first, last in curves:
            np.cumsum(weight[order], out=below[1:])
            positive = weight[own]
            positives = positive.sum()
            if 0 < positives < n:
                pairs = positive @ (below[first] + below[last]) / 2
                # Positives of the class lie below each other in half of their pairs.
                areas.append((pairs - positives**2 / 2) / (positives * (n - positives)))
        if areas:
            aucs.append(sum(areas) / len(areas))
    return np.array(aucs), confusions


def roc_points(
    y_true: np.ndarray, y_score: np.ndarray, classes: Sequence[str]
) -> list[tuple[float, float, float, str]]:
    """The ROC curve of each class present against the rest, rows (fpr, tpr, threshold, class)."""
    points = max(ROC_POINTS // len(classes), LEAST_POINTS)
    return [
        (*point, classes[c])
        for c in np.unique(y_true).tolist()
        for point in classification.roc_points(y_true == c, y_score[:, c], points)
    ]


def confusion_pairs(confusion: dict[str, dict[str, int]]) -> list[tuple[str, str, int]]:
    """The confusion matrix as rows (actual, predicted, count)."""
    return [
        (actual, predicted, count)
        for actual, counts in confusion.items()
        for predicted, count in counts.items()
    ]
