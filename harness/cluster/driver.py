"""Settings on an engine, as experiments: the commands `sweep --on` and `seeds --on`.

The state of a sweep is in the engine, in the remote and in git, so this process may end at any
moment: the same command goes on. It brings experiments home one at a time, and writes the table and
the chart as a sweep on one machine does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial

from dvc.repo import Repo

from harness.cluster import experiment
from harness.cluster.context import Context, ready, share
from harness.cluster.fleet import FAILING, FINISHED, POLL, STOPPED, Fleet, State
from harness.cluster.patience import patiently
from harness.cluster.records import DONE, FAILED
from harness.cluster.task import Task, of_seed, of_setting
from harness.core.errors import UserError
from harness.dvc_runs import Runs
from harness.experiments import store
from harness.experiments.sweep import Elsewhere
from harness.experiments.sweep_file import DEFAULT, SWEEP, Setting, Sweep
from harness.reporting import pairs


def sweeping(on: str, again: bool, poll: float = POLL) -> Elsewhere:
    """What runs the settings of `sweep.yaml` on an engine; the jobs read that file, too."""
    return lambda sweeps: _on(
        sweeps, on, "sweep", lambda one, _: of_setting(one.name), again, poll, str(SWEEP)
    )


def seeding(on: str, again: bool, poll: float = POLL) -> Elsewhere:
    """What runs stages with other seeds on an engine."""
    return lambda sweeps: _on(
        sweeps,
        on,
        "seeds ...",
        lambda setting, sweep: of_seed(sweep.stage, setting.params["seed"]),
        again,
        poll,
    )


def _on(
    sweeps: Sequence[Sweep],
    on: str,
    command: str,
    task: Callable[[Setting, Sweep], Task],
    again: bool,
    poll: float,
    *more: str,
) -> list[str]:
    files = [*more, *(file for sweep in sweeps for file in sweep.files)]
    tasks = {one.name: task(one, sweep) for sweep in sweeps for one in sweep.settings}
    with ready(on, files, command, poll) as context:
        return run(sweeps, tasks, context, again, poll)


def run(
    sweeps: Sequence[Sweep], tasks: dict[str, Task], context: Context, again: bool, poll: float
) -> list[str]:
    """Bring home what is finished and submit what is not; the names of those that failed.

    Args:
        tasks: of every setting, by its name.
        again: whether to submit what has failed or was cancelled before, too.
    """
    fleet, failed = context.fleet, []
    wanted = {
        setting.name: (setting, sweep)
        for sweep in sweeps
        for setting in sweep.settings
        if setting.name not in store.finished(sweep, context.commit)
    }
    if not wanted:
        print("All settings are finished; `dvc exp show -A` shows them.")
        return []
    print(f"{len(wanted)} settings to bring home from {fleet.engine.title}", flush=True)
    if again:
        patiently(partial(fleet.forget, [tasks[name].name for name in wanted]), "remote")
    share(context)
    while wanted:
        states = fleet.step([tasks[name] for name in wanted])
        for name in list(wanted) if states is not None else []:
            job = tasks[name].name
            state = (states or {}).get(job)
            if state and state.word == FINISHED:
                if home(context, *wanted[name], job):
                    del wanted[name]
            elif why := _why(fleet, job, state):
                print(f"{name:18} {why}", flush=True)
                failed.append(name)
                del wanted[name]
            if name not in wanted:
                fleet.drop(job)
        if wanted:
            time.sleep(poll)
    _fetch_compared(context, sweeps)
    return failed


def _why(fleet: Fleet, job: str, state: State | None) -> str:
    """Why a job is not waited for; empty while it is."""
    if state and state.word == FAILING:
        facts = patiently(partial(fleet.records.read_json, job, FAILED), "remote")
        error = facts.get("error", "")
        return f"FAILED: {error}; `--again` runs it again"
    if state and state.word == STOPPED:
        return "cancelled; `--again` runs it again"
    return f"FAILED: {why}" if (why := fleet.given_up(job)) else ""


def home(context: Context, setting: Setting, sweep: Sweep, job: str) -> bool:
    """Bring the experiment of a job home and say what it measured; whether it is one."""
    ref = store.reference(context.commit, setting.name)
    where = f"git remote {context.url}"
    if not patiently(lambda: experiment.there(context.url, ref), where):
        # Somebody removed it: the job is not done.
        patiently(partial(context.fleet.records.remove, job, DONE), "remote")
        return False
    patiently(lambda: experiment.bring(context.url, ref), where)
    found = store.finished(sweep, context.commit).get(setting.name)
    if not found:
        raise UserError(f"{ref} of {context.url} is not what the job has made; remove it there")
    facts = patiently(partial(context.fleet.records.read_json, job, DONE), "remote")
    node = str(facts.get("node"))[:16]  # Ray's names are four times as long
    took = f"{facts.get('end', 0) - facts.get('begin', 0):.0f} s on {node}"
    print(f"{setting.name:18} {sweep.metric} {found.metrics[sweep.metric]:.4f}, {took}", flush=True)
    return True


def _fetch_compared(context: Context, sweeps: Sequence[Sweep]) -> None:
    """Fetch what the settings are compared by, and nothing else of their outputs."""
    with Repo() as repo:
        runs = Runs(repo, context.remote)
        for sweep in sweeps:
            found = store.finished(sweep, context.commit)
            others = [e for name, e in found.items() if name != DEFAULT and DEFAULT in found]
            for other in others:
                asked: set[str] = set()
                for part in (pairs.VALIDATION, pairs.TEST) if sweep.tested else (sweep.part,):
                    while (
                        new := pairs.missing(
                            sweep.name, found[DEFAULT].revision, other.revision, part
                        )
                        - asked
                    ):
                        asked |= new
                        with contextlib.suppress(UserError):  # the report says what it lacks
                            runs.fetch(sorted(new))
