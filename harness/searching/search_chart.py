"""The picture of a search: its history, what matters, and quality against cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import quantiles
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from harness import project
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, Sweep
from harness.experiments.sweep_report import heading
from harness.reporting import style
from harness.reporting.style import BLUE, DPI, GRAY, ORANGE, STYLE
from harness.searching.search_file import Search
from harness.searching.space import short_names
from harness.searching.study import ENOUGH, FAILED, PRUNED, Trial


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes:
        importances: by parameter, the largest first; none where too few trials are complete.
        default: of the seed of the trials.
        winner: the name of a trial.
    """

    search: Search
    sweep: Sweep
    trials: Sequence[Trial]
    importances: dict[str, float]
    default: Experiment
    winner: str

    @property
    def complete(self) -> list[tuple[Trial, float]]:
        """The complete trials and their values, by number."""
        return [(trial, trial.value) for trial in self.trials if trial.value is not None]

    @property
    def value(self) -> float:
        """Of the default."""
        return self.default.metrics[self.sweep.metric]

    @property
    def cost(self) -> str:
        """The cost to draw against: the last one in which trials differ; empty without costs."""
        every = [trial.cost for trial, _ in self.complete] + [self.default.cost]
        names = [name for name in self.default.cost if all(name in cost for cost in every)]
        differ = [name for name in names if len({cost[name] for cost in every}) > 1]
        return next(reversed(differ), "")

    def is_winner(self, trial: Trial) -> bool:
        """Whether it has won."""
        return self.search.trial_name(trial.number) == self.winner


def write(picture: Picture, path: Path) -> None:
    """Draw it into a PNG."""
    style.save(chart(picture), path)


@mpl.rc_context(STYLE)
def chart(picture: Picture) -> Figure:
    """History above; importances and, where costs differ, quality against cost below."""
    figure = Figure(figsize=(10, 8), dpi=DPI)
    panels: list[Any] = [["history"] * 2, ["matters", "cost" if picture.cost else "matters"]]
    axes = figure.subplot_mosaic(panels, height_ratios=(1.15, 1))
    _history(axes["history"], picture)
    _importances(axes["matters"], picture)
    if picture.cost:
        _against_cost(axes["cost"], picture)
    title = project.read().title(picture.sweep.name)
    figure.suptitle(f"{title}: {len(picture.trials)} trials", fontsize=15)
    return figure


def _history(axes: Any, picture: Picture) -> None:
    complete, higher = picture.complete, picture.sweep.higher
    numbers, values = [t.number for t, _ in complete], [value for _, value in complete]
    low, high = _view([*values, picture.value], higher)
    axes.set_ylim(low, high)
    axes.axhline(picture.value, color=ORANGE, linestyle="--", label=DEFAULT, zorder=2)
    best = list(accumulate(values, max if higher else min))
    axes.step(
        [*numbers, len(picture.trials)],
        [*best, best[-1]],
        where="post",
        color=BLUE,
        alpha=0.4,
        label="best so far",
    )
    _points(axes, numbers, values, (low, high), color=BLUE, label="trial")
    for state, marker, color in ((PRUNED, "x", GRAY), (FAILED, "P", "black")):
        ended = [trial.number for trial in picture.trials if trial.state == state]
        if ended:  # which have no value: on the edge where bad ones are
            edge = 0.03 if higher else 0.97
            place = axes.get_xaxis_transform()
            axes.scatter(
                ended,
                [edge] * len(ended),
                40,
                marker=marker,
                color=color,
                transform=place,
                label=state,
                zorder=4,
            )
    for trial, value in complete:
        if picture.is_winner(trial):
            _ring(axes, trial.number, value, trial, picture)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(-0.7, len(picture.trials) - 0.3)
    axes.set(xlabel="trial", ylabel=_metric(picture))
    axes.legend(fontsize=11, ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _importances(axes: Any, picture: Picture) -> None:
    names = short_names(list(picture.search.space.entries))
    shares = list(reversed(picture.importances.items()))
    axes.set_title("importance (fANOVA)", fontsize=13)
    axes.grid(visible=False)
    axes.xaxis.set_visible(False)
    axes.spines.bottom.set_visible(False)
    axes.tick_params("y", length=0, labelsize=11)
    if not shares:
        axes.set_yticks([])
        axes.spines.left.set_visible(False)
        few = f"fewer than {ENOUGH} complete trials\ndo not tell"
        axes.text(0.5, 0.5, few, ha="center", color=GRAY, transform=axes.transAxes)
        return
    bars = axes.barh([names[n] for n, _ in shares], [share for _, share in shares], color=BLUE)
    axes.bar_label(bars, [f"{share:.0%}" for _, share in shares], padding=4, fontsize=11)
    axes.set_xlim(0, 1.15 * max(share for _, share in shares))


def _against_cost(axes: Any, picture: Picture) -> None:
    name, complete = picture.cost, picture.complete
    low, high = _view([*(value for _, value in complete), picture.value], picture.sweep.higher)
    axes.set_ylim(low, high)
    axes.margins(x=0.1)
    x = [trial.cost[name] for trial, _ in complete]
    _points(axes, x, [value for _, value in complete], (low, high), color=BLUE)
    axes.plot(picture.default.cost[name], picture.value, "s", color=ORANGE, markersize=9, zorder=5)
    for trial, value in complete:
        if picture.is_winner(trial):
            _ring(axes, trial.cost[name], value, trial, picture)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set(xlabel=heading(name), ylabel=_metric(picture))
    axes.set_title("quality against cost", fontsize=13)


def _points(
    axes: Any, x: list[int], y: list[float], view: tuple[float, float], **look: Any
) -> None:
    """Points; those outside of the view as triangles on its edge that point to them."""
    low, high = view
    inside = [(a, b) for a, b in zip(x, y, strict=True) if low <= b <= high]
    axes.scatter([a for a, _ in inside], [b for _, b in inside], 40, zorder=3, **look)
    margin = 0.03 * (high - low)
    for marker, edge, out in (
        ("v", low + margin, [a for a, b in zip(x, y, strict=True) if b < low]),
        ("^", high - margin, [a for a, b in zip(x, y, strict=True) if b > high]),
    ):
        if out:
            look = look | {"label": None}
            axes.scatter(out, [edge] * len(out), 40, marker=marker, zorder=3, **look)


def _ring(axes: Any, x: float, y: float, trial: Trial, picture: Picture) -> None:
    """Mark a trial, with its number on the side where no other is."""
    side = 1 if picture.sweep.higher else -1
    axes.plot(x, y, "o", markersize=13, fillstyle="none", color=ORANGE, markeredgewidth=2, zorder=6)
    axes.annotate(
        f"trial {trial.number}",
        (x, y),
        xytext=(0, 17 * side),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=11,
        zorder=6,
    )


def _view(values: list[float], higher: bool) -> tuple[float, float]:
    """The ends of the axis: all good values, and of the bad ones those that are not far off."""
    low, high = min(values), max(values)
    if len(values) >= 4:
        first, _, third = quantiles(values, n=4)
        reach = 2 * (third - first)
        if higher:
            low = max(low, first - reach)
        else:
            high = min(high, third + reach)
    margin = 0.12 * ((high - low) or abs(high) or 1)
    return low - margin, high + margin


def _metric(picture: Picture) -> str:
    part = f"{picture.sweep.part} " if picture.sweep.tested else ""
    return part + heading(picture.sweep.metric)
