"""The chart of a sweep: the metric against the exact cost, a line for each parameter."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from harness import project
from harness.experiments.store import Experiment, interval
from harness.experiments.sweep_file import DEFAULT, Sweep
from harness.experiments.sweep_report import heading
from harness.experiments.sweep_verdicts import Verdicts
from harness.reporting import style
from harness.reporting.style import BLUE, DPI, GRAY, ORANGE, STYLE, TEN

# The dark ones, fit for lettering, that are not alike; the default has orange and squares.
COLORS = (BLUE, TEN[3], TEN[8], "black", TEN[4], TEN[7])
MARKERS = "oDv^P"


def write(sweep: Sweep, found: dict[str, Experiment], judged: Verdicts, path: Path) -> None:
    """Draw the experiments, the default among them, into a PNG."""
    style.save(chart(sweep, found, judged), path)


@mpl.rc_context(STYLE)
def chart(sweep: Sweep, found: dict[str, Experiment], judged: Verdicts) -> Figure:
    """The metric against the last cost that the project counts.

    Bars are the intervals of the differences from the default on the same rows.
    """
    figure = Figure(figsize=(10, 6), dpi=DPI)
    axes = figure.subplots()
    default, metric = found[DEFAULT], sweep.metric
    cost = list(default.cost)[-1]
    axes.margins(x=0.12, y=0.1)
    band = judged.chance if judged.differences else interval(default.metrics, metric)
    axes.axhspan(*band, color=GRAY, alpha=0.15, linewidth=0)
    labels: dict[int, list[tuple[float, str, str]]] = {}
    for i, (name, series) in enumerate(_series(found).items()):
        color = COLORS[i % len(COLORS)]
        x = [e.cost[cost] for e, _ in series]
        y = [e.metrics[metric] for e, _ in series]
        look: Any = {"color": color, "marker": MARKERS[i % len(MARKERS)], "markersize": 8}
        # Lines of like metrics lie on each other: through a dashed one the other is seen.
        axes.plot(x, y, label=name, linestyle="--" if i % 2 else "-", zorder=3 + i % 2, **look)
        for e, label in filter(lambda point: point[1], series):
            labels.setdefault(e.cost[cost], []).append((e.metrics[metric], label, color))
        for e in (e for e, _ in series if e.setting.name in judged.differences):
            difference = judged.differences[e.setting.name]
            low, high = (default.metrics[metric] + end for end in difference[1:3])
            axes.vlines(e.cost[cost], low, high, color=color, alpha=0.5)
    place = (default.cost[cost], default.metrics[metric])
    axes.plot(*place, "s", color=ORANGE, markersize=10, label=DEFAULT, zorder=5)
    for x_of, points in labels.items():
        _label(axes, x_of, default.metrics[metric], points)
    axes.xaxis.set_major_formatter(EngFormatter())
    of = f"{sweep.part} " if sweep.tested else ""
    axes.set(xlabel=heading(cost), ylabel=of + heading(metric))
    axes.legend(fontsize=11, loc="lower right")
    title = project.read().title(sweep.name)
    note = f"gray: 95% interval of {DEFAULT}"
    if judged.differences:
        gray = f"; gray: {judged.seeds} seeds of {DEFAULT}" if judged.seeds > 1 else ""
        note = f"bars: 95% interval of the difference{gray}"
    figure.suptitle(f"{title}: quality against cost ({note})", fontsize=13)
    return figure


def _label(axes: Any, x: float, middle: float, points: list[tuple[float, str, str]]) -> None:
    """Write the labels of points of one cost, away from `middle` and from each other.

    Args:
        points: metric, label and color of each; where there are several, lines lead to the labels.
    """
    above = sorted(point for point in points if point[0] > middle)
    below = sorted((point for point in points if point[0] <= middle), reverse=True)
    for side, group in ((1, above), (-1, below)):
        for i, (y, label, color) in enumerate(group, 1):
            several = len(points) > 1
            axes.annotate(
                label,
                (x, y),
                xytext=(side * -(24 if several else 10), side * 16 * i),
                textcoords="offset points",
                color=color,
                arrowprops={"arrowstyle": "-", "color": color} if several else None,
                ha="right" if side > 0 else "left",
                va="center",
                fontsize=12,
                zorder=6,
            )


def _series(found: dict[str, Experiment]) -> dict[str, list[tuple[Experiment, str]]]:
    """Experiments by the one number that they change, by its value, the default among them.

    Experiments that change something else stand alone, by their name.
    """
    series: dict[str, dict[Any, tuple[Experiment, str]]] = {}
    default = found[DEFAULT]
    for name, experiment in found.items():
        changes = experiment.setting.changes
        place, value = next(iter(changes.items()), ("", None))
        known = reduce(getitem, place.split("."), default.setting.params) if place else None
        if len(changes) == 1 and isinstance(value, int | float) and isinstance(known, int | float):
            line = series.setdefault(place.rpartition(".")[2], {known: (default, "")})
            line[value] = (experiment, str(value))
        elif changes:
            series[name] = {0: (experiment, "")}
    return {name: [line[value] for value in sorted(line)] for name, line in series.items()}
