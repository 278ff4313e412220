"""The latent space of an autoencoder: what its codes keep, and a flat view of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits


def neighbor_accuracy(
    codes: np.ndarray, y: np.ndarray, test_codes: np.ndarray, test_y: np.ndarray, neighbours: int
) -> float:
    """Accuracy of k-nearest-neighbour classification of latent codes, fitted to the training split.

    Args:
        codes, test_codes: shape (n, latent).
        y, test_y: class numbers, shape (n,).
    """
    classifier = KNeighborsClassifier(min(neighbours, len(codes))).fit(codes, y)
    return round(float(classifier.score(test_codes, test_y)), 4)


def sample(
    codes: np.ndarray, y: np.ndarray | None, classes: Sequence[str], size: int, seed: int
) -> list[tuple[float, float, str]]:
    """Positions in the plane and classes of a random sample of codes, as rows (x, y, class).

    Codes of two numbers are their own positions; longer ones are laid out by t-SNE (van der
    Maaten and Hinton, Visualizing data using t-SNE, JMLR 9, 2008), whose axes have no unit.

    Args:
        codes: shape (n, latent).
        y: class numbers, shape (n,), with the names `classes`; without it, all names are empty.
        size: of the sample; all rows where there are fewer.
    """
    rows = np.random.default_rng(seed).permutation(len(codes))[:size]
    flat = codes[rows]
    if codes.shape[1] == 1:
        flat = np.hstack([flat, np.zeros_like(flat)])
    elif codes.shape[1] > 2 and len(rows) > 3:  # fewer have no layout to find
        perplexity = min(30, (len(rows) - 1) / 3)
        with threadpool_limits(1):  # the sums, and so the picture, depend on the threads
            flat = TSNE(perplexity=perplexity, random_state=seed, n_jobs=1).fit_transform(flat)
    names = [""] * len(rows) if y is None else [classes[c] for c in y[rows].tolist()]
    return [
        (round(float(place[0]), 3), round(float(place[1]), 3), name)
        for place, name in zip(flat, names, strict=True)
    ]
