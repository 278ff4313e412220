"""The validation curve of a trial, and what follows from it: whether the trial is cut short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from harness import project
from harness.experiments.sweep_file import Setting

# A loss after an epoch, from 1, to the one that was needed, or to None if the training goes on.
Limit = Callable[[int, float], float | None]


class Pruned(Exception):
    """The trial was cut short; the message says when and why."""


class Losses:
    """The validation losses of a stage in a copy of the project, where it may be running."""

    def __init__(self, folder: Path, setting: Setting, stage: str) -> None:
        """Begin, before anything runs there.

        Args:
            folder: of the project in the copy.
        """
        self._hook = project.read().curve
        self._folder, self._setting, self._stage = folder, setting, stage
        # What lies there already, such as the committed curve, is of another training.
        self._before = self.now(over=True)

    def now(self, over: bool = False) -> list[float]:
        """The losses by epoch, from 1; as long as none is new, none.

        Args:
            over: whether the stage has run, so that what lies there is of this training.
        """
        if not self._hook:
            return []
        found = project.function(self._hook)(self._folder, self._stage, self._setting.params)
        return found if over or found != self._before else []


class Curve:
    """What follows from the losses of a trial."""

    def __init__(self, limit: Limit) -> None:
        self._limit, self._done = limit, 0

    def judge(self, losses: Sequence[float]) -> None:
        """Decide on each epoch that is new.

        Raises:
            Pruned: after the first epoch at which the training is to be cut short, whether it is
                still there or further.
        """
        for epoch, loss in enumerate(losses, 1):
            if epoch <= self._done:
                continue
            if (needed := self._limit(epoch, loss)) is not None:
                raise Pruned(f"after epoch {epoch}: loss {loss:.4f}, needed {needed:.4f} or less")
            self._done = epoch
