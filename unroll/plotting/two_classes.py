"""The pictures of a classifier of two classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from harness.reporting.style import BLUE, GRAY, ORANGE, STYLE, save
from unroll.plotting import canvas
from unroll.plotting.canvas import short
from unroll.plotting.titles import title


@mpl.rc_context(STYLE)
def roc(
    path: Path,
    model: str,
    fpr: np.ndarray,
    tpr: np.ndarray,
    metrics: dict[str, Any],
    baseline: tuple[str, float, np.ndarray, np.ndarray],
    classes: Sequence[str],
    rows: str,
) -> None:
    """The ROC curve with its area, that of a baseline, that of guessing, the chosen threshold.

    Args:
        baseline: name, AUC, and rates as those of the model.
        classes: the names of the negative and the positive class.
        rows: what a row is called, in the plural.
    """
    figure, axes = canvas.new(5.6, 5.4)
    low, high = metrics["auc_interval"]["low"], metrics["auc_interval"]["high"]
    label = f"AUC {metrics['auc']:.4f}\n(95%: {low:.4f} to {high:.4f})"
    axes.plot(fpr, tpr, color=BLUE, label=label)
    other, auc, *rates = baseline
    axes.plot(*rates, color=GRAY, linewidth=1.4, label=f"{other}: {auc:.4f}")
    axes.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1.4, label="guessing")
    counts = metrics["confusion"]
    point = (
        counts["fp"] / max(counts["fp"] + counts["tn"], 1),
        counts["tp"] / max(counts["tp"] + counts["fn"], 1),
    )
    axes.plot(*point, "s", color=ORANGE, label=f"threshold {metrics['threshold']:.3f}")
    axes.set(
        title=f"{title(model)}: ROC on the test {rows}",
        xlabel=f"false positive rate (share of {short(classes[0])} {rows})",
        ylabel=f"true positive rate (share of {short(classes[1])} {rows})",
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        aspect="equal",
    )
    axes.legend(loc="lower right")
    save(figure, path)


@mpl.rc_context(STYLE)
def confusion(
    path: Path, model: str, metrics: dict[str, Any], classes: Sequence[str], rows: str
) -> None:
    """The confusion matrix in rows and in shares of each class."""
    counts = metrics["confusion"]
    matrix = np.array([[counts["tn"], counts["fp"]], [counts["fn"], counts["tp"]]])
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, axes = canvas.new(5.4, 4.8)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(2, 2):
        axes.text(
            *(column, row, f"{matrix[row, column]:,}\n{shares[row, column]:.1%}"),
            ha="center",
            va="center",
            fontsize=17,
            color="white" if shares[row, column] > 0.5 else "black",
        )
    names = [short(name) for name in classes]
    axes.set(
        title=f"{title(model)}: balanced accuracy {metrics['balanced_accuracy']:.4f}",
        xlabel=f"predicted ({rows}, share of the row)",
        ylabel="actual",
    )
    axes.set_xticks(range(2), names)
    axes.set_yticks(range(2), names, rotation=90, va="center")
    axes.grid(visible=False)
    save(figure, path)
