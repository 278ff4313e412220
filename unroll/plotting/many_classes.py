"""The pictures of a classifier of three or more classes, readable up to thirty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from harness.reporting.style import BLUE, GRAY, ORANGE, STYLE, TEN, save
from unroll.plotting import canvas
from unroll.plotting.canvas import short
from unroll.plotting.titles import title

# So many curves have a color and a name each; of more, the worst and the best have.
NAMED, WORST, BEST = 8, 4, 2
# So many classes have numbers in the cells of their matrix; of more, the colors alone speak.
NUMBERED, SHARES = 16, 6
# So many classes have bars: those found worst.
BARS = 30


@mpl.rc_context(STYLE)
def roc(
    path: Path,
    model: str,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    metrics: dict[str, Any],
    rows: str,
    label: str,
) -> None:
    """The ROC curve of each class against the rest, with its area.

    Args:
        curves: false and true positive rates of each class that has rows, by its name.
        rows, label: what a row is called, in the plural, and what a class is.
    """
    auc = {name: metrics[f"per_{label}"][name]["auc"] for name in curves}
    order = sorted(auc, key=lambda name: auc[name])
    named = order if len(order) <= NAMED else order[:WORST] + order[-BEST:]
    figure, axes = canvas.new(8.8, 5.4)
    for name in order:
        if name not in named:
            axes.plot(*curves[name], color="#c4c4c4", linewidth=1)
    if others := len(order) - len(named):
        axes.plot([], [], color="#c4c4c4", linewidth=1, label=f"{others} in between")
    for place, name in reversed(list(enumerate(named))):
        style = {"color": TEN[place], "linestyle": "-" if place % 2 else "--"}
        axes.plot(*curves[name], **style, label=f"{auc[name]:.4f}  {short(name)}")
    axes.plot([0, 1], [0, 1], color=GRAY, linestyle=":", linewidth=1.4, label="guessing")
    low, high = metrics["auc_interval"]["low"], metrics["auc_interval"]["high"]
    axes.set(
        title=f"{title(model)}: ROC on the test {rows}, each {label} against the rest",
        xlabel="false positive rate",
        ylabel="true positive rate",
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        aspect="equal",
    )
    heading = f"mean AUC {metrics['auc']:.4f}\n(95%: {low:.4f} to {high:.4f})\n\nAUC of a {label}"
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), title=heading)
    legend.get_title().set_multialignment("left")
    legend._legend_box.align = "left"
    axes.title.set(ha="left", x=0)
    save(figure, path)


@mpl.rc_context(STYLE)
def confusion(
    path: Path, model: str, metrics: dict[str, Any], classes: Sequence[str], label: str
) -> None:
    """The confusion matrix; the color is the share of the row, by its root, so that few show.

    Args:
        classes: their names, in the order of the matrix.
        label: what a class is called.
    """
    counts = metrics["confusion"]
    matrix = np.array([[counts[actual][called] for called in classes] for actual in classes])
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    k = len(classes)
    size = float(np.clip(0.62 * k, 3.4, 8.4))
    figure, axes = canvas.new(size + 3.2, size + 1.8)
    norm = mpl.colors.PowerNorm(0.5, vmin=0, vmax=1)
    image = axes.imshow(shares, cmap="Blues", norm=norm)
    longest = max(len(f"{matrix.max():,}"), 3 if k > SHARES else 6)
    for row, column in np.argwhere((matrix > 0) & (k <= NUMBERED)):
        text = f"{matrix[row, column]:,}"
        axes.text(
            *(column, row, f"{text}\n{shares[row, column]:.1%}" if k <= SHARES else text),
            ha="center",
            va="center",
            fontsize=min(13, 88 * size / k / longest),
            color="white" if norm(shares[row, column]) > 0.55 else "black",
        )
    fontsize = min(13, 55 * size / k)
    axes.set_xticks(range(k), map(short, classes), rotation=90 if k > 4 else 0, fontsize=fontsize)
    axes.set_yticks(range(k), map(short, classes), fontsize=fontsize)
    axes.set(xlabel="predicted", ylabel="actual")
    figure.suptitle(f"{title(model)}: balanced accuracy {metrics['balanced_accuracy']:.4f}")
    axes.grid(visible=False)
    bar = figure.colorbar(image, shrink=0.7, label=f"share of the actual {label}")
    bar.set_ticks([0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1])
    bar.ax.set_yticklabels(["0", "1%", "5%", "10%", "25%", "50%", "75%", "100%"])
    save(figure, path)


@mpl.rc_context(STYLE)
def errors(path: Path, model: str, metrics: dict[str, Any], rows: str, label: str) -> None:
    """The share missed of each class, and that of wrong calls; the class found least is above."""
    found = {name: of for name, of in metrics[f"per_{label}"].items() if "recall" in of}
    worst = sorted(found, key=lambda name: found[name]["recall"])[:BARS]
    figure, axes = canvas.new(8.4, 2.2 + 0.36 * len(worst))
    places = np.arange(len(worst))
    bars = ("recall", "missed", BLUE, -0.2), ("precision", "wrong calls", ORANGE, 0.2)
    for metric, name, color, shift in bars:
        values = [1 - found[each][metric] for each in worst]
        axes.barh(places + shift, values, 0.38, color=color, label=name)
    axes.set_yticks(places, [f"{short(name)} ({found[name]['rows']:,})" for name in worst])
    axes.invert_yaxis()
    some = f", the {len(worst)} of {len(found)} found least" if len(worst) < len(found) else ""
    axes.set(xlim=(0, None), xlabel="missed: 1 - recall; wrong calls: 1 - precision")
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(6))
    axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axes.set_ylabel(f"{label} (test {rows})")
    axes.margins(y=0.01)
    axes.grid(visible=False, axis="y")
    figure.suptitle(f"{title(model)}: errors by {label}{some}")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    save(figure, path)
