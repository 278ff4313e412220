"""How far a search has come, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from harness.searching.search_file import Search
from harness.searching.study import COMPLETE, FAILED, PRUNED, RUNNING, Trial


def best_of(trials: Sequence[Trial], higher: bool) -> list[Trial]:
    """The complete trials, the best first; of equal ones, the earlier."""
    sign = -1 if higher else 1
    complete = [trial for trial in trials if trial.value is not None]
    return sorted(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number))


def line(
    trials: Sequence[Trial], search: Search, metric: str, higher: bool, jobs: int, spent: float
) -> str:
    """Such as `12 of 40 trials done, 3 pruned, 2 running; best AUC 0.9779 (trial 7); ...`.

    Args:
        metric: what it is called.
        spent: seconds so far.
    """
    count = {state: sum(trial.state == state for trial in trials) for state in _STATES}
    ended = len(trials) - count[RUNNING]
    of = f" of {search.trials}" if search.trials else ""
    said = [f"{ended}{of} trials done"]
    said += [f"{count[state]} {state}" for state in (PRUNED, FAILED, RUNNING) if count[state]]
    parts = [", ".join(said)]
    if best := best_of(trials, higher):
        parts.append(f"best {metric} {best[0].value:.4f} (trial {best[0].number})")
        parts.append(f"about {duration(_left(trials, search, jobs, spent))} left")
    return "; ".join(parts)


_STATES = (COMPLETE, PRUNED, FAILED, RUNNING)


def _left(trials: Sequence[Trial], search: Search, jobs: int, spent: float) -> float:
    """Seconds until trials and finalists are over, if they take as long as those before."""
    ended = [trial.seconds for trial in trials if trial.state != RUNNING]
    running = len(trials) - len(ended)
    left = []
    if search.trials:  # those that run are half over
        left.append((search.trials - len(ended) - running / 2) * mean(ended) / jobs)
    if search.hours:
        left.append(search.hours * 3600 - spent)
    whole = mean(trial.seconds for trial in trials if trial.state == COMPLETE)
    finals = (min(search.finalists, len(trials)) + 1) * search.seeds
    return max(0.0, min(left)) + finals * whole / jobs


def duration(seconds: float) -> str:
    """Such as `40 s`, `9 min` or `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
