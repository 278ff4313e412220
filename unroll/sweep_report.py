"""What a sweep found, in docs/: a table, what pays and what does not, and a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unroll.experiments import Experiment
from unroll.figures import GREY, ORANGE, STYLE, TEN, title
from unroll.files import replacing, write_text
from unroll.settings import DEFAULT, SWEEP, Sweep

TABLE = Path("docs/sweep.md")
CHART = Path("docs/sweep.png")
COLUMNS = (
    *("setting", "AUC (95% interval)", "balanced accuracy"),
    *("parameters", "million multiply-adds a review"),
)


def write(sweep: Sweep, found: dict[str, Experiment]) -> None:
    """Write the table and, once the default is measured, the chart."""
    write_text(TABLE, _text(sweep, found))
    if DEFAULT in found:
        _draw(CHART, sweep, found)


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
            "Both costs are exact; the multiply-adds are those of the recurrent and dense layers in",
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
def _draw(path: Path, sweep: Sweep, found: dict[str, Experiment]) -> None:
    """AUC against multiply-adds, the exact cost; a line for each parameter of the sweep."""
    figure = Figure(figsize=(10, 6), dpi=120)
    axes = figure.subplots()
    default = found[DEFAULT]
    axes.margins(x=0.12)
    axes.axhspan(_low(default), _high(default), color=GREY, alpha=0.15, linewidth=0)
    for i, (name, series) in enumerate(_series(found).items()):
        colour, below = TEN[i % len(TEN)], i % 2
        x = [e.cost.multiply_adds / 1e6 for e, _ in series]
        y = [e.figures["auc"] for e, _ in series]
        axes.plot(x, y, color=colour, marker="o", label=name, alpha=0.9)
        for place, (_, label) in zip(zip(x, y, strict=True), series, strict=True):
            axes.annotate(
                label,
                place,
                xytext=(6, -14 if below else 5),
                textcoords="offset points",
                color=colour,
                fontsize=11,
                bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.5, "linewidth": 0},
            )
    place = (default.cost.multiply_adds / 1e6, default.figures["auc"])
    axes.plot(*place, "s", color=ORANGE, markersize=10, label=DEFAULT, zorder=5)
    axes.set(xlabel="million multiply-adds a review", ylabel="AUC on the test set")
    axes.legend(fontsize=11, loc="lower right")
    figure.suptitle(f"{title(sweep.model)}: quality against cost (grey: 95% interval of {DEFAULT})")
    with replacing(path) as partial:
        FigureCanvasAgg(figure).print_png(partial, metadata={"Software": None})


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
