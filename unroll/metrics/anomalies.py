"""How well the error of reconstruction finds what is not normal, and where it is largest."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import metrics


def measure(
    errors: np.ndarray, anomalous: np.ndarray | None = None, stride: int = 0
) -> dict[str, Any]:
    """AUC and average precision of the error as a score of anomalies, and the largest error.

    Args:
        errors: of each row, shape (n,).
        anomalous: which rows are not normal, bool (n,). Where all are alike, or nobody knows,
            there is only the largest error.
        stride: steps from one row to the next, where rows are windows of a signal; it says the step
            at which the window of the largest error begins.
    """
    found: dict[str, Any] = {}
    if anomalous is not None and 0 < anomalous.sum() < len(anomalous):
        found = {
            "anomaly_auc": metrics.roc_auc_score(anomalous, errors),
            "anomaly_average_precision": metrics.average_precision_score(anomalous, errors),
        }
    found = {name: round(float(value), 4) for name, value in found.items()}
    row = int(np.argmax(errors))
    place = {"row": row} | ({"step": row * stride} if stride else {})
    return found | {"largest_error": place | {"error": round(float(errors[row]), 5)}}


def over_time(
    x: np.ndarray, rebuilt: np.ndarray, stride: int, marked: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A long signal again from its windows, its error, and where it is marked.

    Args:
        x, rebuilt: windows of the signal in its order, shape (n, length, channels).
        stride: steps from one window to the next.
        marked: windows with an anomaly, bool (n,), where that is known.

    Returns:
        The signal (steps, channels); the squared error of each step, the mean over the windows that
        cover it (steps,); and first step and end of each stretch that only marked windows cover,
        int64 (m, 2).
    """
    count, length, channels = x.shape
    steps = (count - 1) * stride + length
    signal = np.full((steps, channels), np.nan, np.float32)
    total, windows, normal = np.zeros(steps), np.zeros(steps), np.zeros(steps, bool)
    for number, (window, again) in enumerate(zip(x, rebuilt, strict=True)):
        covered = slice(number * stride, number * stride + length)
        signal[covered] = window
        total[covered] += np.square(window - again).mean(axis=1)
        windows[covered] += 1
        normal[covered] |= marked is None or not marked[number]
    edges = np.flatnonzero(np.diff(np.r_[False, ~normal & (windows > 0), False]))
    with np.errstate(invalid="ignore"):
        return signal, total / windows, edges.reshape(-1, 2)
