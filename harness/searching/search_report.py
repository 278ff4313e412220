"""What a search found, in docs/: the finalists, every trial, and a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from harness import project
from harness.core.files import write_text
from harness.core.paths import PIPELINE
from harness.core.yaml import read_yaml
from harness.experiments import trial as trials_of
from harness.experiments.means import Held
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, Setting, Sweep, numbers
from harness.experiments.sweep_report import heading
from harness.reporting.markdown import table
from harness.reporting.pairs import TEST
from harness.searching.finals import Finals, judge
from harness.searching.progress import best_of
from harness.searching.search_file import SEARCH, Search
from harness.searching.space import short_names
from harness.searching.study import COMPLETE, FAILED, PRUNED, Study, Trial

# The pictures of all searches, for the page of `dvc plots show`. An entry in the file of the
# pipeline would put the experiments out of date.
PLOTS = Path("docs") / PIPELINE
SAMPLERS = {"tpe": "tree-structured Parzen estimators", "random": "chance"}


def files_of(search: Search) -> tuple[Path, Path]:
    """The text and the picture."""
    return Path(f"docs/search-{search.name}.md"), Path(f"docs/search-{search.name}.png")


def write(search: Search, sweep: Sweep, study: Study, found: dict[str, Experiment]) -> list[str]:
    """Write both, if all finalists have run; lines that say so.

    Args:
        found: the finished experiments of the finalists, by name.
    """
    trials = study.trials()
    last = judge(search, sweep, trials, found)
    text_file, picture_file = files_of(search)
    if last is None:
        return [f"not written: {text_file}, as runs of finalists are missing"]
    default = of_default(search, sweep)
    write_text(text_file, text(search, sweep, trials, last, picture_file.name))
    from harness.searching import search_chart  # Matplotlib takes a while to import

    picture = search_chart.Picture(search, sweep, trials, study.importances(), default, last.winner)
    search_chart.write(picture, picture_file)
    pictures = sorted(path.name for path in PLOTS.parent.glob("search-*.png"))
    lines = "".join(f"- {name}\n" for name in pictures)
    write_text(PLOTS, f"# Written by `sweep --search`: what it has drawn.\nplots:\n{lines}")
    return [
        verdict(search, sweep, last).replace("\n", " "),
        f"written: {text_file}, {picture_file}, {PLOTS}",
    ]


def of_default(search: Search, sweep: Sweep) -> Experiment:
    """The default as it stands in the work tree, which has the seed of the trials."""
    setting = Setting(DEFAULT, {}, search.params)
    metrics = numbers(read_yaml(sweep.metrics))
    cost = trials_of.cost(Path(), search.stage, setting, sweep.cost)
    return Experiment(setting, metrics, cost)


def text(search: Search, sweep: Sweep, trials: Sequence[Trial], last: Finals, picture: str) -> str:
    """The report, in Markdown; of the test split, only the default and the winner."""
    command = project.read().command
    count = Counter(trial.state for trial in trials)
    ends = [f"{count[state]} {state}" for state in (COMPLETE, PRUNED, FAILED) if count[state]]
    parts = [
        f"# Search of `{search.name}`",
        f"Written by `{command} sweep --search {search.name}`: {len(trials)} trials of "
        f"`{search.stage}`, drawn from\nthe space in `{SEARCH}` by {SAMPLERS[search.sampler]} "
        f"(seed {search.seed}); {', '.join(ends)}.",
        verdict(search, sweep, last),
        _finalists(sweep, last),
        _winner(search, trials, last),
        f"![Every trial, and which parameters matter]({picture})",
        "The ring marks the trial whose mean over seeds is best, a triangle one that is too bad "
        "for the axis, a\ncross one that was pruned.",
        "## Trials",
        _about_trials(search, sweep),
        _trials(search, sweep, trials),
    ]
    return "\n\n".join(parts) + "\n"


def verdict(search: Search, sweep: Sweep, last: Finals) -> str:
    """Who wins, and whether that means anything."""
    metric = heading(sweep.metric)
    part = f"{sweep.part} " if sweep.tested else ""
    seeds = f"{last.seeds[0]} to {last.seeds[-1]}"
    rule = (
        f"its mean {part}{metric} over the seeds {seeds}\nminus that of the default is "
        f"{_difference(last.held)}"
    )
    if last.better:
        return f"`{last.winner}` is better than the default beyond the chance of seeds: {rule}."
    return (
        f"No trial is better than the default beyond the chance of seeds. The best is "
        f"`{last.winner}`: {rule},\nand a difference counts if its 95% interval (Welch's t-test) "
        "is without 0."
    )


def _difference(held: Held) -> str:
    return f"{held.value:+.4f} ({held.low:+.4f} to {held.high:+.4f})"


def _finalists(sweep: Sweep, last: Finals) -> str:
    """Means over seeds; of the test split, those of the default and of the winner."""
    metric, part = heading(sweep.metric), f"{sweep.part} " if sweep.tested else ""
    head = ["finalist", f"{part}{metric}", *([f"{TEST} {metric}"] if sweep.tested else [])]
    rows = []
    for name, values in last.values.items():
        shown = f"**`{name}`**" if name == last.winner else f"`{name}`"
        row = [shown, _spread(values)]
        if sweep.tested:
            row.append(_spread(last.tested[name]) if name in last.tested else "")
        rows.append(row)
    return table(head, rows, numbers=range(1, len(head)))


def _spread(values: list[float]) -> str:
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


def _winner(search: Search, trials: Sequence[Trial], last: Finals) -> str:
    [won] = [trial for trial in trials if search.trial_name(trial.number) == last.winner]
    rows = [
        (f"`{name}`", _value(default_of(search, name)), _value(value))
        for name, value in won.changes.items()
    ]
    return table(("parameter", DEFAULT, f"`{last.winner}`"), rows, numbers=(1, 2))


def default_of(search: Search, name: str) -> Any:
    """The value of a parameter in `params.yaml`."""
    return reduce(getitem, name.split("."), search.params)


def _about_trials(search: Search, sweep: Sweep) -> str:
    part = f"{sweep.part} rows" if sweep.tested else "the rows of its metrics"
    lines = [
        f"Each has the seed {search.params['seed']} and is an experiment of its name; it is "
        f"compared on {part} alone."
    ]
    if search.halving:
        rule = search.halving
        lines.append(
            f"After epoch {rule.min_epochs} and each {rule.reduction_factor} times as many, a "
            f"trial goes on if its validation loss is among\nthe best 1/{rule.reduction_factor} of "
            f"those that got there; the first {rule.startup_trials} trials always do."
        )
    return "\n".join(lines)


def _trials(search: Search, sweep: Sweep, trials: Sequence[Trial]) -> str:
    """Complete trials, the best first; then the others by number."""
    names = short_names(list(search.space.entries))
    costs = list(next((trial.cost for trial in trials if trial.cost), {}))
    part = f"{sweep.part} " if sweep.tested else ""
    head = ["trial", f"{part}{heading(sweep.metric)}", *names.values(), *map(heading, costs), ""]
    best = best_of(trials, sweep.higher)
    others = [trial for trial in trials if trial not in best]
    rows = []
    for trial in [*best, *others]:
        value = "" if trial.value is None else f"{trial.value:.4f}"
        cost = [f"{trial.cost[name]:,}" if trial.cost else "" for name in costs]
        end = "" if trial.state == COMPLETE else f"{trial.state} {trial.why}".strip()
        changes = [_value(trial.changes[name]) for name in names]
        rows.append([str(trial.number), value, *changes, *cost, end])
    return table(head, rows, numbers=range(len(head) - 1))


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
