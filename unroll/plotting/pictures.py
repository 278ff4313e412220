"""The pictures of a model, one function each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from harness.reporting.style import BLUE, DPI, GRAY, ORANGE, STYLE, TEN, save
from unroll.plotting.titles import title


def _figure(width: float, height: float, **grid: Any) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=DPI)
    return figure, figure.subplots(**grid)


@mpl.rc_context(STYLE)
def losses(path: Path, model: str, epoch: np.ndarray, loss: np.ndarray, val: np.ndarray) -> None:
    """Training and validation loss per epoch, the best epoch marked."""
    figure, axes = _figure(6.4, 4.4)
    axes.plot(epoch, loss, color=BLUE, marker="o", markersize=4, label="training")
    best = int(np.argmin(val))
    label = f"validation (best {val[best]:.4f})"
    axes.plot(epoch, val, color=ORANGE, marker="s", markersize=4, label=label)
    axes.plot(epoch[best], val[best], "o", color=ORANGE, markersize=14, fillstyle="none")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(
        title=f"{title(model)}: loss per epoch",
        xlabel="epoch",
        ylabel="binary cross-entropy (nats)",
    )
    axes.legend()
    save(figure, path)


@mpl.rc_context(STYLE)
def roc(path: Path, model: str, fpr: np.ndarray, tpr: np.ndarray, metrics: dict[str, Any]) -> None:
    """The ROC curve with its area, the diagonal of guessing, and the chosen threshold."""
    figure, axes = _figure(5.6, 5.4)
    low, high = metrics["auc_interval"]["low"], metrics["auc_interval"]["high"]
    label = f"AUC {metrics['auc']:.4f}\n(95%: {low:.4f} to {high:.4f})"
    axes.plot(fpr, tpr, color=BLUE, label=label)
    axes.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1.4, label="guessing")
    counts = metrics["confusion"]
    point = (
        counts["fp"] / max(counts["fp"] + counts["tn"], 1),
        counts["tp"] / max(counts["tp"] + counts["fn"], 1),
    )
    axes.plot(*point, "s", color=ORANGE, label=f"threshold {metrics['threshold']:.3f}")
    axes.set(
        title=f"{title(model)}: ROC on the test reviews",
        xlabel="false positive rate (share of negative reviews)",
        ylabel="true positive rate (share of positive reviews)",
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        aspect="equal",
    )
    axes.legend(loc="lower right")
    save(figure, path)


@mpl.rc_context(STYLE)
def confusion(path: Path, model: str, metrics: dict[str, Any]) -> None:
    """The confusion matrix in reviews and in shares of each row."""
    counts = metrics["confusion"]
    matrix = np.array([[counts["tn"], counts["fp"]], [counts["fn"], counts["tp"]]])
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, axes = _figure(5.4, 4.8)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(2, 2):
        axes.text(
            *(column, row, f"{matrix[row, column]:,}\n{shares[row, column]:.1%}"),
            ha="center",
            va="center",
            fontsize=17,
            color="white" if shares[row, column] > 0.5 else "black",
        )
    names = ("negative", "positive")
    axes.set(
        title=f"{title(model)}: balanced accuracy {metrics['balanced_accuracy']:.4f}",
        xlabel="predicted (reviews, share of the row)",
        ylabel="actual",
    )
    axes.set_xticks(range(2), names)
    axes.set_yticks(range(2), names, rotation=90, va="center")
    axes.grid(visible=False)
    save(figure, path)


@mpl.rc_context(STYLE)
def image_rows(path: Path, heading: str, rows: Sequence[tuple[str, np.ndarray]]) -> None:
    """Rows of images one below the other, each with its name on the left.

    Args:
        rows: name and images of each row, shape (n, 28, 28), the same n; n is at most 10.
    """
    columns = len(rows[0][1])
    figure, grid = _figure(
        1.0 * columns + 1.5, 1.05 * len(rows) + 0.6, nrows=len(rows), ncols=columns, squeeze=False
    )
    figure.suptitle(heading)
    for axes_row, (name, images) in zip(grid, rows, strict=True):
        for axes, image in zip(axes_row, images, strict=True):
            _image(axes, image)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    save(figure, path)


def _image(axes: Any, image: np.ndarray) -> None:
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#cccccc")


@mpl.rc_context(STYLE)
def decoded(path: Path, model: str, code: np.ndarray, image: np.ndarray) -> None:
    """A random latent code as bars, and the image that the decoder writes for it, row by row."""
    figure, (bars, picture) = _figure(8.4, 4.4, ncols=2, width_ratios=(3, 2))
    bars.bar(np.arange(1, len(code) + 1), code, color=BLUE, width=0.8 if len(code) > 9 else 0.4)
    bars.set(
        title=f"a random code of {len(code)} numbers",
        xlabel="place in the code",
        ylabel="value (0 to 1)",
        ylim=(0, 1),
    )
    bars.xaxis.get_major_locator().set_params(integer=True)
    _image(picture, image)
    picture.set(title="decoded", xlabel="pixel", ylabel="step (row of pixels)")
    figure.suptitle(f"{title(model)}: from a vector to a sequence")
    save(figure, path)


@mpl.rc_context(STYLE)
def latent(
    path: Path, model: str, x: np.ndarray, y: np.ndarray, digit: np.ndarray, size: int
) -> None:
    """The latent space, each image drawn as its digit.

    Args:
        x, y, digit: shape (n,), positions and digits.
        size: numbers in a code; codes of more than two were laid out by t-SNE.
    """
    figure, axes = _figure(7.6, 6.6)
    for value in np.unique(digit):
        own = digit == value
        # The digit as the mark tells the classes apart where colors do not.
        axes.scatter(x[own], y[own], s=34, marker=f"${value}$", color=TEN[value], linewidth=0.2)
    names = ("first number of the code", "second number of the code")
    if size > 2:
        names = ("t-SNE, first axis (no unit)", "t-SNE, second axis (no unit)")
    axes.set(
        title=f"{title(model)}: {len(x):,} test images in the {size}-D latent space",
        xlabel=names[0],
        ylabel=names[1],
    )
    save(figure, path)
