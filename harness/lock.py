"""One process at a time: a lock that is held while any process lives that was given it."""

from __future__ import annotations

import os
import time
from typing import IO

from filelock import lock_descriptor

from harness.core.errors import UserError
from harness.core.paths import SCRATCH, file_name

# A killed process holds its locks until the system has taken it down.
PATIENCE = 5.0


def alone(name: str, what: str) -> IO[str]:
    """Hold the lock `name` until the returned file is closed, here and in all that inherit it.

    Args:
        what: who holds it, for the message.

    Raises:
        UserError: another process holds it, and keeps it.
    """
    path = SCRATCH / "locks" / file_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A descriptor of our own, not `FileLock`, as that closes its descriptor in every child.
    file = path.open("a+")
    deadline = time.monotonic() + PATIENCE
    while not lock_descriptor(file.fileno(), blocking=False):
        if time.monotonic() > deadline:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise UserError(
                f"{what} is already running (pid {holder}); wait until it ends, or stop it"
            )
        time.sleep(0.1)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
