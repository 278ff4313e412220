"""The baselines of series and images: flattened, standardized, and told apart or rebuilt."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from unroll.baselines.linear import C_NUMBERS, regression

EDGE = 0.001


def linear(x: np.ndarray, y: np.ndarray, others: list[np.ndarray]) -> list[np.ndarray]:
    """Probabilities of the classes by logistic regression, float32 (n, classes present).

    Args:
        x, y: what to learn from, (n, numbers) and class numbers (n,).
        others: rows to tell the classes of.
    """
    scale = StandardScaler().fit(x)
    model = regression(scale.transform(x), y, C_NUMBERS)
    return [model.predict_proba(scale.transform(other)).astype(np.float32) for other in others]


def neighbors(
    x: np.ndarray, y: np.ndarray, others: list[np.ndarray], count: int
) -> list[np.ndarray]:
    """The shares of the classes among the nearest rows, one more row counting as their mixture."""
    count = min(count, len(x))
    model = KNeighborsClassifier(count, algorithm="brute").fit(x, y)
    mixture = np.bincount(np.searchsorted(model.classes_, y)) / len(y)
    return [
        ((count * model.predict_proba(other) + mixture) / (count + 1)).astype(np.float32)
        for other in others
    ]


def mean(x: np.ndarray, others: list[np.ndarray]) -> list[np.ndarray]:
    """The mean row in place of each of the others, float32 (n, numbers)."""
    row = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    return [np.broadcast_to(row, other.shape) for other in others]


def pca(
    x: np.ndarray, size: int, others: list[np.ndarray], bounded: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Codes of `size` numbers by principal component analysis, and what they are rebuilt to.

    Args:
        bounded: whether numbers lie in [0, 1], which the method does not know: what it rebuilds
            is cut to that, and off the ends, where a cross-entropy has no bounds.

    Returns:
        Of each of the others, float32 (n, size) and (n, numbers).
    """
    model = PCA(size, svd_solver="covariance_eigh").fit(x)
    codes = [model.transform(other).astype(np.float32) for other in others]
    rows = [model.inverse_transform(code).astype(np.float32) for code in codes]
    return codes, [np.clip(row, EDGE, 1 - EDGE) for row in rows] if bounded else rows
