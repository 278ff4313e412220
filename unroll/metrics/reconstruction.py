"""How well an autoencoder rebuilds images."""

from __future__ import annotations

from typing import Any

import numpy as np

# Keras's own clipping of probabilities before the logarithm.
EPSILON = 1e-7
# The rows of MNIST's test split that the chapter shows, for the digits 0 to 9.
CHAPTER_ROWS = (3, 2, 1, 18, 4, 8, 11, 0, 61, 9)


def cross_entropy(images: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """The mean binary cross-entropy of each image, shape (n,), in nats per pixel.

    Args:
        images, rebuilt: shape (n, 28, 28), float32 in [0, 1].
    """
    p = np.clip(rebuilt, EPSILON, 1 - EPSILON)
    return -(images * np.log(p) + (1 - images) * np.log1p(-p)).mean(axis=(1, 2))


def squared_error(images: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """The mean squared error of each image, shape (n,)."""
    return np.square(images - rebuilt).mean(axis=(1, 2))


def measure(images: np.ndarray, digits: np.ndarray, rebuilt: np.ndarray) -> dict[str, Any]:
    """Loss and mean squared error overall and per digit, rounded for readable differences."""
    losses, errors = cross_entropy(images, rebuilt), squared_error(images, rebuilt)

    def means(rows: np.ndarray | slice) -> dict[str, float]:
        return {
            "loss": round(float(losses[rows].mean(dtype=np.float64)), 4),
            "mse": round(float(errors[rows].mean(dtype=np.float64)), 5),
        }

    per_digit = {str(digit): means(digits == digit) for digit in np.unique(digits)}
    return {**means(slice(None)), "per_digit": per_digit, "images": len(images)}


def examples(digits: np.ndarray) -> np.ndarray:
    """One row of each digit present, in the order of the digits.

    On MNIST's test split these are the ten images that the chapter shows; where one of those
    rows holds another digit, as in another corpus, the digit's first row is taken.
    """
    chosen = []
    for digit in np.unique(digits):
        row = CHAPTER_ROWS[digit]
        is_digit = row < len(digits) and digits[row] == digit
        chosen.append(row if is_digit else int(np.argmax(digits == digit)))
    return np.array(chosen)


def rounded_means(images: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """The mean image of each digit present, rounded to black and white, float32 (digits, 28, 28).

    Args:
        images: bytes, shape (n, 28, 28).
    """
    means = [images[digits == digit].mean(axis=0) / 255 for digit in np.unique(digits)]
    return np.round(means).astype(np.float32)
