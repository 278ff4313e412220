"""What a sweep found, in docs/: a table, what pays and what does not, and a chart."""

from __future__ import annotations

from pathlib import Path

from harness import project
from harness.core.files import write_text
from harness.experiments.store import Experiment, interval
from harness.experiments.sweep_file import DEFAULT, SWEEP, Sweep
from harness.experiments.sweep_verdicts import Verdicts, compared, judge
from harness.reporting import labels
from harness.reporting.markdown import table
from harness.reporting.pairs import BETTER, SAME, TEST, WORSE

TABLE = Path("docs/sweep.md")
CHART = Path("docs/sweep.png")


def write(sweep: Sweep, found: dict[str, Experiment]) -> list[str]:
    """Write the table and, where costs are counted, the chart of the finished experiments.

    Both compare with the default: without it, they stay as they are.

    Returns:
        Lines that say what was written and what is missing.
    """
    missing = [setting.name for setting in sweep.settings if setting.name not in found]
    lines = [f"not measured: {', '.join(missing)}"] if missing else []
    if DEFAULT in missing:
        return [*lines, f"not written: {TABLE}, as everything in it is compared with {DEFAULT}"]
    judged = judge(sweep, found)
    write_text(TABLE, text(sweep, found, judged))
    if not found[DEFAULT].cost:
        return [*lines, f"written: {TABLE}"]
    from harness.experiments import sweep_chart  # Matplotlib takes a while to import

    sweep_chart.write(sweep, found, judged, CHART)
    return [*lines, f"written: {TABLE}, {CHART}"]


def text(sweep: Sweep, found: dict[str, Experiment], judged: Verdicts) -> str:
    """The tables and the verdicts, in Markdown."""
    default = found[DEFAULT]
    others = [key for key in default.metrics if f"{key}_interval.low" in default.metrics]
    metrics = list(dict.fromkeys([sweep.metric, *others]))
    first, *rest = (heading(name) for name in (*metrics, *default.cost))
    head = ["setting", f"{sweep.part} {first}" if sweep.tested else first, *rest]
    rows = [
        [
            f"`{name}`",
            *(_shown(experiment.metrics, metric) for metric in metrics),
            *(f"{experiment.cost[key]:,}" for key in default.cost),
        ]
        for name, experiment in found.items()
    ]
    if judged.differences:
        for row, name in zip([head, *rows], ["", *found], strict=True):
            difference = judged.differences.get(name)
            row.insert(2, str(difference or "") if name else f"against `{DEFAULT}`")
    missing = [f"`{s.name}`" for s in sweep.settings if s.name not in found]
    brackets = "In brackets: 95% intervals" + ", of differences on the same rows" * bool(
        judged.differences
    )
    parts = [
        f"# Sweep of `{sweep.name}`",
        f"Written by `{project.read().command} sweep` from the experiments that `{SWEEP}` names: "
        f"the parameters of\n`params.yaml` except for what each name says, measured by "
        f"`{sweep.stage}`.\n{brackets}.",
        table(head, rows, numbers=range(1, len(head))),
        *([f"Not measured: {', '.join(missing)}."] if missing else []),
        *_processors(found),
        "\n".join(_verdict(sweep, found, judged)),
        *(_tested(sweep, found, judged) if sweep.tested else []),
    ]
    if default.cost:
        parts += ["Costs are exact.", f"![Quality against cost]({CHART.name})"]
    return "\n\n".join(parts) + "\n"


def _tested(sweep: Sweep, found: dict[str, Experiment], judged: Verdicts) -> list[str]:
    """What the stage itself measured, of the default and of what was chosen alone."""
    default, chosen = found[DEFAULT], found[judged.chosen]
    rows = [(f"`{DEFAULT}`", _shown(default.tested, sweep.metric), "")]
    if judged.chosen != DEFAULT:
        difference = compared(sweep, default, chosen, TEST)
        rows += [(f"`{judged.chosen}`", _shown(chosen.tested, sweep.metric), str(difference or ""))]
    head = ("setting", f"{TEST} {heading(sweep.metric)}", f"against `{DEFAULT}`")
    return [
        f"Chosen: `{judged.chosen}`. The test split is read for it and the default alone:",
        table(head, rows, numbers=(1, 2)),
    ]


def _processors(found: dict[str, Experiment]) -> list[str]:
    """A line if settings ran on different kinds of processors, on which sums depend."""
    kinds: dict[str, list[str]] = {}
    for name, experiment in found.items():
        if experiment.processor:
            kinds.setdefault(experiment.processor, []).append(name)
    if len(kinds) < 2:
        return []
    parts = [f"{_names(names)} on {kind}" for kind, names in kinds.items()]
    return [
        "Settings ran on different kinds of processors, on which the last digits depend: "
        f"{'; '.join(parts)}."
    ]


def heading(name: str) -> str:
    """What a metric or a cost is called in a heading."""
    label = labels.read()["metrics"].get(name.rpartition(".")[2], {}).get("label")
    return label or name.replace("_", " ")


def _shown(metrics: dict[str, float], metric: str) -> str:
    value, (low, high) = metrics[metric], interval(metrics, metric)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" + (f" ({low:.4f} to {high:.4f})" if low != high else "")


def _verdict(sweep: Sweep, found: dict[str, Experiment], judged: Verdicts) -> list[str]:
    """Which settings are better or worse than the default, and which cost less at no loss."""
    default = found[DEFAULT]
    costs = {name: found[name].cost for name in judged.all_of(SAME)}
    chance = [name for name, cost in costs.items() if cost == default.cost]
    others = [name for name in costs if name not in chance]
    cheaper = [name for name in others if _is_cheaper(found[name], default)]
    dearer = [name for name in others if name not in cheaper]
    rule = "their difference on the same rows is beyond chance, its 95% interval without 0"
    if not judged.differences:
        rule = "they lie outside the 95% interval of the default"
    spread = "what chance in training adds is not counted, as no setting changes the seed alone"
    if judged.seeds > 1:
        low, high = (f"{value:.4f}" for value in judged.chance)
        spread = f"they lie outside what {judged.seeds} seeds make of the default, {low} to {high}"
    joint = ", and\n" if judged.seeds > 1 else ";\n"
    of = f"{sweep.part} " if sweep.tested else ""
    return [
        f"By {of}{heading(sweep.metric)}, settings are better or worse if\n{rule}{joint}{spread}:",
        "",
        f"- better than the default, these pay: {_names(judged.all_of(BETTER))};",
        f"- no different at less cost, these pay as well: {_names(cheaper)};",
        f"- no different at more cost, these do not: {_names(dearer)};",
        f"- no different at the same cost: {_names(chance)};",
        f"- worse, these lose: {_names(judged.all_of(WORSE))}.",
    ]


def _is_cheaper(one: Experiment, other: Experiment) -> bool:
    return all(one.cost[name] <= other.cost[name] for name in other.cost)


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
