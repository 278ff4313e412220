"""From scores to decisions."""

from __future__ import annotations

import numpy as np


def youden_threshold(y_true: np.ndarray, y_score: np.ndarray) -> float:
    """The score that maximizes Youden's J = TPR - FPR; a review is positive at or above it.

    Of several with the same J, the one with the lowest false positive rate. (W. J. Youden, Index
    for rating diagnostic tests, Cancer 3, 1950.) scikit-learn's ROC curve would do, but it takes
    longer to import than all this to compute.

    Args:
        y_true: shape (n,), 0 or 1, both present.
        y_score: shape (n,), in [0, 1].

    Returns:
        One of the scores, or 1 if no threshold is better than calling nothing positive.
    """
    order = np.argsort(-y_score, kind="stable")
    positive, score = y_true[order] == 1, y_score[order]
    # Equal scores are on the same side, so only the last of them can be the threshold.
    last = np.r_[score[1:] != score[:-1], True]
    true, false = np.cumsum(positive)[last], np.cumsum(~positive)[last]
    # Whole numbers, so that equals are equal: J times the number of pairs of the two classes.
    j = true * false[-1] - false * true[-1]
    best = np.argmax(j)
    return float(score[last][best]) if j[best] > 0 else 1.0
