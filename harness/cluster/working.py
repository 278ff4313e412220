"""The job in its own clone: pull what it needs, run, push what came out, say what happened.

Everything that it leaves is put in place whole, and two copies of a job leave the same: objects by
their digest, the run after its objects, the experiment as a commit without a time of its own.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from dvc.data_cloud import Remote
from dvc.exceptions import DvcException
from dvc.repo import Repo

from harness import ending
from harness.cluster import records as kept
from harness.cluster import task
from harness.cluster.account import Account
from harness.cluster.cluster_file import Cluster
from harness.cluster.experiment import send
from harness.cluster.patience import patiently
from harness.cluster.records import CANCELLED, DONE, FAILED, LOSSES, Records
from harness.cluster.task import Asked, Task, Work
from harness.core.errors import UserError, reason
from harness.dvc_runs import Plan, Runs
from harness.experiments import store, trial
from harness.running.processes import Calls
from harness.searching.losses import Losses

GRACE = 2.0  # seconds


class Working:
    """One job in the current folder, the project's in a clone of the job's own."""

    def __init__(
        self, job: Task, told: dict[str, Any], store: Remote, found: Records, cluster: Cluster
    ) -> None:
        self.job, self.told, self.remote = job, told, store
        self.account = Account(job.name, told, store, found, cluster.checkpoint_seconds)

    def run(self, work: Work) -> None:
        """Do all of it and say what happened.

        Raises:
            UserError: it failed; that is in the records, unless this node is to blame.
        """
        beat = self.account.beat
        with (Path(self.told["top"]) / ".git" / "alive").open("w") as alive:
            calls = Calls(alive)
            beat.stop = calls.stop
            ending.end_when_asked("stopped; it goes on elsewhere", lambda: self._leave(calls))
            with beat:
                try:
                    self._phases(work, calls)
                except (UserError, DvcException, OSError) as error:
                    ending.await_end_if_asked()
                    if beat.over:
                        print(f"{self.job.name}: {beat.over}; ends here", flush=True)
                        return
                    self.account.failed(error)
                    raise UserError(reason(error)) from None

    def _phases(self, work: Work, calls: Calls) -> None:
        account = self.account
        curve = Losses(Path(), work.setting, work.stage) if work.setting and work.is_trial else None
        if work.setting:
            trial.change(work.setting, Path())
        if curve:
            account.beat.more = lambda: {LOSSES: curve.now()}
        with account.phase("pull"):
            plan = account.patiently(lambda: self._prepare(work))
            account.patiently(account.sets.fetch)
        with account.phase("run"):
            account.say(f"to run: {', '.join(plan.run) or 'nothing'}")
            if plan.run:
                self._repro(work.stage, calls)
            kind = account.processor(work.stage)
            message = ""
            if work.setting:
                costs = trial.cost(Path(), work.stage, work.setting, work.cost)
                message = store.message(work.setting.name, costs, kind)
        with account.phase("push"):
            account.patiently(lambda: self._push(plan))
            if work.setting:
                commit = self.told["commit"]
                name = work.setting.name if work.is_trial else self.job.name
                made = store.save(Path(), commit, name, message)
                ref = store.reference(commit, name)
                account.patiently(lambda: send(self.told["url"], made, ref, over=work.is_trial))
        account.done(kind, {LOSSES: curve.now(over=True)} if curve else {})

    def _prepare(self, work: Work) -> Plan:
        with Repo() as repo:
            plan = Runs(repo, self.remote).prepare(work.stage, whole=bool(work.cost))
        known = ", ".join(plan.known) or "nothing"
        self.account.say(f"{plan.fetched} objects fetched; known: {known}")
        return plan

    def _repro(self, stage: str, calls: Calls) -> None:
        command = [sys.executable, "-m", "dvc", "repro", "--allow-missing", stage]
        if calls.logged(command, Path(), self.account.log):
            # A scheduler that ends a job asks all of its processes; this one may hear it last.
            time.sleep(GRACE)
            ending.await_end_if_asked()
            raise UserError(last_error(self.account.log.read_text("utf-8", "replace")))

    def _push(self, plan: Plan) -> None:
        with Repo() as repo:
            sent = Runs(repo, self.remote).push(plan.changed)
        self.account.say(f"{sent} objects sent")

    def _leave(self, calls: Calls) -> None:
        """Before this process ends as it was asked to: the newest set goes to the remote."""
        calls.stop()
        self.account.sets.push()


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
