"""Intervals of metrics from bootstrap resamples, and what a test split must hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.core.errors import UserError


def interval(values: np.ndarray) -> dict[str, float]:
    """The 2.5th and 97.5th percentile of a metric over resamples, rounded."""
    low, high = np.percentile(values, [2.5, 97.5])
    return {"low": round(float(low), 4), "high": round(float(high), 4)}


def present(y_true: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """The numbers of the classes that rows belong to, in order.

    Raises:
        UserError: there are fewer than two, between which nothing can be told apart.
    """
    found = np.unique(y_true)
    if len(found) < 2:
        raise UserError(
            f"corpora.yaml: all {len(y_true)} test rows are of class {classes[int(found[0])]!r}, "
            "expected two classes or more; give `split` a larger test share or another rule"
        )
    return found
