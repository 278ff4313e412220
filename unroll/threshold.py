"""From scores to decisions."""

from __future__ import annotations

import numpy as np
from sklearn import metrics


def youden_threshold(y_true: np.ndarray, y_score: np.ndarray) -> float:
    """The score that maximises Youden's J = TPR - FPR; a review counts as positive from it on.

    The lowest false positive rate wins among equals. (W. J. Youden, Index for rating diagnostic
    tests, Cancer 3, 1950.)

    Args:
        y_true: shape (n,), 0 or 1, both present.
        y_score: shape (n,), in [0, 1].
    """
    fpr, tpr, thresholds = metrics.roc_curve(y_true, y_score)
    # The curve's first threshold is infinite: nothing is positive, J is 0.
    return float(min(thresholds[np.argmax(tpr - fpr)], 1.0))
