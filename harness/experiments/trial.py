"""One setting of a sweep, run in a copy of the project and brought back as an experiment.

Calls of `dvc exp run --temp` at the same moment refuse each other for want of a lock, and several
workers of DVC's queue lose logs. A copy is a git clone with the project's own cache, so nothing is
fetched or computed twice. It stays until its setting is finished, checkpoints included, so that an
interrupted one goes on where it stopped.
"""

from __future__ import annotations

import configparser
import math
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import h5py
from ruamel.yaml import YAML

from harness.core.errors import UserError
from harness.core.paths import PARAMS, SCRATCH
from harness.dvc_private import cache_folder
from harness.experiments import store
from harness.experiments.store import Cost
from harness.experiments.sweep_file import Setting, Sweep, assign
from unroll.core import paths

FOLDER = SCRATCH / "sweep"
DVC = (sys.executable, "-m", "dvc")
# Runs a command in a folder with its lines going to a log; the exit code.
Call = Callable[[list[str], Path, Path], int]
_bringing_back = threading.Lock()


def log_of(setting: Setting) -> Path:
    return FOLDER / f"{setting.name}.log"


def run(setting: Setting, sweep: Sweep, commit: str, call: Call) -> None:
    """Run what `setting` changes, starting from `commit`, and keep it as an experiment.

    Raises:
        UserError: a command failed; its lines are in the log, and the copy stays.
    """
    copy, log = FOLDER / setting.name, log_of(setting)
    _prepare(copy, log, commit)
    _write_params(copy / PARAMS, setting)

    def dvc(*arguments: str) -> None:
        if call([*DVC, *arguments], copy, log):
            raise UserError(f"`dvc {' '.join(arguments)}` failed; see {log}")

    dvc("repro", sweep.evaluator)
    message = _cost(copy, setting, sweep).message(setting.name)
    # Named, as without a target DVC would record the outputs of other stages as if they had
    # been made with these parameters.
    dvc("exp", "save", "--force", "-n", setting.name, "-m", message, sweep.evaluator)
    ref = f"{store.REFS}/{commit[:2]}/{commit[2:]}/{setting.name}"
    with _bringing_back:
        store.git("fetch", "--quiet", "--no-write-fetch-head", str(copy), f"+{ref}:{ref}")
    shutil.rmtree(copy)


def _prepare(copy: Path, log: Path, commit: str) -> None:
    """Make the copy, or bring what an interrupted run left back to the commit."""
    if not copy.is_dir():
        partial = SCRATCH / f"partial-{os.getpid()}-{copy.name}"
        store.git("clone", "--quiet", ".", str(partial))
        _share_cache(partial)
        partial.rename(copy)
        log.unlink(missing_ok=True)
    # Locks of processes that were killed; nobody else works here.
    shutil.rmtree(copy / ".dvc/tmp", ignore_errors=True)
    for lock in (copy / ".git").rglob("*.lock"):
        lock.unlink()
    store.git("fetch", "--quiet", "origin", folder=copy)
    store.git("checkout", "--quiet", "--force", "--detach", commit, folder=copy)


def _share_cache(copy: Path) -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read(".dvc/config.local")
    if not config.has_section("cache"):
        config.add_section("cache")
    config["cache"]["dir"] = str(cache_folder().resolve())
    with (copy / ".dvc/config.local").open("w") as file:
        config.write(file)


def _write_params(path: Path, setting: Setting) -> None:
    if not setting.changes:
        return
    yaml = YAML()  # keeps comments and order
    yaml.width = 4096
    body = yaml.load(path.read_bytes())
    for place, value in setting.changes.items():
        assign(body, place, value)
    with path.open("wb") as file:
        yaml.dump(body, file)


def _cost(copy: Path, setting: Setting, sweep: Sweep) -> Cost:
    path = copy / paths.model(sweep.model) / paths.WEIGHTS
    shapes: dict[str, tuple[int, ...]] = {}
    with h5py.File(path) as file:
        file["layers"].visititems(
            lambda name, item: shapes.update({name: item.shape}) if hasattr(item, "shape") else None
        )
    # The weights of a recurrent cell serve once for each word; an embedding is looked up.
    length = setting.params["preprocess"]["imdb"]["length"]
    multiply_adds = sum(
        math.prod(shape) * (length if "/cell/" in name else 1)
        for name, shape in shapes.items()
        if len(shape) == 2 and not name.startswith("embedding")
    )
    return Cost(sum(math.prod(shape) for shape in shapes.values()), multiply_adds)
