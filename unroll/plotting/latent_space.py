"""The picture of the codes of an autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

from harness.reporting.style import STYLE, TEN, save
from unroll.plotting import canvas
from unroll.plotting.canvas import look, short
from unroll.plotting.titles import title


@mpl.rc_context(STYLE)
def latent(
    path: Path,
    model: str,
    x: np.ndarray,
    y: np.ndarray,
    names: Sequence[str],
    *,
    classes: Sequence[str],
    size: int,
    rows: str,
    label: str,
) -> None:
    """The latent space, each row drawn as its class.

    Args:
        x, y, names: positions and class names of n rows; all names are empty without classes.
        classes: all names, in their order.
        size: numbers in a code; codes of more than two were laid out by t-SNE.
        rows, label: what a row is called, in the plural, and what a class is.
    """
    # Short names tell the classes apart where colors do not; long ones are in the legend.
    are_marks = all(len(name) <= 2 and name.isascii() and name.isalnum() for name in classes)
    listed = bool(classes) and not are_marks
    columns = 1 + (len(classes) - 1) // 20
    figure, axes = canvas.new(7.6 + (0.6 + 2 * columns if listed else 0), 6.6)
    found = np.array(names, dtype=object)
    for place, name in enumerate(classes or [""]):
        own = found == name
        if are_marks and classes:
            color = TEN[place % 10]
            axes.scatter(x[own], y[own], s=34, marker=f"${name}$", color=color, linewidth=0.2)
        elif own.any():
            color, shape = look(place)
            axes.scatter(x[own], y[own], s=16, marker=shape, color=color, label=short(name), lw=0)
    axis = ("first number of the code", "second number of the code")
    if size > 2:
        axis = ("t-SNE, first axis (no unit)", "t-SNE, second axis (no unit)")
    axes.set(
        title=f"{title(model)}: {len(x):,} test {rows} in the {size}-D latent space",
        xlabel=axis[0],
        ylabel=axis[1],
    )
    edges = [_edges(values) for values in (x, y)]
    if any(edges):  # a few codes far away would leave no room for the others
        axes.set(xlim=edges[0], ylim=edges[1])
    if listed:
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), ncols=columns, title=label)
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True):
            text.set_fontsize(11)
            handle.set_sizes([45])
    save(figure, path)


def _edges(values: np.ndarray) -> tuple[float, float] | None:
    """Where an axis ends if a few values are far from all others, which then lie beyond it."""
    low, high = np.percentile(values, [2, 98])
    if np.ptp(values) <= 2 * (high - low):
        return None
    margin = (high - low) / 10
    return low - margin, high + margin
