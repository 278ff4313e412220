"""The trials of a search on an engine, each a job: the command `sweep --search --on`.

The search draws here and waits here; a job tells its validation losses with its other news, by
which a trial is cut short. What this process knows is in the study, so the same command goes on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from harness.cluster import driver, experiment
from harness.cluster.context import Context, ready, share
from harness.cluster.fleet import FAILING, FINISHED, POLL, STOPPED, State
from harness.cluster.patience import patiently
from harness.cluster.records import CANCELLED, DONE, FAILED, LOSSES, RUNNING
from harness.cluster.task import Task, of_changes, of_seed
from harness.core.errors import UserError
from harness.experiments import store
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import Setting, Sweep
from harness.searching.losses import Curve, Limit, Pruned
from harness.searching.search import Elsewhere, Place
from harness.searching.search_file import SEED

T = TypeVar("T")


def searching(on: str, again: bool, poll: float = POLL) -> Elsewhere:
    """What runs the trials of a search, and the finalists, on an engine."""

    @contextlib.contextmanager
    def place(sweep: Sweep, name: str) -> Iterator[Place]:
        with ready(on, sweep.files, f"sweep --search {name}", poll) as context:
            share(context)
            yield Jobs(context, again, poll)

    return place


class Jobs:
    """Runs settings as jobs; from several threads at once."""

    stopping = False  # when this process is asked to end, it ends at once, and the jobs go on

    def __init__(self, context: Context, again: bool, poll: float) -> None:
        self._context, self._fleet = context, context.fleet
        self._again, self._poll = again, poll

    def trial(self, setting: Setting, sweep: Sweep, limit: Limit) -> Experiment:
        """See `harness.searching.search.Place`."""
        task, curve = of_changes(sweep.stage, setting.changes, setting.name), Curve(limit)
        try:
            while True:
                states = self._fleet.step([task])
                state = (states or {}).get(task.name)
                if state and (found := self._seen(task, state, curve, setting, sweep)):
                    return found
                if why := self._fleet.given_up(task.name):
                    raise UserError(why)
                time.sleep(self._poll)
        except Pruned:
            self._end(task, setting)
            raise
        finally:
            self._fleet.drop(task.name)

    def settings(self, sweeps: Sequence[Sweep]) -> list[str]:
        """See `harness.searching.search.Place`."""
        tasks = {one.name: _task(one, sweep) for sweep in sweeps for one in sweep.settings}
        return driver.run(sweeps, tasks, self._context, self._again, self._poll)

    def _seen(
        self, task: Task, state: State, curve: Curve, setting: Setting, sweep: Sweep
    ) -> Experiment | None:
        """What follows from the state of a job: its experiment, nothing yet, or an error."""
        told = next((file for file in (DONE, RUNNING) if file in state.files), None)
        if told:
            curve.judge(self._facts(task, told).get(LOSSES, []))
        if state.word == FINISHED:
            one = replace(sweep, settings=(setting,))
            if driver.home(self._context, setting, one, task.name):
                return store.finished(one, self._context.commit)[setting.name]
        elif state.word == FAILING:
            raise UserError(self._facts(task, FAILED).get("error", "no reason"))
        elif state.word == STOPPED:
            raise UserError("cancelled")
        return None

    def _facts(self, task: Task, file: str) -> dict[str, Any]:
        return self._patiently(partial(self._fleet.records.read_json, task.name, file))

    def _end(self, task: Task, setting: Setting) -> None:
        """End the job of a trial that is cut short; it is no experiment."""
        self._patiently(partial(self._fleet.records.write, task.name, CANCELLED, b""))
        self._fleet.engine.cancel(self._fleet.group, [task.name])
        ref = store.reference(self._context.commit, setting.name)
        self._patiently(lambda: experiment.remove(self._context.url, ref))

    def _patiently(self, action: Callable[[], T]) -> T:
        return patiently(action, f"remote {self._context.remote.name}")


def _task(setting: Setting, sweep: Sweep) -> Task:
    if set(setting.changes) == {SEED}:
        return of_seed(sweep.stage, setting.params[SEED])
    return of_changes(sweep.stage, setting.changes, setting.name)
