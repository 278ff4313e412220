"""Does a run survive every kill? `unroll crash-test --kills 300 --seed 1`.

The pipeline is killed at random moments, and just before random writes, renames and removals of
files by its Python processes: one process, the call of DVC above it, or all. The same command is
started again, as a user would, until it ends well; every output must then have the bytes of a run
that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from harness import ending, git, project
from harness.checking import crash_hook
from harness.checking.verify import remove
from harness.clone import clone
from harness.core.environment import git_free_environment
from harness.core.errors import UserError
from harness.core.paths import LOCK, SCRATCH
from harness.dvc_private import cache_folder, copy_configuration
from harness.lock import alone
from harness.running.processes import Calls, descendants
from harness.stages import dvc_file, lock_file
from harness.stages.hashing import digest

FOLDER = SCRATCH / "crash-test"
PYTHON = (sys.executable, "-m")
# Killed processes are gone at once; what still lives after these seconds is an orphan.
GONE = 30.0
# A run that takes this many times as long as the undisturbed one does not come to its end.
HANGS = 100


@dataclass
class Tally:
    """What happened: kills by place, and a line for each thing that went wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    problems: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The tally in words."""
        places = [f"  {count} {place}" for place, count in self.kills.most_common()]
        head = f"{self.kills.total()} kills in {self.rounds} rounds, {len(self.problems)} problems"
        return [*places, *self.problems, head]


class Crashes:
    """A project that is brought to its end under fire, round after round."""

    def __init__(self, folder: Path, place: Path, seed: int, jobs: int, calls: Calls) -> None:
        """Run it once, undisturbed.

        Args:
            folder: to work in. Every run begins with a copy of `fresh` there, which `make` made.
            place: what that returned.

        Raises:
            UserError: that run failed.
        """
        self._folder, self._place, self._calls = folder, place, calls
        self._command = [*PYTHON, "harness", "repro", "--jobs", str(jobs)]
        self._seed, self._random, self._runs = seed, random.Random(seed), 0  # noqa: S311
        self.tally = Tally()
        self._duration = math.inf
        (folder / "hook").mkdir()
        shutil.copy(crash_hook.__file__, folder / "hook/sitecustomize.py")
        began = time.monotonic()
        undisturbed = self._copy("undisturbed")
        code, text = self._run(undisturbed, {}, None)
        ending.await_end_if_asked()
        if code:
            raise UserError(f"the undisturbed run failed:\n{text}")
        self._duration = time.monotonic() - began
        self._expected = outputs(undisturbed)

    def _copy(self, name: str) -> Path:
        copy = self._folder / name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self._folder / "fresh", copy, symlinks=True)
        root = copy / self._place
        copy_configuration(root, root / ".dvc/cache")  # no other cache knows the results
        return root

    def round(self, most: int) -> None:
        """Kill at most `most` times on the way from nothing to the end; compare every byte."""
        folder = self._copy("round")
        limit = self.tally.kills.total() + most
        while True:
            before = self.tally.kills.total()
            code, text = self._run(folder, *(self._plan() if before < limit else ({}, None)))
            if not code:
                break
            ending.await_end_if_asked()
            if self.tally.kills.total() == before:
                self.tally.problems.append(f"a run that nobody killed failed:\n{text}")
                return
        self.tally.rounds += 1
        found = outputs(folder)
        self.tally.problems += [
            f"{path}: DIFFERENT"
            for path in sorted(self._expected.keys() | found.keys())
            if self._expected.get(path) != found.get(path)
        ]
        for check in ([*PYTHON, "dvc", "status", "--quiet"], [*PYTHON, "harness", "audit"]):
            done = subprocess.run(
                check,
                cwd=folder,
                env=git_free_environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                said = done.stdout + done.stderr
                self.tally.problems.append(f"`{' '.join(check[2:])}` fails afterwards:\n{said}")

    def _plan(self) -> tuple[dict[str, str], float | None]:
        """The environment in which a write is hit, or after how many seconds a process is."""
        if self._random.random() < 0.5:
            # Rather early than late, so that most runs are hit, and the longest stage can end.
            return {}, self._duration * self._random.random() ** 2
        return {
            "PYTHONPATH": os.pathsep.join(
                [str(self._folder / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])]
            ),
            "CRASH_SEED": f"{self._seed} {self._runs} ",
            "CRASH_LOG": str(self._folder / "kills"),
        }, None

    def _run(
        self, folder: Path, environment: dict[str, str], moment: float | None
    ) -> tuple[int, str]:
        self._runs += 1
        began, due = time.monotonic(), math.inf if moment is None else moment
        log = self._folder / "log"
        with (
            log.open("w") as output,
            self._calls.started(
                self._command,
                cwd=folder,
                env=git_free_environment() | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as child,
        ):
            known = {child.pid: psutil.Process(child.pid)}
            while child.poll() is None:
                known |= {process.pid: process for process in descendants(child.pid)}
                spent = time.monotonic() - began
                if spent > due:
                    due = math.inf
                    self._kill([*filter(psutil.Process.is_running, known.values())])
                if spent > HANGS * self._duration:
                    self.tally.problems.append(f"a run did not end after {spent:.0f} s")
                    child.kill()
                    break
                time.sleep(0.05)
        _, alive = psutil.wait_procs(list(known.values()), timeout=GONE)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                self.tally.problems.append(f"outlived its run: {' '.join(process.cmdline())}")
                process.kill()
        self._count_writes()
        return child.returncode, log.read_text("utf-8", "replace")

    def _kill(self, running: list[psutil.Process]) -> None:
        for process in self._random.choice(
            [running, self._random.sample(running, min(1, len(running)))]
        ):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(self._random.choice(crash_hook.SIGNALS))
        self.tally.kills["at a random moment"] += 1

    def _count_writes(self) -> None:
        log = self._folder / "kills"
        for line in log.read_text().splitlines() if log.exists() else ():
            # Names that chance made count as one.
            place = re.sub(r"partial-\S+", "partial-*", line)
            place = re.sub(r"\b[0-9a-f]{30,}\b|(?<=/)\.?\w{8,22}(\.tmp)?$", "*", place)
            self.tally.kills[place] += 1
        log.unlink(missing_ok=True)


def outputs(root: Path) -> dict[str, str]:
    """The digest of every output that is recorded, as it is now, by path."""
    every = [out for recorded in lock_file.outputs(root).values() for out in recorded]
    return {out: digest(root / out) if (root / out).exists() else "missing" for out in every}


def make(folder: Path) -> Path:
    """The project's small version of itself, or a clone of its last commit, no stage run.

    Returns:
        Where the project is in `folder`, as in a clone it may be a subfolder of the repository.

    Raises:
        UserError: there is no commit.
    """
    small = project.read().small
    if small:
        project.function(small)(folder)
        return Path()
    root = clone(folder, git.head(), cache_folder())
    # What git keeps would pass for a result, as in `verify`.
    for stage in dvc_file.stages(root).values():
        for out in stage.outs:
            remove(root / out)
    remove(root / LOCK)
    return root.relative_to(folder)


def main(kills: int, seed: int | None, jobs: int) -> None:
    """Run until `kills` kills have been survived, print what happened, exit with 1 if not all were.

    Raises:
        UserError: the project has no commit, or it cannot be run even undisturbed.
    """
    command = f"{project.read().command} crash-test"
    stopped = f"stopped; what is left of the last run is in {FOLDER}"
    ending.end_when_asked(stopped)
    with alone("crash-test", f"`{command}`") as lock:
        calls = Calls(lock)
        ending.end_when_asked(stopped, calls.stop)
        seed = random.SystemRandom().randrange(10**6) if seed is None else seed
        print(f"seed {seed}", flush=True)
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        place = make(FOLDER.absolute() / "fresh")
        crashes = Crashes(FOLDER.absolute(), place, seed, jobs, calls)
        tally = crashes.tally
        while not tally.problems and (tally.kills.total() < kills or not tally.rounds):
            crashes.round(kills - tally.kills.total())
            print(f"{tally.kills.total()} kills, {tally.rounds} rounds", flush=True)
        print("\n".join(tally.lines()))
        if tally.problems:
            raise UserError(f"not every kill was survived; {FOLDER}/round is as it was left")
        shutil.rmtree(FOLDER)
