"""Waits for a store or a server that is away for a while, instead of losing hours of work."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from harness.core.errors import UserError, reason

T = TypeVar("T")
LIMIT = 600.0  # seconds after which what is away is not expected back
FIRST, LONGEST = 1.0, 30.0  # seconds between two tries, doubled each time


def patiently(action: Callable[[], T], what: str, limit: float = LIMIT) -> T:
    """What `action` returns, tried again for up to `limit` seconds while its store is away.

    Args:
        what: is done, for the line that says that it is tried again.

    Raises:
        Exception: what the last try raised; at once what is a mistake of this code, or lasts.
    """
    deadline, pause, said = time.monotonic() + limit, FIRST, ""
    while True:
        try:
            return action()
        except Exception as error:  # each client of a store has its own
            if is_our_mistake(error) or _is_final(error) or time.monotonic() + pause > deadline:
                raise
            if said != (said := reason(error)):
                print(f"{what}: {said}; trying again", file=sys.stderr, flush=True)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)


def _is_final(error: Exception) -> bool:
    """Whether waiting is of no use: a missing file, or a full disk."""
    is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    return is_full or isinstance(error, FileNotFoundError)


def is_our_mistake(error: Exception) -> bool:
    """Whether no store, client or command raised this, but this code did."""
    builtin = type(error).__module__ == "builtins"
    return builtin and not isinstance(error, (OSError, ImportError, UserError))
