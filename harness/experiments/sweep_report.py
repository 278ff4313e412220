"""What a sweep found, in docs/: a table, what pays and what does not, and a chart."""

from __future__ import annotations

from pathlib import Path

from harness import project
from harness.core.files import write_text
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, SWEEP, Sweep
from harness.reporting import labels
from harness.reporting.markdown import table

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
    write_text(TABLE, text(sweep, found))
    if not found[DEFAULT].cost:
        return [*lines, f"written: {TABLE}"]
    from harness.experiments import sweep_chart  # Matplotlib takes a while to import

    sweep_chart.write(sweep, found, CHART)
    return [*lines, f"written: {TABLE}, {CHART}"]


def text(sweep: Sweep, found: dict[str, Experiment]) -> str:
    """The table and the verdicts, in Markdown."""
    default = found[DEFAULT]
    others = [key for key in default.metrics if f"{key}_interval.low" in default.metrics]
    metrics = list(dict.fromkeys([sweep.metric, *others]))
    head = ["setting", *(heading(name) for name in (*metrics, *default.cost))]
    rows = [
        (
            f"`{name}`",
            *(_shown(experiment, metric) for metric in metrics),
            *(f"{experiment.cost[key]:,}" for key in default.cost),
        )
        for name, experiment in found.items()
    ]
    missing = [f"`{s.name}`" for s in sweep.settings if s.name not in found]
    parts = [
        f"# Sweep of `{sweep.name}`",
        f"Written by `{project.read().command} sweep` from the experiments that `{SWEEP}` names: "
        f"the parameters of\n`params.yaml` except for what each name says, measured by "
        f"`{sweep.stage}`. In brackets: 95% intervals.",
        table(head, rows, numbers=range(1, len(head))),
        *([f"Not measured: {', '.join(missing)}."] if missing else []),
        "\n".join(_verdict(sweep, found)),
    ]
    if default.cost:
        parts += ["Costs are exact.", f"![Quality against cost]({CHART.name})"]
    return "\n\n".join(parts) + "\n"


def heading(name: str) -> str:
    """What a metric or a cost is called in a heading."""
    label = labels.read()["metrics"].get(name.rpartition(".")[2], {}).get("label")
    return label or name.replace("_", " ")


def _shown(experiment: Experiment, metric: str) -> str:
    value, (low, high) = experiment.metrics[metric], experiment.interval(metric)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" + (f" ({low:.4f} to {high:.4f})" if low != high else "")


def _verdict(sweep: Sweep, found: dict[str, Experiment]) -> list[str]:
    """Which settings lie outside the interval of the default, and which cost less within it."""
    default = found[DEFAULT]
    low, high = default.interval(sweep.metric)
    others = {name: e for name, e in found.items() if name != DEFAULT}
    above = [name for name, e in others.items() if e.metrics[sweep.metric] > high]
    below = [name for name, e in others.items() if e.metrics[sweep.metric] < low]
    better, worse = (above, below) if sweep.higher else (below, above)
    same = [name for name in others if name not in (*better, *worse)]
    chance = [name for name in same if others[name].cost == default.cost]
    cheaper = [name for name in same if name not in chance and _is_cheaper(others[name], default)]
    dearer = [name for name in same if name not in (*chance, *cheaper)]
    return [
        f"By {heading(sweep.metric)}, compared with the 95% interval of the default, which does "
        "not count what\nchance in training adds (settings that change the seed show that):",
        "",
        f"- better than it, these pay: {_names(better)};",
        f"- within it at less cost, these pay as well: {_names(cheaper)};",
        f"- within it at more cost, these do not: {_names(dearer)};",
        f"- within it at the same cost: {_names(chance)};",
        f"- worse than it, these lose: {_names(worse)}.",
    ]


def _is_cheaper(one: Experiment, other: Experiment) -> bool:
    return all(one.cost[name] <= other.cost[name] for name in other.cost)


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
