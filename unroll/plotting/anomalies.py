"""The picture of the error of reconstruction along a signal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
import numpy as np

from harness.reporting.style import BLUE, GRAY, ORANGE, STYLE, save
from unroll.plotting import canvas
from unroll.plotting.titles import title

# Points of a line: more than the picture has pixels across.
POINTS = 2000


def _thinned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of a line, in each stretch the least and the largest, so no peak is lost."""
    if len(values) <= POINTS:
        return np.arange(len(values)), values
    kept = [
        stretch[[np.argmin(part), np.argmax(part)]]
        for stretch in np.array_split(np.arange(len(values)), POINTS // 2)
        for part in [np.nan_to_num(values[stretch])]
    ]
    steps = np.unique(np.concatenate(kept))
    return steps, values[steps]


@mpl.rc_context(STYLE)
def over_time(
    path: Path,
    model: str,
    error: np.ndarray,
    spans: Iterable[tuple[int, int]] = (),
    signal: np.ndarray | None = None,
    first: int = 0,
) -> None:
    """The error at each step, its largest value, and the marked anomalies; above it the signal.

    Args:
        error: shape (steps,); NaN where no window was.
        spans: first step and end of each marked anomaly, counted as by `first`.
        signal: shape (steps, channels).
        first: the number of the first step, such as that of the test split.
    """
    panels = 1 if signal is None else 2
    figure, grid = canvas.new(9.6, 1.8 + 1.8 * panels, nrows=panels, sharex=True, squeeze=False)
    *above, axes = grid[:, 0]
    if signal is not None:
        for channel in signal.T:
            steps, values = _thinned(channel)
            color = BLUE if signal.shape[1] == 1 else None
            above[0].plot(first + steps, values, color=color, linewidth=0.9)
        above[0].set(ylabel="signal (scaled)")
    steps, values = _thinned(error)
    axes.plot(first + steps, values, color=BLUE, linewidth=1.2, label="error")
    step = int(np.nanargmax(error))
    label = f"largest, at step {first + step:,}"
    axes.plot(first + step, error[step], "o", color=GRAY, ms=13, fillstyle="none", label=label)
    label = "marked anomaly"
    for start, end in spans:
        for each in grid[:, 0]:
            # At least a line where the span is narrower than a pixel.
            each.axvspan(start, end, facecolor=ORANGE, edgecolor=ORANGE, alpha=0.35, label=label)
        label = "_"
    axes.set(xlabel="step", ylabel="mean squared error")
    axes.margins(x=0.01, y=0.12)
    figure.suptitle(f"{title(model)}: error of reconstruction over time")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    save(figure, path)
