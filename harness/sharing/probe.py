"""Is a remote there, and does it let us in? One question for every kind of store, with a limit.

It is asked before anything is moved, and again while something is: the clients of DVC try each
object several times, so that it may take them minutes to report that their store has gone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.data_cloud import Remote

from harness.core.errors import UserError, reason

LIMIT = 15.0  # seconds for an answer
PAUSE = 2.0  # seconds between two questions while something is moved
AGAIN = "nothing is lost here; run the same command again"


def where(remote: Remote) -> str:
    """The remote's name and address, for messages."""
    return f"remote {remote.name} ({remote.fs.unstrip_protocol(remote.path)})"


def check(remote: Remote, writing: bool) -> None:
    """Ask a remote whether it can be used.

    Raises:
        UserError: it does not answer within `LIMIT`, refuses access, or is not there.
    """
    if error := _error(remote, writing):
        raise UserError(
            f"{where(remote)}: {reason(error)}; "
            f"`dvc remote modify --local {remote.name} OPTION VALUE` sets another address or key"
        )


@contextmanager
def watched(remote: Remote) -> Iterator[None]:
    """End this process with one line when the remote refuses two questions in turn.

    A store that stays silent may be busy with what is moved; its client's time-outs are for that.
    """
    ended = threading.Event()

    def watch() -> None:
        refusals = 0
        while not ended.wait(PAUSE):
            error = _error(remote)
            refusals = 0 if error is None or isinstance(error, TimeoutError) else refusals + 1
            if error and refusals == 2 and not ended.is_set():
                os.write(2, f"error: {where(remote)}: {reason(error)}; {AGAIN}\n".encode())
                os._exit(1)  # what is moved is written aside and renamed

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _error(remote: Remote, writing: bool = False) -> Exception | None:
    """Why a remote cannot be used; `TimeoutError` if it is silent, None if it can."""
    found: list[Exception | None] = []

    def ask() -> None:
        try:
            if remote.fs.protocol == "local":
                _look(Path(remote.path), writing)
            else:
                _read(remote)
            found.append(None)
        except Exception as error:  # each client has its own
            found.append(error)

    # A thread, as there is no time-out that all clients have.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(LIMIT)
    return found[0] if found else TimeoutError(f"no answer within {LIMIT:.0f} seconds")


def _look(folder: Path, writing: bool) -> None:
    if writing:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError("the folder is not writable")
    elif not folder.is_dir():
        raise FileNotFoundError("there is no such folder; nothing was pushed, or it is not mounted")


def _read(remote: Remote) -> None:
    """Read an object that no remote has: whoever is told that it is missing may read."""
    try:
        remote.fs.fs.cat_file(remote.fs.join(remote.path, "files", "md5", "probe"))
    except FileNotFoundError as error:
        if "bucket does not exist" in str(error):
            raise
    except Exception as error:
        # HTTP servers that list nothing say "forbidden" of what is missing.
        if getattr(error, "status", None) != 403:
            raise
