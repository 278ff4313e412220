"""One setting of a sweep, run in a copy of the project and brought back as an experiment.

Calls of `dvc exp run --temp` at the same moment refuse each other for want of a lock, and several
workers of DVC's queue lose logs. A copy is a clone with the project's own cache, so nothing is
fetched or computed twice. It stays until its setting is finished, checkpoints included, so that an
interrupted setting resumes where it stopped.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from harness import processor, project
from harness.clone import clone, prepare
from harness.core.errors import UserError
from harness.core.paths import PARAMS, SCRATCH
from harness.core.yaml import read_yaml
from harness.dvc_private import cache_folder
from harness.experiments import store
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import Setting, Sweep, numbers
from harness.git import git, prefix
from harness.stages import overlay

FOLDER = SCRATCH / "sweep"
# Runs a command in a folder with its lines going to a log; the exit code.
Call = Callable[[list[str], Path, Path], int]
_bringing_back = threading.Lock()


def log_of(setting: Setting, place: Path = FOLDER) -> Path:
    return place / f"{setting.name}.log"


def run(
    setting: Setting, sweep: Sweep, commit: str, call: Call, place: Path = FOLDER
) -> Experiment:
    """Run what `setting` changes, starting from `commit`, and keep it as an experiment.

    Args:
        place: the folder of the copy and of the log.

    Raises:
        UserError: a command failed; its lines are in the log, and the copy stays.
    """
    copy, log = place / setting.name, log_of(setting, place)
    folder = _prepared(copy, log, commit)

    def repro() -> None:
        if call([sys.executable, "-m", "dvc", "repro", sweep.stage], folder, log):
            raise UserError(f"`dvc repro {sweep.stage}` failed; see {log}")

    change(setting, folder)
    repro()
    # An interrupted run of the same copy is in the log, too.
    kind = processor.of_run(log.read_text("utf-8", "replace"), sweep.stage)
    costs = cost(folder, sweep.stage, setting, sweep.cost)
    message = store.message(setting.name, costs, kind)
    revision = store.save(folder, commit, setting.name, message)
    ref = store.reference(commit, setting.name)
    with _bringing_back:
        git("fetch", "--quiet", "--no-write-fetch-head", str(copy.absolute()), f"+{ref}:{ref}")
    metrics = numbers(read_yaml(folder / sweep.metrics))
    shutil.rmtree(copy)
    return Experiment(setting, metrics, costs, revision=revision)


def change(setting: Setting, folder: Path) -> None:
    """Write what a setting changes into the parameters of the project in `folder`."""
    if setting.changes:
        overlay.write(folder / PARAMS, setting.changes)


def cost(folder: Path, stage: str, setting: Setting, hook: str) -> dict[str, int]:
    """What a setting that has run in `folder` costs; nothing if the project counts no costs."""
    return project.function(hook)(folder, stage, setting.params) if hook else {}


def _prepared(copy: Path, log: Path, commit: str) -> Path:
    """Make the copy, or bring what an interrupted run left back to the commit.

    Returns:
        The project's folder in the copy.
    """
    inner = prefix()
    if copy.is_dir():
        # Locks of processes that were killed; nobody else works here.
        shutil.rmtree(copy / inner / ".dvc/tmp", ignore_errors=True)
        for lock in (copy / ".git").rglob("*.lock"):
            lock.unlink()
        with suppress(UserError):  # it borrows from a project that was moved since
            git("checkout", "--quiet", "--force", "--detach", commit, folder=copy)
            prepare(copy / inner, cache_folder())
            return copy / inner
        shutil.rmtree(copy)
    partial = copy.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    clone(partial, commit, cache_folder())
    partial.rename(copy)
    log.unlink(missing_ok=True)
    return copy / inner
