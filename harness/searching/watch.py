"""One trial, run with an eye on its validation curve."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from harness import project
from harness.core.errors import UserError
from harness.experiments import trial
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import Setting, Sweep
from harness.running.processes import Calls
from harness.searching.study import FOLDER

# A loss after an epoch, from 1, to the one that was needed, or to None if the training goes on.
Limit = Callable[[int, float], float | None]
_KILLED = re.compile(r"exited with (-9|137)\b")


class Pruned(Exception):
    """The trial was cut short; the message says when and why."""


class Curve:
    """The curve of a stage in a copy of the project, and what follows from it."""

    def __init__(self, folder: Path, setting: Setting, stage: str, limit: Limit) -> None:
        self._hook = project.read().curve
        self._folder, self._setting, self._stage, self._limit = folder, setting, stage, limit
        self._done = 0
        # What lies there before anything runs, such as the committed curve, is of another training.
        self._before = self._losses()

    def look(self, over: bool = False) -> None:
        """Decide on each new epoch.

        Args:
            over: whether the stage has run, so that what lies there is of this training.

        Raises:
            Pruned: after the first epoch at which the training is to be cut short, whether it is
                still there or further.
        """
        losses = self._losses()
        if losses == self._before and not over:
            return
        for epoch, loss in enumerate(losses, 1):
            if epoch <= self._done:
                continue
            if (needed := self._limit(epoch, loss)) is not None:
                raise Pruned(f"after epoch {epoch}: loss {loss:.4f}, needed {needed:.4f} or less")
            self._done = epoch

    def _losses(self) -> list[float]:
        if not self._hook:
            return []
        return project.function(self._hook)(self._folder, self._stage, self._setting.params)


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
        curve = Curve(folder, setting, sweep.stage, limit)
        code = calls.logged(command, folder, log, curve.look)
        # The same decision whether the training was looked at in time or has ended meanwhile.
        curve.look(over=not code)
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


def _last_words(log: Path, begin: int) -> str:
    """Why a command failed, by its log: its own error, or else its last line."""
    content = log.read_bytes()[begin:] if log.exists() else b""
    text = content.decode("utf-8", "replace").replace("\r", "\n")
    if _KILLED.search(text):
        return "killed by the system, as it does where memory runs out"
    lines = ["".join(filter(str.isprintable, line)).strip() for line in text.split("\n")]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return next(reversed(errors or [line for line in lines if line]), "")
