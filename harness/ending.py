"""The end of a process: at once when it is asked to, and never later than its parent's."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None)  # not between fork and exec, where another thread may hold its locks
# Seconds after which the system ends a process whose last work does not come to an end.
_LIMIT = 30


def killed_with_parent() -> None:
    """Have Linux kill this process when its parent ends; what it starts with exec inherits that."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with_parent() -> None:
    """Have this process killed when its parent ends, so that no orphan writes beside a new run.

    Linux kills it at once; elsewhere a thread looks every half second. Call it early, from the
    main thread.
    """
    parent = os.getppid()
    killed_with_parent()
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    # It may have ended before the call: then another process, of another session, has adopted us.
    leads = os.getsid(0) == os.getpid()
    if os.getppid() != parent or (parent and not leads and os.getsid(parent) != os.getsid(0)):
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


class _Ending:
    """What to say, and to do before, when this process is asked to end."""

    message = ""
    before: Callable[[], None] | None = None
    awaited = False
    asked = False


def end_when_asked(message: str, before: Callable[[], None] | None = None) -> None:
    """On Ctrl-C and SIGTERM, print `message` and end at once, with 128 and the signal's number.

    A thread does it, because the main thread may be in native code for many seconds. All files are
    written aside and renamed, so an end at any moment leaves whole ones. Call it first when the
    process begins; another call changes what is said and done.

    Args:
        before: what to do first, in that thread. The process ends even if it raises or hangs.
    """
    _Ending.message, _Ending.before = message, before
    if not _Ending.awaited:
        _Ending.awaited = True
        _await_signals()


def await_end_if_asked() -> None:
    """Wait for the end of this process if it was asked to end: a failure now comes from that."""
    if _Ending.asked:
        threading.Event().wait()


def _await_signals() -> None:
    reading, writing = os.pipe()
    # A project may send standard error elsewhere while it imports a library.
    console = os.dup(2)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    def end() -> None:
        number: int = signal.SIGTERM
        try:
            number = os.read(reading, 1)[0]
            signal.alarm(_LIMIT)
            _Ending.asked = True
            try:
                if _Ending.before:
                    _Ending.before()
            finally:
                os.write(console, f"{_Ending.message}\n".encode())
        finally:
            os._exit(128 + number)

    threading.Thread(target=end, daemon=True).start()
