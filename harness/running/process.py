"""The life of a stage's process: alone, never longer than DVC's, ended at once when asked to."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from harness.core.errors import UserError
from harness.core.paths import SCRATCH

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOCKS = SCRATCH / "locks"
# A killed process holds its locks until the system has taken it down.
_PATIENCE = 5.0
# A stage ends at once when asked to; this is for one that cannot.
_GRACE = 1.0


def killed_with_parent() -> None:
    """Have Linux kill this process when its parent ends; what it starts with exec inherits that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with_parent() -> None:
    """Have this process killed when its parent ends, so that no orphan writes beside a new run.

    Linux kills it at once; elsewhere a thread looks every half second. To be called early, from
    the main thread.
    """
    parent = os.getppid()
    killed_with_parent()
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    # It may have ended before the call: then another process, of another session, has adopted us.
    leads = os.getsid(0) == os.getpid()
    if os.getppid() != parent or (parent and not leads and os.getsid(parent) != os.getsid(0)):
        os._exit(1)


def end_all(children: Iterable[subprocess.Popen[Any]]) -> None:
    """End processes that lead a group each, with all that they started."""
    children = list(children)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
        deadline = time.monotonic() + _GRACE
        while any(child.poll() is None for child in children) and time.monotonic() < deadline:
            time.sleep(0.02)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def alone(name: str, what: str) -> IO[str]:
    """Hold the lock `name` until the returned file is closed or the process ends.

    Args:
        what: who holds it, for the message.

    Raises:
        UserError: another process holds it, and goes on holding it.
    """
    path = _LOCKS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise UserError(
                    f"{what} is running already, in process {holder}; wait for its end or stop it"
                ) from None
            time.sleep(0.1)
        else:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            return file


class _Ending:
    """What to say, and to do before, when this process is asked to end."""

    message = ""
    before: Callable[[], None] | None = None
    awaited = False


def end_when_asked(message: str, before: Callable[[], None] | None = None) -> None:
    """On Ctrl-C and SIGTERM, print `message` and end at once, with 128 and the signal's number.

    A thread sees to it, as the main thread may be in native code for many seconds. All files are
    written aside and renamed, so an end at any moment leaves whole ones. To be called first when
    the process begins; another call changes what is said and done.

    Args:
        before: what to do first, in that thread.
    """
    _Ending.message, _Ending.before = message, before
    if not _Ending.awaited:
        _Ending.awaited = True
        _await_signals()


def _await_signals() -> None:
    reading, writing = os.pipe()
    # Standard error may be held back for a while: see unroll/backend.py.
    console = os.dup(2)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    def end() -> None:
        number = os.read(reading, 1)[0]
        if _Ending.before:
            _Ending.before()
        os.write(console, f"{_Ending.message}\n".encode())
        os._exit(128 + number)

    threading.Thread(target=end, daemon=True).start()


def clear_partial_files(folder: Path = SCRATCH) -> None:
    """Remove what processes that are gone have left half-written."""
    for path in folder.glob("partial-*"):
        owner = path.name.split("-")[1]
        if owner.isdigit() and not _lives(int(owner)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
