"""How well scores tell two classes apart; `many_classes.py` measures three or more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import metrics

from unroll.metrics.intervals import interval, present

# Points of a ROC curve that are kept: more than a screen has room for.
ROC_POINTS = 400


def measure(
    y_true: np.ndarray,
    y_score: np.ndarray,
    threshold: float,
    *,
    classes: Sequence[str],
    rows: str,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """The metrics of a classifier, rounded so that differences between runs are readable.

    AUC and balanced accuracy come with the 2.5th and 97.5th percentile over bootstrap resamples
    of the rows.

    Args:
        y_true, y_score: shape (n,), 0 or 1; the probability of class 1.
        classes: the names of classes 0 and 1.
        rows: what a row is called, in the plural; it names the number of rows.

    Raises:
        UserError: all rows are of one class.
    """
    present(y_true, classes)
    y_pred = y_score >= threshold
    tn, fp, fn, tp = metrics.confusion_matrix(y_true, y_pred, labels=[0, 1]).ravel().tolist()
    auc, balanced = bootstrap(y_true, y_score, threshold, resamples, seed)
    return {
        "auc": round(float(metrics.roc_auc_score(y_true, y_score)), 4),
        "auc_interval": interval(auc),
        "balanced_accuracy": round(float(metrics.balanced_accuracy_score(y_true, y_pred)), 4),
        "balanced_accuracy_interval": interval(balanced),
        "accuracy": round(float(metrics.accuracy_score(y_true, y_pred)), 4),
        "average_precision": round(float(metrics.average_precision_score(y_true, y_score)), 4),
        "loss": round(float(metrics.log_loss(y_true, y_score.astype(np.float64))), 4),
        "threshold": round(threshold, 4),
        "confusion": {"tn": tn, "fp": fp, "fn": fn, "tp": tp},
        rows: len(y_true),
    }


def bootstrap(
    y_true: np.ndarray, y_score: np.ndarray, threshold: float, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """AUC and balanced accuracy on resamples of the rows, drawn with replacement.

    Returns:
        Two arrays of shape (resamples,). Resamples without one of the classes are left out.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(y_score, kind="stable")
    y_true, y_score = y_true[order].astype(bool), y_score[order]
    # Rows of equal score count half for each other; `ties` are where a run of equals begins.
    ties = np.flatnonzero(np.r_[True, y_score[1:] != y_score[:-1]])
    called = y_score >= threshold
    aucs, balanced = [], []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(0, len(y_true), len(y_true)), minlength=len(y_true))
        positive = np.add.reduceat(np.where(y_true, weight, 0), ties)
        negative = np.add.reduceat(np.where(y_true, 0, weight), ties)
        positives, negatives = positive.sum(), negative.sum()
        if not positives or not negatives:
            continue
        below = np.cumsum(negative) - negative
        aucs.append((positive * (below + negative / 2)).sum() / (positives * negatives))
        true_positive = weight[y_true & called].sum() / positives
        true_negative = weight[~y_true & ~called].sum() / negatives
        balanced.append((true_positive + true_negative) / 2)
    return np.array(aucs), np.array(balanced)


def roc_points(
    y_true: np.ndarray, y_score: np.ndarray, points: int = ROC_POINTS
) -> list[tuple[float, float, float]]:
    """The ROC curve as (fpr, tpr, threshold) rows, thinned to at most `points` even ones."""
    fpr, tpr, thresholds = metrics.roc_curve(y_true, y_score)
    # Evenly along the curve's length, so that steep and flat parts are drawn alike.
    length = fpr + tpr
    kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], points)))
    return [
        (round(float(fpr[i]), 4), round(float(tpr[i]), 4), round(float(min(thresholds[i], 1)), 4))
        for i in kept
    ]


def confusion_pairs(
    confusion: dict[str, int], classes: Sequence[str]
) -> list[tuple[str, str, int]]:
    """The confusion matrix as rows (actual, predicted, count)."""
    negative, positive = classes
    return [
        (negative, negative, confusion["tn"]),
        (negative, positive, confusion["fp"]),
        (positive, negative, confusion["fn"]),
        (positive, positive, confusion["tp"]),
    ]
