"""The job in its own clone: pull what it needs, run, push what came out, say what happened.

Everything that it leaves is put in place whole, and two copies of a job leave the same: objects by
their digest, the run after its objects, the experiment as a commit without a time of its own.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from dvc.data_cloud import Remote
from dvc.exceptions import DvcException
from dvc.repo import Repo

from harness import ending, processor
from harness.cluster import records as kept
from harness.cluster import task
from harness.cluster.checkpoints import Checkpoints
from harness.cluster.cluster_file import Cluster
from harness.cluster.experiment import send
from harness.cluster.heartbeat import Heartbeat, node
from harness.cluster.patience import patiently
from harness.cluster.records import CANCELLED, DONE, FAILED, LOSSES, Records
from harness.cluster.task import Asked, Task, Work
from harness.core.errors import UserError, reason
from harness.dvc_runs import Plan, Runs
from harness.experiments import store, trial
from harness.running.processes import Calls
from harness.searching.losses import Losses

T = TypeVar("T")
GRACE = 2.0  # seconds
FULL = "No space left on device"
KIND = "processor"  # the file that says what kind of processor a job's stages ran on


class Working:
    """One job in the current folder, the project's in a clone of the job's own."""

    def __init__(
        self, job: Task, told: dict[str, Any], store: Remote, found: Records, cluster: Cluster
    ) -> None:
        self.job, self.told, self.remote, self.records = job, told, store, found
        self.commit, self.seconds = told["commit"], told["seconds"]
        self.log = Path(told["top"]) / ".git" / "job.log"
        self.log.touch()
        self.sets = Checkpoints(found, job.name, Path())
        seconds = cluster.checkpoint_seconds
        self.beat = Heartbeat(found, job.name, self.log, self.sets, seconds)

    def run(self, work: Work) -> None:
        """Do all of it and say what happened.

        Raises:
            UserError: it failed; that is in the records, unless this node is to blame.
        """
        with (Path(self.told["top"]) / ".git" / "alive").open("w") as alive:
            calls = Calls(alive)
            self.beat.stop = calls.stop
            ending.end_when_asked("stopped; it goes on elsewhere", lambda: self._leave(calls))
            with self.beat:
                try:
                    self._phases(work, calls)
                except (UserError, DvcException, OSError) as error:
                    ending.await_end_if_asked()
                    if self.beat.over:
                        print(f"{self.job.name}: {self.beat.over}; ends here", flush=True)
                        return
                    self._fail(error)
                    raise UserError(reason(error)) from None

    def _phases(self, work: Work, calls: Calls) -> None:
        curve = Losses(Path(), work.setting, work.stage) if work.setting and work.is_trial else None
        if work.setting:
            trial.change(work.setting, Path())
        if curve:
            self.beat.more = lambda: {LOSSES: curve.now()}
        with self._phase("pull"):
            plan = self._patiently(lambda: self._prepare(work))
            self._patiently(self.sets.fetch)
        with self._phase("run"):
            self._say(f"to run: {', '.join(plan.run) or 'nothing'}")
            if plan.run:
                self._repro(work.stage, calls)
            kind = self._processor(work.stage)
            message = ""
            if work.setting:
                costs = trial.cost(Path(), work.stage, work.setting, work.cost)
                message = store.message(work.setting.name, costs, kind)
        with self._phase("push"):
            self._patiently(lambda: self._push(plan))
            if work.setting:
                name = work.setting.name if work.is_trial else self.job.name
                made = store.save(Path(), self.commit, name, message)
                ref = store.reference(self.commit, name)
                self._patiently(lambda: send(self.told["url"], made, ref, over=work.is_trial))
        self._say("done")
        self._patiently(self.beat.tell)
        body = self._facts(kind) | {"state": "done"}
        if curve:
            body[LOSSES] = curve.now(over=True)
        self._patiently(lambda: self.records.write_json(self.job.name, DONE, body))
        self._patiently(self.sets.clear)

    def _prepare(self, work: Work) -> Plan:
        with Repo() as repo:
            plan = Runs(repo, self.remote).prepare(work.stage, whole=bool(work.cost))
        self._say(f"{plan.fetched} objects fetched; known: {', '.join(plan.known) or 'nothing'}")
        return plan

    def _repro(self, stage: str, calls: Calls) -> None:
        command = [sys.executable, "-m", "dvc", "repro", "--allow-missing", stage]
        if calls.logged(command, Path(), self.log):
            # A scheduler that ends a job asks all of its processes; this one may hear it last.
            time.sleep(GRACE)
            ending.await_end_if_asked()
            raise UserError(last_error(self.log.read_text("utf-8", "replace")))

    def _processor(self, stage: str) -> str:
        """The kind that made the outputs: of a stage that ran here, or of the copy that ran it."""
        said = self.log.read_text("utf-8", "replace")
        if not processor.stages_that_ran(said):
            before = self._patiently(lambda: self.records.read(self.job.name, KIND))
            return before.decode() if before else processor.recorded().get(stage, "")
        kind = processor.kind().encode()
        self._patiently(lambda: self.records.write(self.job.name, KIND, kind))
        return processor.kind()

    def _push(self, plan: Plan) -> None:
        with Repo() as repo:
            sent = Runs(repo, self.remote).push(plan.changed)
        self._say(f"{sent} objects sent")

    def _fail(self, error: Exception) -> None:
        """Write down what went wrong, unless another copy has come to its end."""
        line = reason(error)
        self._say(f"FAILED: {line}")
        full = getattr(error, "errno", None) == errno.ENOSPC
        if full or FULL in self.log.read_text("utf-8", "replace"):
            # Another node may have room, so this is no failure of the job.
            line = f"the disk of {node()} is full"
            self.beat.facts |= {"phase": "unable", "error": line}
            self._patiently(self.beat.tell)
            raise UserError(line) from None
        self._patiently(self.beat.tell)
        body = self._facts(processor.kind()) | {"state": "failed", "error": line}
        if DONE not in self.records.files(self.job.name).get(self.job.name, set()):
            self._patiently(lambda: self.records.write_json(self.job.name, FAILED, body))

    def _leave(self, calls: Calls) -> None:
        """Before this process ends as it was asked to: the newest set goes to the remote."""
        calls.stop()
        self.sets.push()

    def _facts(self, kind: str) -> dict[str, Any]:
        names = ("node", "host", "begin")
        return {
            **{name: self.beat.facts[name] for name in names},
            **{"end": time.time(), "processor": kind, "seconds": self.seconds},
        }

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.beat.phase(name)
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - begin, 2)

    def _patiently(self, action: Callable[[], T]) -> T:
        return patiently(action, f"remote {self.remote.name}")

    def _say(self, line: str) -> None:
        print(f"{self.job.name}: {line}", flush=True)
        with self.log.open("a") as file:
            file.write(f"{line}\n")


def last_error(said: str) -> str:
    """The line of a log that says best why it ends, without control characters."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")] or lines or ["no output"]
    return "".join(filter(str.isprintable, errors[-1].removeprefix("error: ")))[:300]


def main(job: Task, told: dict[str, Any], asked: Asked, again: bool, cluster: Cluster) -> None:
    """Work in the current folder, unless what the job would do is done, and remove the clone.

    Args:
        told: what `job` says of the clone.
        asked: what is behind the job.
        again: whether to work even if the job is done, has failed or was cancelled before.

    Raises:
        UserError: the job failed.
    """
    try:
        with kept.opened(told["remote"], told["commit"]) as (_, remote, records):
            where = f"remote {remote.name}"
            files = patiently(lambda: records.files(job.name), where).get(job.name, set())
            if again:
                patiently(lambda: records.remove(job.name, FAILED, CANCELLED, DONE), where)
            elif over := [file for file in (DONE, CANCELLED, FAILED) if file in files]:
                print(f"{job.name}: {over[0]} is in the remote; `--again` runs it again")
                return
            Working(job, told, remote, records, cluster).run(task.work(asked))
    finally:
        os.chdir("/")
        shutil.rmtree(told["top"], ignore_errors=True)
