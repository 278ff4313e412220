"""The latent space of an autoencoder: what its codes keep, and a flat view of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits


def neighbor_accuracy(
    codes: np.ndarray, y: np.ndarray, test_codes: np.ndarray, test_y: np.ndarray, neighbors: int
) -> float:
    """Accuracy of `neighbor_classes`.

    Args:
        codes, test_codes: shape (n, latent).
        y, test_y: class numbers, shape (n,).
    """
    called = neighbor_classes(codes, y, test_codes, neighbors)
    return round(float((called == test_y).mean()), 4)


def neighbor_classes(
    codes: np.ndarray, y: np.ndarray, test_codes: np.ndarray, neighbors: int
) -> np.ndarray:
    """The classes that the nearest codes of training rows have most, (n,)."""
    classifier = KNeighborsClassifier(min(neighbors, len(codes))).fit(codes, y)
    return classifier.predict(test_codes)


def mixed_up(
    y: np.ndarray, called: np.ndarray, classes: Sequence[str], most: int = 5
) -> dict[str, float]:
    """The pairs of classes that are mixed up most, with the share of the first one's rows.

    Args:
        y, called: class numbers, shape (n,).
    """
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (y, called), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    worst = np.argsort(-shares, axis=None, kind="stable")[:most]
    pairs = zip(*np.unravel_index(worst, shares.shape), strict=True)
    return {
        f"{classes[a]} as {classes[b]}": round(float(shares[a, b]), 4)
        for a, b in pairs
        if shares[a, b]
    }


def random_code(codes: np.ndarray, seed: int) -> np.ndarray:
    """A code to decode, float32 (1, latent): where those of a model may lie.

    Codes that all lie in [0, 1], as behind a sigmoid, are drawn from there; others from normal
    distributions with the mean and deviation of each number.

    Args:
        codes: of the model, shape (n, latent).
    """
    draw, size = np.random.default_rng(seed), (1, codes.shape[1])
    if codes.min() >= 0 and codes.max() <= 1:
        return draw.random(size, np.float32)
    return (codes.mean(0) + codes.std(0) * draw.standard_normal(size)).astype(np.float32)


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
