"""The latent space of an autoencoder: what its codes keep, and a flat view of it."""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits


def neighbor_accuracy(
    codes: np.ndarray,
    digits: np.ndarray,
    test_codes: np.ndarray,
    test_digits: np.ndarray,
    neighbours: int,
) -> float:
    """Accuracy of k-nearest-neighbour classification of latent codes, fitted to the training split.

    Args:
        codes, test_codes: shape (n, latent).
        digits, test_digits: shape (n,).
    """
    classifier = KNeighborsClassifier(min(neighbours, len(codes))).fit(codes, digits)
    return round(float(classifier.score(test_codes, test_digits)), 4)


def sample(
    codes: np.ndarray, digits: np.ndarray, size: int, seed: int
) -> list[tuple[float, float, int]]:
    """Positions in the plane and digits of a random sample of codes, as rows (x, y, digit).

    Codes of two numbers are their own positions; longer ones are laid out by t-SNE (van der
    Maaten and Hinton, Visualizing data using t-SNE, JMLR 9, 2008), whose axes have no unit.

    Args:
        codes: shape (n, latent).
        size: of the sample; all rows where there are fewer.
    """
    rows = np.random.default_rng(seed).permutation(len(codes))[:size]
    flat = codes[rows]
    if codes.shape[1] == 1:
        flat = np.hstack([flat, np.zeros_like(flat)])
    elif codes.shape[1] > 2:
        perplexity = min(30, (len(rows) - 1) / 3)
        with threadpool_limits(1):  # the sums, and so the picture, depend on the threads
            flat = TSNE(perplexity=perplexity, random_state=seed, n_jobs=1).fit_transform(flat)
    return [
        (round(float(x), 3), round(float(y), 3), int(digit))
        for (x, y), digit in zip(flat, digits[rows], strict=True)
    ]
