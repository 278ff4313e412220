"""What a running job tells of itself, off the critical path: that it lives, its log, its sets."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from harness import processor
from harness.cluster.checkpoints import Checkpoints
from harness.cluster.patience import is_our_mistake
from harness.cluster.records import CANCELLED, DONE, LOG, RUNNING, Records
from harness.core.errors import reason

MOST_LOG = 2**20  # bytes of the end of a log that are shown elsewhere


def node() -> str:
    """What the engine calls this node, or else the name of the machine."""
    names = ("HARNESS_NODE", "SLURMD_NODENAME")
    return next(filter(None, map(os.environ.get, names)), socket.gethostname())


class Heartbeat:
    """Tells it every `seconds`; where the remote is away, the next time does.

    Attributes:
        facts: of the running job, such as its phase.
        stop: ends what runs.
        more: what else is told each time.
    """

    def __init__(
        self, records: Records, job: str, log: Path, sets: Checkpoints, seconds: float
    ) -> None:
        self._records, self._job, self._log, self._sets = records, job, log, sets
        self._seconds, self._ended, self._shown = seconds, threading.Event(), -1
        self._lock = threading.Lock()
        self.stop: Callable[[], None] = lambda: None
        self.more: Callable[[], dict[str, Any]] = dict
        self.over = ""
        now = time.time()
        self.facts: dict[str, Any] = {
            **{"node": node(), "host": socket.gethostname(), "process": os.getpid()},
            **{"processor": processor.kind(), "begin": now, "phase": "pull"},
        }

    def __enter__(self) -> Heartbeat:
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def phase(self, name: str) -> None:
        """Say how far the job is."""
        self.facts["phase"] = name

    def tell(self) -> None:
        """Tell it now.

        Raises:
            Exception: the remote did not take it.
        """
        with self._lock:
            facts = self.facts | self.more() | {"time": time.time()}
            self._records.write_json(self._job, RUNNING, facts)
            size = self._log.stat().st_size
            if size != self._shown:
                self._records.write(self._job, LOG, self._log.read_bytes()[-MOST_LOG:])
                self._shown = size

    def _beat(self) -> None:
        wait = 0.0  # the first one at once
        while not self._ended.wait(wait):
            wait = self._seconds
            try:
                self.tell()
                if self.facts["phase"] == "run":
                    self._sets.push()
                self._look()
            except Exception as error:  # each client of a store has its own
                if is_our_mistake(error):
                    raise
                print(f"remote: {reason(error)}; trying again", file=sys.stderr, flush=True)

    def _look(self) -> None:
        """End what runs if nobody waits for it any more."""
        files = self._records.files(self._job).get(self._job, set())
        for file, why in ((DONE, "another copy of this job has finished"), (CANCELLED, CANCELLED)):
            if file in files and not self._ended.is_set():
                self.over = why
                self.stop()
                return
