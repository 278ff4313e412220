"""`dvc repro` with independent stages side by side: `unroll repro --jobs 2`.

DVC runs one stage after another. Several `dvc repro --single-item` calls share a workspace safely
as long as none starts before the stages that it depends on have ended, which is what this module
sees to. Stages fix their own seeds and threads, so the files are the same whatever runs beside.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING

from harness import project
from harness.core.errors import UserError, reason
from harness.core.paths import unfinished
from harness.running import process

if TYPE_CHECKING:
    import networkx as nx

DVC = (sys.executable, "-m", "dvc")
LOCK = "repro"
STOPPED = "stopped; `make repro` goes on from here"
# What DVC says after every call, which one call for each stage would repeat.
HINTS = (
    *("Generating lock file", "Updating lock file", "Use `dvc push`"),
    *("To track the changes", "\tgit add", "To enable auto staging", "\tdvc config"),
)


def outdated() -> nx.DiGraph:
    """The stages that are not up to date and all that depend on them, an edge to each that waits.

    The order of the nodes is that of `dvc.yaml`.
    """
    # Not above: DVC takes long to import, and mistakes in the parameters are told at once.
    import networkx as nx
    from dvc.repo import Repo

    with Repo(_wait_for_lock=True) as repo:
        stages = repo.index.stages
        depends = nx.relabel_nodes(repo.index.graph, lambda stage: stage.addressing)
        waits = nx.DiGraph()
        waits.add_nodes_from(stage.addressing for stage in stages)
        waits.add_edges_from((dependency, stage) for stage, dependency in depends.edges)
        changed = set(repo.status())
    for name in list(changed):
        changed |= nx.descendants(waits, name)
    return nx.DiGraph(waits.subgraph([name for name in waits if name in changed]))


class Runs:
    """The running stages, each with a thread that passes its lines on."""

    def __init__(self, lock: IO[str]) -> None:
        """`lock` is inherited by all that is started."""
        self._lock = lock
        self._changed = threading.Condition()
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._ended: list[tuple[str, int]] = []
        self._stopping = False
        self._unheard: OSError | None = None

    def __len__(self) -> int:
        return len(self._running)

    def start(self, stage: str) -> None:
        """Run one stage alone; its lines are printed with its name in front."""
        child = subprocess.Popen(
            [*DVC, "--wait-for-lock", "repro", "--single-item", stage],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=process.killed_with_parent,
            # Whatever outlives us all the same keeps the next run from starting beside it.
            pass_fds=[self._lock.fileno()],
        )
        self._running[stage] = child
        threading.Thread(target=self._follow, args=(stage, child), daemon=True).start()

    def _follow(self, stage: str, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        code = 1
        try:
            for line in child.stdout:
                if line.strip() and not line.startswith(HINTS) and not self._stopping:
                    print(f"{stage:18} | {line}", end="", flush=True)
            code = child.wait()
        except OSError as error:  # of our own standard output: closed, or on a full disk
            self._unheard = error
        finally:
            with self._changed:
                self._ended.append((stage, code))
                self._changed.notify()

    def wait(self) -> tuple[str, int]:
        """The next stage that ends, and its exit code.

        Raises:
            OSError: its lines could not be written.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended)
            stage, code = self._ended.pop(0)
        if self._unheard:
            raise self._unheard
        del self._running[stage]
        return stage, code

    def stop(self) -> None:
        """End every running stage, with all that it started."""
        self._stopping = True
        process.end_all(self._running.values())


def run(jobs: int, lock: IO[str]) -> None:
    """Bring all stages up to date, `jobs` at once at most.

    Raises:
        UserError: a stage failed; the others are stopped then. Or DVC cannot read the pipeline.
    """
    from dvc.exceptions import DvcException

    from harness.running.repair import mend  # imports DVC

    try:
        for line in mend():
            print(line, flush=True)
        waiting = outdated()
    except DvcException as error:
        raise UserError(reason(error)) from None
    if not waiting:
        print("Data and pipelines are up to date.")
        return
    runs = Runs(lock)
    process.end_when_asked(STOPPED, runs.stop)
    started: set[str] = set()
    try:
        while waiting:
            ready = [stage for stage in waiting if not waiting.in_degree(stage)]
            # The later in `dvc.yaml` the sooner: what is begun is brought to its end, and the
            # autoencoders, which take longest, do not wait for the short stages.
            for stage in reversed(ready):
                if len(runs) < jobs and stage not in started:
                    started.add(stage)
                    runs.start(stage)
            stage, code = runs.wait()
            if code:
                raise UserError(f"stage {stage} failed; after mending it, run the same again")
            waiting.remove_node(stage)
            shutil.rmtree(unfinished(stage), ignore_errors=True)
        print("All stages are up to date; `git add dvc.lock metrics plots` tracks the results.")
    finally:
        runs.stop()


def main(jobs: int) -> None:
    """Check the project's files, then bring all stages up to date, `jobs` at once at most.

    Raises:
        UserError: as `run`; or another such command runs here.
    """
    process.end_when_asked(STOPPED)
    project.read().check()
    with process.alone(LOCK, "`repro`") as lock:
        run(jobs, lock)
