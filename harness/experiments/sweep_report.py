"""What a sweep found, in docs/: a table, what pays and what does not, and a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from harness import project
from harness.core.files import write_text
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, SWEEP, Sweep
from harness.reporting.style import BLUE, DPI, GREY, ORANGE, STYLE, TEN, save

TABLE = Path("docs/sweep.md")
CHART = Path("docs/sweep.png")
COLUMNS = (
    *("setting", "AUC (95% interval)", "balanced accuracy"),
    *("parameters", "million multiply-adds a review"),
)
# The dark ones, fit for lettering, that are not alike; the default has orange and squares.
COLOURS = (BLUE, TEN[3], TEN[8], "black", TEN[4], TEN[7])
MARKERS = "oDv^P"


def write(sweep: Sweep, found: dict[str, Experiment]) -> None:
    """Write the table and, once the default is measured, the chart."""
    write_text(TABLE, _text(sweep, found))
    if DEFAULT in found:
        save(chart(sweep, found), CHART)


def _text(sweep: Sweep, found: dict[str, Experiment]) -> str:
    rows = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for name, experiment in found.items():
        figures, cost = experiment.figures, experiment.cost
        cells = (
            f"`{name}`",
            f"{figures['auc']:.4f} ({_low(experiment):.4f} to {_high(experiment):.4f})",
            f"{figures['balanced_accuracy']:.4f}",
            f"{cost.parameters:,}",
            f"{cost.multiply_adds / 1e6:.2f}",
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(
        (
            f"# Sweep of `{sweep.model}`",
            "",
            f"Written by `make sweep` from the experiments that `{SWEEP}` names: the parameters of",
            "`params.yaml` but for what each name says, measured on the test set.",
            "",
            *rows,
            "",
            *_verdict(found),
            "",
            "Both costs are exact; multiply-adds are those of the recurrent and dense layers in",
            "reading one review.",
            "",
            f"![Quality against cost]({CHART.name})",
            "",
        )
    )


def _verdict(found: dict[str, Experiment]) -> list[str]:
    """Which settings lie outside the interval of the default, and which cost less within it."""
    if DEFAULT not in found:
        return []
    default = found[DEFAULT]
    others = [(name, e) for name, e in found.items() if name != DEFAULT]
    better = [name for name, e in others if e.figures["auc"] > _high(default)]
    worse = [name for name, e in others if e.figures["auc"] < _low(default)]
    same = [name for name, _ in others if name not in (*better, *worse)]
    chance = [name for name in same if _costs(found[name]) == _costs(default)]
    cheaper = [name for name in same if name not in chance and _is_cheaper(found[name], default)]
    dearer = [name for name in same if name not in (*chance, *cheaper)]
    return [
        "By the AUC, beside the 95% interval of the default, which does not count what chance in",
        "training adds (settings that change the seed show that):",
        "",
        f"- above it, these pay: {_names(better)};",
        f"- within it at less cost, these pay as well: {_names(cheaper)};",
        f"- within it at more cost, these do not: {_names(dearer)};",
        f"- within it at the same cost: {_names(chance)};",
        f"- below it, these lose: {_names(worse)}.",
    ]


def _is_cheaper(one: Experiment, other: Experiment) -> bool:
    return all(a <= b for a, b in zip(_costs(one), _costs(other), strict=True))


def _costs(experiment: Experiment) -> tuple[int, int]:
    return experiment.cost.parameters, experiment.cost.multiply_adds


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _low(experiment: Experiment) -> float:
    return experiment.figures["auc_interval"]["low"]


def _high(experiment: Experiment) -> float:
    return experiment.figures["auc_interval"]["high"]


@mpl.rc_context(STYLE)
def chart(sweep: Sweep, found: dict[str, Experiment]) -> Figure:
    """AUC against multiply-adds, the exact cost; a line for each parameter of the sweep."""
    figure = Figure(figsize=(10, 6), dpi=DPI)
    axes = figure.subplots()
    default = found[DEFAULT]
    axes.margins(x=0.12, y=0.1)
    axes.axhspan(_low(default), _high(default), color=GREY, alpha=0.15, linewidth=0)
    labels: dict[int, list[tuple[float, str, str]]] = {}
    for i, (name, series) in enumerate(_series(found).items()):
        colour = COLOURS[i % len(COLOURS)]
        x = [e.cost.multiply_adds / 1e6 for e, _ in series]
        y = [e.figures["auc"] for e, _ in series]
        style: Any = {"color": colour, "marker": MARKERS[i % len(MARKERS)], "markersize": 8}
        # Lines of like figures lie on each other: through a dashed one the other is seen.
        axes.plot(x, y, label=name, linestyle="--" if i % 2 else "-", zorder=3 + i % 2, **style)
        for e, label in filter(lambda point: point[1], series):
            labels.setdefault(e.cost.multiply_adds, []).append((e.figures["auc"], label, colour))
    place = (default.cost.multiply_adds / 1e6, default.figures["auc"])
    axes.plot(*place, "s", color=ORANGE, markersize=10, label=DEFAULT, zorder=5)
    for cost, points in labels.items():
        _label(axes, cost / 1e6, default.figures["auc"], points)
    axes.set(xlabel="million multiply-adds a review", ylabel="AUC on the test set")
    axes.legend(fontsize=11, loc="lower right")
    figure.suptitle(
        f"{project.read().title(sweep.model)}: quality against cost "
        f"(grey: 95% interval of {DEFAULT})"
    )
    return figure


def _label(axes: Any, x: float, middle: float, points: list[tuple[float, str, str]]) -> None:
    """Write the labels of points of one cost, away from `middle` and from each other.

    Args:
        points: AUC, label and colour of each; where there are several, lines lead to the labels.
    """
    above = sorted(point for point in points if point[0] > middle)
    below = sorted((point for point in points if point[0] <= middle), reverse=True)
    for side, group in ((1, above), (-1, below)):
        for i, (y, label, colour) in enumerate(group, 1):
            several = len(points) > 1
            axes.annotate(
                label,
                (x, y),
                xytext=(side * -(24 if several else 10), side * 16 * i),
                textcoords="offset points",
                color=colour,
                arrowprops={"arrowstyle": "-", "color": colour} if several else None,
                ha="right" if side > 0 else "left",
                va="center",
                fontsize=12,
                zorder=6,
            )


def _series(found: dict[str, Experiment]) -> dict[str, list[tuple[Experiment, str]]]:
    """Experiments by the one parameter that they change, by its value, the default among them.

    Experiments that change several parameters stand alone, by their name.
    """
    series: dict[str, dict[Any, tuple[Experiment, str]]] = {}
    for name, experiment in found.items():
        changes = experiment.setting.changes
        if len(changes) == 1:
            [(place, value)] = changes.items()
            known: Any = found[DEFAULT].setting.params
            for key in place.split("."):
                known = known[key]
            line = series.setdefault(place.rpartition(".")[2], {known: (found[DEFAULT], "")})
            line[value] = (experiment, str(value))
        elif changes:
            series[name] = {name: (experiment, "")}
    return {
        name: [line[value] for value in sorted(line, key=lambda v: (str(type(v)), v))]
        for name, line in series.items()
    }
