"""Runs a command, and ends all that it left behind when whoever started this ends or hangs up.

Daemons leave their parent. This process adopts those that do, so that the processes of a node of a
cluster are its descendants, and none outlives the tests, not even tests that are killed.

    python guard.py [--remove FOLDER] COMMAND...

Standard input is a socket, to which a byte goes once the command has begun, and which whoever
started this closes for the end. Then it removes a folder, or unmounts it if something is mounted
there. Linux alone. It imports nothing of the project, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
PAUSE = 0.2  # seconds between two looks for zombies
CALLER = 0  # standard input
IGNORED = (signal.SIGINT, signal.SIGTERM)


def _reap() -> None:
    """Take the exit codes of the children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _restore() -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_DFL)


def _remove(folder: str) -> None:
    if os.path.ismount(folder):
        as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        subprocess.run([*as_root, "umount", "--lazy", folder], check=False)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    command = sys.argv[1:]
    folder = command.pop(1) if command[0] == "--remove" else ""
    command = command[1:] if folder else command
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    # Ctrl-C in a terminal goes to the tests too, which then close the socket.
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_restore)
    with contextlib.suppress(OSError):  # whoever started this has ended already
        os.write(CALLER, b".")
    while not select.select([CALLER], [], [], PAUSE)[0]:
        _reap()
    # A process may start another one before its end, which then becomes our child.
    while found := psutil.Process().children(recursive=True):
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        _reap()
    if folder:
        _remove(folder)


if __name__ == "__main__":
    main()
