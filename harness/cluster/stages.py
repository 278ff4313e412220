"""The pipeline on an engine: `repro --on`. Stages run in the order of the graph, as they do here.

Each is a job of the commit. It finds the outputs of the stages before it in the remote, by the
run-cache; afterwards, `dvc repro` takes its outputs from there. What `cluster.yaml` keeps here, and
what the run-cache cannot know, runs on this machine.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from dvc.repo import Repo

from harness import processor
from harness.cluster.context import Context, ready, share
from harness.cluster.fleet import FAILING, FINISHED, POLL, STOPPED
from harness.cluster.patience import patiently
from harness.cluster.records import DONE, FAILED
from harness.cluster.task import Task, of_stage
from harness.dvc_private import locked
from harness.dvc_runs import Runs
from harness.running import repro
from harness.running.processes import Calls
from harness.stages import dvc_file

T = TypeVar("T")


class Elsewhere:
    """Runs one stage, wherever it belongs."""

    def __init__(self, context: Context, jobs: int, again: bool) -> None:
        """`jobs` is how many stages run on this machine at once."""
        self._context, self._fleet, self._again = context, context.fleet, again
        self._here, self._alone = threading.Semaphore(jobs), threading.Lock()
        self._waiting: dict[str, Task] = {}

    def __call__(self, calls: Calls, stage: str) -> int:
        """Bring a stage up to date whose inputs are; 0, or another number if it failed."""
        declared = dvc_file.stages().get(stage)
        alone = not declared or not declared.deps or not declared.outs
        if alone or self._fleet.group.cluster.keeps(stage):
            if code := self._run_here(calls, stage):
                return code
            with self._repo() as repo:
                self._patiently(partial(Runs(repo, self._context.remote).push, [stage]))
            return 0
        if why := self._wait(calls, of_stage(stage)):
            print(f"{stage:18} | {why}", flush=True)
            return 1
        with self._repo() as repo:
            found = self._patiently(partial(Runs(repo, self._context.remote).find, stage))
        if not found:
            print(f"{stage:18} | its run is not in the remote; runs it here", flush=True)
        code = self._run_here(calls, stage)
        kind = self._facts(of_stage(stage).name, DONE).get("processor", "")
        if not code and kind:
            processor.record(stage, kind)
        return code

    def _run_here(self, calls: Calls, stage: str) -> int:
        with self._here:
            return repro.run_stage(calls, stage)

    def _wait(self, calls: Calls, task: Task) -> str:
        """Wait for the end of a job; why it has no result, empty if it has."""
        if self._again:
            self._patiently(partial(self._fleet.forget, [task.name]))
        self._waiting[task.name] = task
        try:
            while not calls.stopping:
                states = self._fleet.step(list(self._waiting.values())) or {}
                state = states.get(task.name)
                if state and state.word == FINISHED:
                    return ""
                if state and state.word == FAILING:
                    facts = self._facts(task.name, FAILED)
                    return f"FAILED: {facts.get('error', '')}; `--again` runs it again"
                if state and state.word == STOPPED:
                    return "cancelled; `--again` runs it again"
                if why := self._fleet.given_up(task.name):
                    return why
                time.sleep(1)
            return "stopped"
        finally:
            self._waiting.pop(task.name)
            self._fleet.drop(task.name)

    def _facts(self, job: str, file: str) -> dict[str, Any]:
        return self._patiently(partial(self._fleet.records.read_json, job, file))

    @contextlib.contextmanager
    def _repo(self) -> Iterator[Repo]:
        """The project while no process of DVC writes `dvc.lock`."""
        with self._alone, locked(), Repo() as repo:
            yield repo

    def _patiently(self, action: Callable[[], T]) -> T:
        return patiently(action, f"remote {self._context.remote.name}")


def main(on: str, jobs: int, again: bool, poll: float = POLL) -> None:
    """Bring all stages up to date, on an engine.

    Args:
        jobs: how many of those that run here do so at once.

    Raises:
        UserError: as `repro.run`, or a line for each thing that the jobs would miss.
    """
    stages = dvc_file.stages().values()
    written = {out for stage in stages for out in stage.outs}
    read = {dep for stage in stages for dep in (*stage.deps, *stage.params)}
    with ready(on, sorted(read - written), "repro", poll) as context:
        share(context)
        cluster = context.fleet.group.cluster
        section = cluster.slurm if on == "slurm" else cluster.ray
        most = section.at_most if section else 100
        repro.main(most, Elsewhere(context, jobs, again))
