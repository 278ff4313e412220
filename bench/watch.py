"""What the processes of a measurement take, looked at ten times a second: memory, bytes written."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PAUSE = 0.1  # seconds


@dataclass
class Watch:
    """The most that some processes took while the context was open; Linux alone.

    Memory is what they allocated: pages of mapped files are the kernel's, which drops them when
    it needs room.

    Attributes:
        processes: those to look at, asked for every time.
        each, together: MB of the largest process, and of all of them at one time.
        written: MB that they gave to `write`; of a process that waited for others, also theirs.
    """

    processes: Callable[[], Iterable[psutil.Process]]
    each: float = 0.0
    together: float = 0.0
    _written: dict[int, int] = field(default_factory=dict)

    def __enter__(self) -> Watch:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def written(self) -> float:
        return sum(self._written.values()) / 1e6

    def _look_on(self) -> None:
        while not self._ended.wait(PAUSE):
            found = []
            for process in self.processes():
                with contextlib.suppress(OSError, psutil.Error, StopIteration):
                    found.append(allocated(process.pid))
                    self._written[process.pid] = process.io_counters().write_chars
            self.each = max(self.each, *found, 0.0)
            self.together = max(self.together, sum(found))


def allocated(pid: int) -> float:
    """MB of memory that a process has allocated and touched."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024 / 1e6
