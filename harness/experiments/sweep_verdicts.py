"""What a sweep allows to say of its settings: which pay, which do not, and which one is chosen.

A setting is better or worse than the default if their difference on the same rows is beyond chance
and the setting lies outside all that other seeds make of the default.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.experiments.store import Experiment, interval
from harness.experiments.sweep_file import DEFAULT, Sweep
from harness.reporting import pairs
from harness.reporting.pairs import BETTER, SAME, WORSE, Difference

SEED = "seed"


@dataclass(frozen=True)
class Verdicts:
    """By setting, the default left out.

    Attributes:
        words: `BETTER`, `WORSE` or `SAME`.
        differences: from the default on the same rows, of those that can be compared so.
        seeds: how many runs differ from the default in the seed alone, itself included.
        chance: the lowest and the highest compared metric of these.
        chosen: the best of the better ones, or else the default.
    """

    words: dict[str, str]
    differences: dict[str, Difference]
    seeds: int
    chance: tuple[float, float]
    chosen: str

    def all_of(self, word: str) -> list[str]:
        """The settings of this word."""
        return [name for name, said in self.words.items() if said == word]


def judge(sweep: Sweep, found: dict[str, Experiment]) -> Verdicts:
    """Compare every finished setting with the default, which must be among them."""
    default = found[DEFAULT]
    others = {name: experiment for name, experiment in found.items() if name != DEFAULT}
    values = {name: experiment.metrics[sweep.metric] for name, experiment in found.items()}
    seeds = [values[name] for name, e in found.items() if set(e.setting.changes) <= {SEED}]
    chance = min(seeds), max(seeds)
    words, differences = {}, {}
    for name, experiment in others.items():
        difference = compared(sweep, default, experiment, sweep.part)
        if difference:
            differences[name], word = difference, difference.verdict(sweep.better)
        else:
            word = _by_interval(sweep, default, experiment)
        words[name] = SAME if chance[0] <= values[name] <= chance[1] else word
    better = [name for name, word in words.items() if word == BETTER]
    best = max if sweep.higher else min
    chosen = best(better, key=values.__getitem__) if better else DEFAULT
    return Verdicts(words, differences, len(seeds), chance, chosen)


def compared(sweep: Sweep, first: Experiment, second: Experiment, part: str) -> Difference | None:
    """The paired difference of the metric; None where it is not known."""
    if not (first.revision and second.revision):
        return None
    found = pairs.differences(sweep.name, first.revision, second.revision, part)
    return found.get(sweep.metric)


def _by_interval(sweep: Sweep, default: Experiment, other: Experiment) -> str:
    """Where the metric lies beside the interval of the default."""
    low, high = interval(default.metrics, sweep.metric)
    value = other.metrics[sweep.metric]
    if low <= value <= high:
        return SAME
    return BETTER if (value > high) == sweep.higher else WORSE
