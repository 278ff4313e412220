"""The command `sweep --search NAME`: trials, finalists, report.

All that is known of the trials is in the study, and of what they measured in their experiments, so
this process may end at any moment: the same command resumes, a trial that ran within its training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from harness import ending, project
from harness.core.errors import UserError
from harness.experiments import store, sweep, trial
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, Setting, Sweep, of_stage
from harness.experiments.sweep_report import heading
from harness.lock import alone
from harness.running.processes import Calls
from harness.searching import finals, progress, search_file, search_report, watch
from harness.searching.losses import Limit, Pruned
from harness.searching.search_file import SEARCH, Search
from harness.searching.study import FAILED, RUNNING, Study, Trial

# So many trials, all of them failed and none before them, are no bad luck.
HOPELESS = 5


class Place(Protocol):
    """Where trials and finalists run."""

    @property
    def stopping(self) -> bool:
        """Whether this process was asked to end, so that what fails now fails from that."""

    def trial(self, setting: Setting, sweep: Sweep, limit: Limit) -> Experiment:
        """Run a trial as an experiment, in one of several threads.

        Raises:
            Pruned: it was cut short.
            UserError: it failed.
        """

    def settings(self, sweeps: Sequence[Sweep]) -> list[str]:
        """Run the settings of sweeps as experiments; the names of those that failed."""


# A place for a sweep and the name of a search, while a `with` lasts.
Elsewhere = Callable[[Sweep, str], AbstractContextManager[Place]]


class Here:
    """This machine."""

    def __init__(self, commit: str, jobs: int, lock: IO[str]) -> None:
        self._commit, self._jobs, self._lock, self._calls = commit, jobs, lock, Calls(lock)
        ending.end_when_asked("stopped; the same command resumes", self._calls.stop)

    @property
    def stopping(self) -> bool:
        """See `Place`."""
        return self._calls.stopping

    def trial(self, setting: Setting, sweep: Sweep, limit: Limit) -> Experiment:
        """See `Place`."""
        return watch.run(setting, sweep, self._commit, self._calls, limit)

    def settings(self, sweeps: Sequence[Sweep]) -> list[str]:
        """See `Place`."""
        return sweep.run(sweeps, self._commit, self._jobs, self._lock)


def main(name: str, jobs: int, elsewhere: Elsewhere | None = None) -> None:
    """Run the trials of a block of `search.yaml`, then its finalists; write the report.

    Args:
        jobs: how many trials run at once.
        elsewhere: what runs them on other machines.

    Raises:
        UserError: the file, the work tree, the cache or git is not ready for it, no trial came to
            its end, or a run of a finalist failed.
    """
    commit = store.start()
    search = search_file.read(name)
    tried = of_stage(search.stage, (), SEARCH, project.read().cost)
    store.check_committed(tried)
    # May fail, so not first after the trainings.
    trial.cost(Path(), search.stage, Setting(DEFAULT, {}, search.params), tried.cost)
    with alone(sweep.LOCK, "`sweep`") as lock:
        there = elsewhere(tried, name) if elsewhere else nullcontext(Here(commit, jobs, lock))
        with there as place:
            study = Study(search, tried, commit)
            Trials(search, tried, study, jobs, place).run()
            last = finals.sweeps_of(search, tried, study.trials())
            failed = place.settings(last)
        found = {name: e for each in last for name, e in store.finished(each, commit).items()}
        for line in search_report.write(search, tried, study, found):
            print(line)
    sweep.refuse(failed, sum(len(each.settings) for each in last), elsewhere)


class Trials:
    """The trials of a search, several at once, in as many threads."""

    def __init__(self, search: Search, tried: Sweep, study: Study, jobs: int, place: Place) -> None:
        self._search, self._sweep, self._study = search, tried, study
        self._jobs, self._place = jobs, place
        self._before, self._begin = study.spent(), time.monotonic()
        self._waiting: list[Trial] = []
        self._over = ""

    def run(self) -> None:
        """Run those that a killed process has left, then new ones until the budget is spent.

        Raises:
            UserError: the first of them all failed.
        """
        self._waiting = [t for t in self._study.trials() if t.state == RUNNING]
        watch.clear_copies([self._search.trial_name(t.number) for t in self._waiting])
        if known := len(self._study.trials()):
            print(f"{known} trials are known, {len(self._waiting)} of them to resume", flush=True)
        with ThreadPoolExecutor(self._jobs) as pool:
            workers = [pool.submit(self._work) for _ in range(self._jobs)]
        for worker in workers:
            worker.result()
        ending.await_end_if_asked()
        ended = self._study.trials()
        if all(t.state == FAILED for t in ended):
            self._study.forget()
            raise UserError(
                f"all of the first {len(ended)} trials failed, the last with `{ended[-1].why}`; "
                "after fixing that, the same command begins the search anew"
            )

    def _work(self) -> None:
        while one := self._next():
            self._one(one)

    def _next(self) -> Trial | None:
        """The next trial to run; None if there is none."""
        with self._study.guard:
            if self._place.stopping:
                return None
            if self._waiting:
                return self._waiting.pop(0)
            if self._is_over() or self._is_hopeless():
                return None
            drawn = self._study.draw()
            if drawn is None and not self._over:
                self._over = "every point of the space was tried"
                print(self._over, flush=True)
            return drawn

    def _is_over(self) -> bool:
        """Whether the budget is spent."""
        limit = self._search.trials
        if limit is not None and len(self._study.trials()) >= limit:
            return True
        return self._search.hours is not None and self._spent() >= 3600 * self._search.hours

    def _is_hopeless(self) -> bool:
        ended = [t for t in self._study.trials() if t.state != RUNNING]
        return len(ended) >= HOPELESS and all(t.state == FAILED for t in ended)

    def _one(self, one: Trial) -> None:
        """Run a trial and record how it ends, unless this process is asked to end."""
        name, study, begin = self._search.trial_name(one.number), self._study, time.monotonic()
        changes = ", ".join(f"{key.rpartition('.')[2]} {v}" for key, v in one.changes.items())
        print(f"{name:18} starts: {changes}", flush=True)

        def took() -> float:
            return round(time.monotonic() - begin, 1)

        try:
            setting = self._search.setting(one.number, one.changes)
            limit = partial(study.limit, one.number)
            found = self._place.trial(setting, self._sweep, limit)
        except Pruned as cut:
            study.prune(one.number, str(cut), took())
            said = f"pruned {cut}"
        except (UserError, OSError) as error:
            if self._place.stopping:
                return
            study.fail(one.number, str(error), took())
            said = f"FAILED: {error}"
        else:
            value = found.metrics[self._sweep.metric]
            study.complete(one.number, value, found.cost, took())
            said = f"{self._sweep.metric} {value:.4f}"
        with study.guard:
            study.spend(self._spent())
            print(f"{name:18} {said}, {took():.0f} s", flush=True)
            print(self._progress(), flush=True)

    def _spent(self) -> float:
        return self._before + time.monotonic() - self._begin

    def _progress(self) -> str:
        metric = " ".join(filter(None, [self._part(), heading(self._sweep.metric)]))
        trials, higher = self._study.trials(), self._sweep.higher
        return progress.line(trials, self._search, metric, higher, self._jobs, self._spent())

    def _part(self) -> str:
        return self._sweep.part if self._sweep.tested else ""
