"""How well an autoencoder rebuilds images and series.

Rows are an array of shape (n, steps, features), or a list of n arrays of shape (steps, features)
where series differ in length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rows = np.ndarray | Sequence[np.ndarray]

# Keras's own clipping of probabilities before the logarithm.
EPSILON = 1e-7


def cross_entropy(rows: Rows, rebuilt: Rows) -> np.ndarray:
    """The mean binary cross-entropy of each row, shape (n,), in nats per number.

    Args:
        rows, rebuilt: float32 in [0, 1], such as the pixels of images.
    """

    def loss(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        p = np.clip(y, EPSILON, 1 - EPSILON)
        return -(x * np.log(p) + (1 - x) * np.log1p(-p))

    return _mean(loss, rows, rebuilt)


def squared_error(rows: Rows, rebuilt: Rows) -> np.ndarray:
    """The mean squared error of each row, shape (n,)."""
    return _mean(lambda x, y: np.square(x - y), rows, rebuilt)


def _mean(
    error: Callable[[np.ndarray, np.ndarray], np.ndarray], rows: Rows, rebuilt: Rows
) -> np.ndarray:
    if isinstance(rows, np.ndarray) and isinstance(rebuilt, np.ndarray):
        return error(rows, rebuilt).mean(axis=(1, 2))
    return np.array([error(x, y).mean() for x, y in zip(rows, rebuilt, strict=True)])


def measure(
    losses: np.ndarray,
    squared: np.ndarray,
    *,
    rows: str,
    label: str = "class",
    y: np.ndarray | None = None,
    classes: Sequence[str] = (),
) -> dict[str, Any]:
    """Loss and mean squared error overall and by class, rounded for readable differences.

    Args:
        losses, squared: of each row, shape (n,); the loss is what training minimizes: that of
            `cross_entropy` for images, that of `squared_error` for series.
        rows: what a row is called, in the plural; it names the number of rows.
        label: what a class is called; it names the group `per_...`, absent without `y`.
        y: class numbers, shape (n,), with the names `classes`.
    """

    def means(own: np.ndarray | slice) -> dict[str, float]:
        return {
            "loss": round(float(losses[own].mean(dtype=np.float64)), 4),
            "mse": round(float(squared[own].mean(dtype=np.float64)), 5),
        }

    found: dict[str, Any] = means(slice(None))
    if y is not None:
        found[f"per_{label}"] = {classes[c]: means(y == c) for c in np.unique(y).tolist()}
    return found | {rows: len(losses)}


def examples(y: np.ndarray, wanted: Sequence[int] = ()) -> np.ndarray:
    """One row of each class present, in the order of the classes.

    Args:
        y: class numbers, shape (n,).
        wanted: a row for each class. Where it holds another class, or there is none, the class's
            first row is taken.
    """
    chosen = []
    for c in np.unique(y).tolist():
        row = wanted[c] if c < len(wanted) else len(y)
        is_own = 0 <= row < len(y) and y[row] == c
        chosen.append(row if is_own else int(np.argmax(y == c)))
    return np.array(chosen)


def spread(errors: np.ndarray, count: int = 10) -> np.ndarray:
    """Rows from that of the smallest error to that of the largest, evenly by rank."""
    places = np.linspace(0, len(errors) - 1, min(count, len(errors))).round().astype(int)
    return np.argsort(errors, kind="stable")[places]


def class_means(x: np.ndarray, y: np.ndarray, rounded: bool) -> np.ndarray:
    """The mean row of each class present, float32 (classes, steps, features).

    Args:
        x: shape (n, steps, features). Bytes are scaled to [0, 1].
        rounded: the means become whole numbers, those of gray images black and white.
    """
    scale = 255 if x.dtype == np.uint8 else 1
    means = np.array([x[y == c].mean(axis=0) / scale for c in np.unique(y)])
    return (np.round(means) if rounded else means).astype(np.float32)
