"""A model beside the best baseline of its corpus, on the same test rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from unroll.metrics import paired


def best(baselines: dict[str, Any], latent: int | None = None) -> str:
    """The baseline to compare a model with, chosen by the rows that validate.

    Args:
        baselines: the metrics of those of a corpus by name.
        latent: the numbers of an autoencoder's code; it is compared with PCA of as many, or else
            with the mean.
    """
    if latent is not None:
        return f"pca-{latent}" if f"pca-{latent}" in baselines else "mean"
    aucs = {name: of["validation"].get("auc", 0) for name, of in baselines.items()}
    return max(aucs, key=lambda name: aucs[name])


def classifiers(
    name: str,
    y: np.ndarray,
    scores: tuple[np.ndarray, np.ndarray],
    thresholds: tuple[float, float] | None,
    seed: int,
) -> dict[str, Any]:
    """By how much a model is above a baseline, rounded, with 95% intervals from pairs of rows.

    Args:
        name: of the baseline.
        scores, thresholds: of the baseline, then of the model, as for `paired.classifiers`.
    """
    found = paired.classifiers(y, scores, thresholds, seed=seed)
    return _rounded(name, {key: found[key] for key in ("auc", "accuracy")})


def losses(name: str, of_baseline: np.ndarray, of_model: np.ndarray, seed: int) -> dict[str, Any]:
    """The same of the losses of rows, shape (n,)."""
    difference = of_model.astype(np.float64) - of_baseline
    return _rounded(name, paired.means({"loss": (difference, None)}, seed=seed))


def _rounded(name: str, found: dict[str, paired.Difference]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for metric, difference in found.items():
        shown[metric] = round(difference.value, 4)
        shown[f"{metric}_interval"] = {
            "low": round(difference.low, 4),
            "high": round(difference.high, 4),
        }
    return {name: shown}
