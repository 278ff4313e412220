"""The end of a search: its best trials and the default with other seeds, and which one wins.

Trials were compared by one training each, and the best of many is partly the luckiest. So the
finalists run again, with seeds of which none was the trials' own, and their means are compared.
Only validation rows count; the test split is for whoever reads the report, of the winner and of the
default alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from harness.core.errors import UserError
from harness.experiments import seeds
from harness.experiments.means import Held, difference
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, Setting, Sweep
from harness.searching.progress import best_of
from harness.searching.search_file import SEED, Search
from harness.searching.study import Trial


@dataclass(frozen=True)
class Finals:
    """What the finalists measured.

    Attributes:
        seeds: of each.
        values: the compared metric by name and seed, of the default and of each finalist.
        tested: the same of the test split, of the default and of the winner alone.
        winner: the finalist whose mean is best.
        held: its mean minus that of the default, on validation rows.
        better: whether that is beyond the chance of seeds and the right way.
    """

    seeds: list[int]
    values: dict[str, list[float]]
    tested: dict[str, list[float]]
    winner: str
    held: Held
    better: bool


def sweeps_of(search: Search, sweep: Sweep, trials: Sequence[Trial]) -> list[Sweep]:
    """The default, the same experiments as those of `seeds`, and the best trials, with every seed.

    Raises:
        UserError: no trial is complete.
    """
    best = best_of(trials, sweep.higher)[: search.finalists]
    if not best:
        raise UserError("no trial came to its end, so there is nothing to choose from")
    (_, default), *groups = _groups(search, best)
    others = tuple(setting for _, group in groups for setting in group)
    return [replace(sweep, settings=tuple(default), cost=""), replace(sweep, settings=others)]


def judge(
    search: Search, sweep: Sweep, trials: Sequence[Trial], found: dict[str, Experiment]
) -> Finals | None:
    """Compare the finalists; None where some of their runs are missing.

    Args:
        found: the finished experiments of `sweeps_of`, by name.
    """
    best = best_of(trials, sweep.higher)[: search.finalists]
    groups = {name: [found.get(one.name) for one in group] for name, group in _groups(search, best)}
    runs = {name: [e for e in group if e] for name, group in groups.items()}
    if any(len(group) < search.seeds for group in runs.values()):
        return None
    values = {name: [e.metrics[sweep.metric] for e in group] for name, group in runs.items()}
    finalists = [name for name in values if name != DEFAULT]
    winner = (max if sweep.higher else min)(finalists, key=lambda name: mean(values[name]))
    held = difference(values[DEFAULT], values[winner])
    tested = {
        name: [e.tested[sweep.metric] for e in runs[name]]
        for name in (DEFAULT, winner)
        if sweep.tested
    }
    better = held.counts and (held.value > 0) == sweep.higher
    return Finals(search.other_seeds(), values, tested, winner, held, better)


def _groups(search: Search, best: Sequence[Trial]) -> list[tuple[str, list[Setting]]]:
    """The default, then each finalist, with a setting for each seed."""
    tried = search.other_seeds()
    groups = [(DEFAULT, [seeds.setting(search.stage, seed) for seed in tried])]
    for trial in best:
        base = search.setting(trial.number, trial.changes)
        group = [
            Setting(
                f"{base.name}-seed-{seed}",
                base.changes | {SEED: seed},
                base.params | {SEED: seed},
            )
            for seed in tried
        ]
        groups.append((base.name, group))
    return groups
