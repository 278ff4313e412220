"""One trial, run with an eye on its validation curve."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from harness.core.errors import UserError
from harness.experiments import trial
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import Setting, Sweep
from harness.running.processes import Calls
from harness.searching.losses import Curve, Limit, Losses, Pruned
from harness.searching.study import FOLDER

_KILLED = re.compile(r"exited with (-9|137)\b")


def run(setting: Setting, sweep: Sweep, commit: str, calls: Calls, limit: Limit) -> Experiment:
    """Run a trial as an experiment.

    Raises:
        Pruned: it was cut short, and its copy is gone.
        UserError: it failed; the message has the last line of its log.
    """
    copy, begin = FOLDER / setting.name, 0

    def call(command: list[str], folder: Path, log: Path) -> int:
        nonlocal begin
        begin = log.stat().st_size if log.exists() else 0
        losses, curve = Losses(folder, setting, sweep.stage), Curve(limit)
        code = calls.logged(command, folder, log, lambda: curve.judge(losses.now()))
        # The same decision whether the training was looked at in time or has ended meanwhile.
        curve.judge(losses.now(over=not code))
        return code

    try:
        return trial.run(setting, sweep, commit, call, FOLDER)
    except Pruned:
        shutil.rmtree(copy)
        raise
    except UserError as error:
        if calls.stopping:
            raise
        why = _last_words(trial.log_of(setting, FOLDER), begin) or str(error)
        with suppress(OSError):
            shutil.rmtree(copy)
        raise UserError(why) from None


def clear_copies(names: Collection[str]) -> None:
    """Remove the copies that killed processes have left of other trials than `names`."""
    if FOLDER.is_dir():
        for path in FOLDER.iterdir():
            if path.is_dir() and path.name not in names:
                shutil.rmtree(path)


def _last_words(log: Path, begin: int) -> str:
    """Why a command failed, by its log: its own error, or else its last line."""
    content = log.read_bytes()[begin:] if log.exists() else b""
    text = content.decode("utf-8", "replace").replace("\r", "\n")
    if _KILLED.search(text):
        return "killed by the system, as it does where memory runs out"
    lines = ["".join(filter(str.isprintable, line)).strip() for line in text.split("\n")]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return next(reversed(errors or [line for line in lines if line]), "")
