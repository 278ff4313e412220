"""`dvc repro` with independent stages side by side: `unroll repro --jobs 2`.

DVC runs one stage after another. Several `dvc repro --single-item` calls share a workspace safely
as long as none starts before the stages that it depends on have ended, which this module sees to.
Stages fix their own seeds and threads, so the files are the same whatever runs beside them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO

from harness import ending, processor, project
from harness.core.environment import JOBS
from harness.core.errors import UserError, reason
from harness.core.paths import LOCK, unfinished
from harness.lock import alone
from harness.running.processes import Calls

DVC = (sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item")
# What DVC says after every call, which one call for each stage would repeat.
HINTS = (
    *("Generating lock file", "Updating lock file", "Use `dvc push`"),
    *("To track the changes", "\tgit add", "To enable auto staging", "\tdvc config"),
)
# Runs one stage; its exit code.
RunStage = Callable[[Calls, str], int]


def outdated() -> tuple[dict[str, set[str]], list[str]]:
    """The stages that are not up to date, and all that depend on them.

    Returns:
        The stages in the order of `dvc.yaml`, each with those of them that it depends on; and
        what git is to track beside `dvc.yaml` once they have run.
    """
    # Not above: DVC takes long to import, and mistakes in the parameters are reported at once.
    from dvc.repo import Repo

    with Repo(_wait_for_lock=True) as repo:
        graph, stages = repo.index.graph, repo.index.stages
        needs = {
            stage.addressing: {other.addressing for other in graph.successors(stage)}
            for stage in stages
        }
        outs = [Path(out.def_path) for stage in stages for out in stage.outs if not out.use_cache]
        changed = set(repo.status())
    for stage in TopologicalSorter(needs).static_order():
        if needs[stage] & changed:
            changed.add(stage)
    tracked = sorted({out.parts[0] for out in outs} - {".."})
    return {name: needs[name] & changed for name in needs if name in changed}, [
        str(LOCK),
        *tracked,
    ]


def urgencies(needs: dict[str, set[str]]) -> dict[str, tuple[int, int, int]]:
    """What to start first of the stages that could start: those with the highest numbers.

    These begin the longest chain of stages (Hu 1961), and of equal ones have most others wait for
    them; of those, the later in `dvc.yaml`. So the last stages, which are short, fill all jobs.

    Args:
        needs: by stage, those of them that it depends on, directly.

    Returns:
        By stage: the length of the longest chain of stages that wait for it, how many wait in all,
        and its place.
    """
    after: dict[str, set[str]] = {stage: set() for stage in needs}
    chain = dict.fromkeys(needs, 0)
    for stage in reversed([*TopologicalSorter(needs).static_order()]):
        for other in needs[stage]:
            after[other] |= {stage, *after[stage]}
            chain[other] = max(chain[other], chain[stage] + 1)
    return {stage: (chain[stage], len(after[stage]), place) for place, stage in enumerate(needs)}


def run(jobs: int, lock: IO[str], stopped: str, run_one: RunStage | None = None) -> None:
    """Bring all stages up to date, at most `jobs` at once.

    Args:
        stopped: what to print when this process is asked to end.
        run_one: what runs a stage; `run_stage` by default.

    Raises:
        UserError: a stage failed, and the others are stopped; or DVC cannot read the pipeline.
    """
    from dvc.exceptions import DvcException

    from harness.running.repair import repair  # imports DVC

    try:
        for line in repair():
            print(line, flush=True)
        needs, tracked = outdated()
    except DvcException as error:
        raise UserError(reason(error)) from None
    if not needs:
        print("Data and pipelines are up to date.")
        return
    os.environ[JOBS] = str(jobs)  # the stages inherit it
    calls = Calls(lock)
    ending.end_when_asked(stopped, calls.stop)
    urgency = urgencies(needs)
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    ready: list[str] = []
    running: dict[Future[int], str] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while sorter.is_active():
                ready = sorted([*ready, *sorter.get_ready()], key=urgency.__getitem__)
                while ready and len(running) < jobs:
                    stage = ready.pop()
                    running[pool.submit(run_one or run_stage, calls, stage)] = stage
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    stage = running.pop(future)
                    ending.await_end_if_asked()
                    if future.result():
                        raise UserError(f"stage {stage} failed; fix it, then run the same again")
                    sorter.done(stage)
                    shutil.rmtree(unfinished(stage), ignore_errors=True)
        finally:
            calls.stop()
    if processor.RECORD.exists():
        tracked.append(str(processor.RECORD))
    print(f"All stages are up to date; `git add {' '.join(tracked)}` tracks the results.")


def run_stage(calls: Calls, stage: str) -> int:
    """Run one stage alone, print its lines with its name in front; its exit code.

    Raises:
        OSError: the lines could not be printed.
    """
    begin = time.monotonic()
    with calls.started(
        [*DVC, stage],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as child:
        ran = False
        for line in child.stdout or ():
            ran |= bool(processor.stages_that_ran(line))
            if line.strip() and not line.startswith(HINTS) and not calls.stopping:
                print(f"{stage:18} | {line}", end="", flush=True)
    if ran and not child.returncode:
        print(f"{stage:18} | took {time.monotonic() - begin:.0f} s", flush=True)
        processor.record(stage, processor.kind())
    return child.returncode


def main(jobs: int, run_one: RunStage | None = None) -> None:
    """Check the project's files, then bring all stages up to date, at most `jobs` at once.

    Args:
        run_one: as in `run`.

    Raises:
        UserError: as `run`; or another such command runs here.
    """
    table = project.read()
    stopped = f"stopped; `{table.command} repro` resumes from here"
    if run_one:
        stopped = "stopped; jobs that were submitted go on, and the same command resumes from here"
    ending.end_when_asked(stopped)
    table.check()
    with alone("repro", "`repro`") as lock:
        run(jobs, lock, stopped, run_one)
