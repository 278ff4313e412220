"""Commands side by side: each ends with this process, together with all that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import psutil

from harness.core.environment import git_free_environment
from harness.core.errors import UserError
from harness.ending import killed_with_parent

# A stage ends at once when it is asked to; this is for a command that does not.
_GRACE = 1.0
_PAUSE = 1.0  # seconds between two looks at a command that is watched


class Calls:
    """The commands that are running, one a thread at most.

    Attributes:
        stopping: whether they were stopped; none is started any more.
    """

    def __init__(self, lock: IO[str]) -> None:
        """Every command inherits `lock`: what outlives us keeps the next run from starting."""
        self._lock = lock
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[Any]] = set()
        self.stopping = False

    def logged(
        self,
        command: list[str],
        folder: Path,
        log: Path,
        watch: Callable[[], None] | None = None,
    ) -> int:
        """Run a command in a folder to its end, its lines added to a log; the exit code.

        Args:
            watch: called every second while it runs; what this raises ends the command.

        Raises:
            UserError: all commands were stopped.
        """
        options: dict[str, Any] = {"cwd": folder, "env": git_free_environment()}
        options |= {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        with log.open("ab") as file, self.started(command, stdout=file, **options) as child:
            while watch and child.poll() is None:
                watch()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_PAUSE)
        return child.returncode

    @contextlib.contextmanager
    def started(self, command: list[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
        """Start a command, with `options` of `Popen`; wait for its end.

        What an unsuccessful command leaves running is ended.

        Raises:
            UserError: all commands were stopped.
        """
        with self._guard:
            if self.stopping:
                raise UserError("stopped")
            child = subprocess.Popen(
                command,
                start_new_session=True,
                preexec_fn=killed_with_parent,
                pass_fds=[self._lock.fileno()],
                **options,
            )
            self._running.add(child)
        # Beside whoever reads its lines, which do not end while a grandchild may write some.
        ended = threading.Thread(target=_await, args=(child,), daemon=True)
        ended.start()
        try:
            yield child
            ended.join()
        except BaseException:
            end_all([child])
            raise
        finally:
            with self._guard:
                self._running.discard(child)

    def stop(self) -> None:
        """End every command, with all that it started; start no more."""
        with self._guard:
            self.stopping = True
            running = list(self._running)
        end_all(running)


def _await(child: subprocess.Popen[Any]) -> None:
    if child.wait():
        end_all([child])


def end_all(children: Iterable[subprocess.Popen[Any]]) -> None:
    """End processes that lead a group each, with all that they started.

    The groups have those whose parent is gone, the trees those that left their group.
    """
    children = list(children)
    groups = [child.pid for child in children]
    started = [process for child in children for process in descendants(child.pid)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        groups = [group for group in groups if _signal(group, number)]
        for process in started:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        _, started = psutil.wait_procs(started, timeout=_GRACE)
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_GRACE)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a group of processes; whether there was one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses a group of zombies
        return False
    return True


def descendants(pid: int) -> list[psutil.Process]:
    """All that a process has started, and what that has; nothing of a process that is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
