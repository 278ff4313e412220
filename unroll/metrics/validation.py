"""The figures of the rows that validate, by which models and parameters are chosen.

They have no intervals, for two models are compared on these rows in pairs. This imports no
scikit-learn, which would cost each training a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

EPSILON = 1e-7  # Keras's own clipping of probabilities before the logarithm


def auc(positive: np.ndarray, score: np.ndarray) -> float:
    """The area under the ROC curve: how often a positive row has the higher score.

    (J. A. Hanley and B. J. McNeil, The meaning and use of the area under a receiver operating
    characteristic (ROC) curve, Radiology 143, 1982.)

    Args:
        positive: bool (n,), both present.
        score: shape (n,); equal scores count half.
    """
    negatives = np.sort(score[~positive])
    below = np.searchsorted(negatives, score[positive], "left")
    up_to = np.searchsorted(negatives, score[positive], "right")
    return float((below + up_to).mean() / (2 * len(negatives)))


def two_classes(y_true: np.ndarray, y_score: np.ndarray, threshold: float) -> dict[str, float]:
    """AUC, balanced accuracy, accuracy and cross-entropy, rounded.

    Args:
        y_true, y_score: shape (n,), 0 or 1, both present; the probability of class 1.
    """
    positive = y_true == 1
    called = y_score >= threshold
    recalls = [(called == positive)[positive == side].mean() for side in (False, True)]
    p = np.clip(y_score.astype(np.float64), EPSILON, 1 - EPSILON)
    return _rounded(
        auc=auc(positive, y_score),
        balanced_accuracy=sum(recalls) / 2,
        accuracy=(called == positive).mean(),
        loss=-np.where(positive, np.log(p), np.log1p(-p)).mean(),
    )


def many_classes(y_true: np.ndarray, y_score: np.ndarray) -> dict[str, float]:
    """The same for k classes; AUC is the mean over the classes of each one against the rest.

    Args:
        y_true: shape (n,), class numbers, at least two of them.
        y_score: shape (n, k), probabilities.
    """
    y_true, known = y_true.astype(np.int64), np.unique(y_true.astype(np.int64))
    right = y_score.argmax(axis=1) == y_true
    p = np.maximum(y_score[np.arange(len(y_true)), y_true].astype(np.float64), EPSILON)
    return _rounded(
        auc=np.mean([auc(y_true == c, y_score[:, c]) for c in known]),
        balanced_accuracy=np.mean([right[y_true == c].mean() for c in known]),
        accuracy=right.mean(),
        loss=-np.log(p).mean(),
    )


def _rounded(**figures: Any) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in figures.items()}
