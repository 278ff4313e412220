"""What one job says of itself in the remote: how far it is, its log, and how it came to its end."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from dvc.data_cloud import Remote

from harness import processor
from harness.cluster.checkpoints import Checkpoints
from harness.cluster.heartbeat import Heartbeat, node
from harness.cluster.patience import patiently
from harness.cluster.records import DONE, FAILED, Records
from harness.core.errors import UserError, reason

T = TypeVar("T")
FULL = "No space left on device"
KIND = "processor"  # the file that says what kind of processor a job's stages ran on


class Account:
    """That of a job in the current folder, the project's in a clone of the job's own.

    Attributes:
        log: the file of what its stages print.
        sets: what its unfinished stages have left.
        beat: tells of it while it runs.
    """

    def __init__(
        self, name: str, told: dict[str, Any], remote: Remote, records: Records, seconds: float
    ) -> None:
        """`told` is what `job` says of the clone; the beat tells of the job every `seconds`."""
        self._name, self._remote, self._records = name, remote, records
        self._seconds: dict[str, float] = told["seconds"]
        self.log = Path(told["top"]) / ".git" / "job.log"
        self.log.touch()
        self.sets = Checkpoints(records, name, Path())
        self.beat = Heartbeat(records, name, self.log, self.sets, seconds)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Say that a part of the job begins, and keep how long it takes."""
        self.beat.phase(name)
        begin = time.monotonic()
        try:
            yield
        finally:
            self._seconds[name] = round(time.monotonic() - begin, 2)

    def say(self, line: str) -> None:
        """Put a line into the log, too."""
        print(f"{self._name}: {line}", flush=True)
        with self.log.open("a") as file:
            file.write(f"{line}\n")

    def patiently(self, action: Callable[[], T]) -> T:
        """What `action` returns, tried again while the remote is away."""
        return patiently(action, f"remote {self._remote.name}")

    def processor(self, stage: str) -> str:
        """The kind that made the outputs: of a stage that ran here, or of the copy that ran it."""
        said = self.log.read_text("utf-8", "replace")
        if not processor.stages_that_ran(said):
            before = self.patiently(lambda: self._records.read(self._name, KIND))
            return before.decode() if before else processor.recorded().get(stage, "")
        kind = processor.kind().encode()
        self.patiently(lambda: self._records.write(self._name, KIND, kind))
        return processor.kind()

    def done(self, kind: str, more: dict[str, Any]) -> None:
        """Say that the job is done, and `more` of it; nothing unfinished is kept then."""
        self.say("done")
        self.patiently(self.beat.tell)
        body = self._facts(kind) | {"state": "done"} | more
        self.patiently(lambda: self._records.write_json(self._name, DONE, body))
        self.patiently(self.sets.clear)

    def failed(self, error: Exception) -> None:
        """Say what went wrong, unless another copy has come to its end.

        Raises:
            UserError: this node is to blame.
        """
        line = reason(error)
        self.say(f"FAILED: {line}")
        full = getattr(error, "errno", None) == errno.ENOSPC
        if full or FULL in self.log.read_text("utf-8", "replace"):
            # Another node may have room, so this is no failure of the job.
            line = f"the disk of {node()} is full"
            self.beat.facts |= {"phase": "unable", "error": line}
            self.patiently(self.beat.tell)
            raise UserError(line) from None
        self.patiently(self.beat.tell)
        body = self._facts(processor.kind()) | {"state": "failed", "error": line}
        if DONE not in self._records.files(self._name).get(self._name, set()):
            self.patiently(lambda: self._records.write_json(self._name, FAILED, body))

    def _facts(self, kind: str) -> dict[str, Any]:
        names = ("node", "host", "begin")
        return {
            **{name: self.beat.facts[name] for name in names},
            **{"end": time.time(), "processor": kind, "seconds": self._seconds},
        }
