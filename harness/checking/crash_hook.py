"""Kills a process of the crash test's run just before one of its writes.

The crash test has every Python process of the run import a copy of this file as `sitecustomize`.
Some of them get a number of writes to live for.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from typing import Any

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def _watch(seed: str, log: str) -> None:
    chance = random.Random(seed + " ".join(sys.orig_argv))  # noqa: S311
    left = round(2 ** chance.uniform(0, 9))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event == "open":
            writes = isinstance(arguments[2], int) and arguments[2] & _WRITING
        else:
            writes = event in ("os.rename", "os.remove", "os.mkdir")
        if writes and "__pycache__" not in str(arguments[0]):
            left -= 1
            if left == 0:
                place = str(arguments[0]).replace(f"{os.getcwd()}/", "")
                with open(log, "a") as file:
                    file.write(f"before {event.removeprefix('os.')} {place}\n")
                _kill(chance)

    if chance.random() < 0.3:
        sys.addaudithook(hook)


def _kill(chance: random.Random) -> None:
    """Kill this process, the call of DVC above it, or both; that call leads the group."""
    number, group = chance.choice(SIGNALS), os.getpgrp()
    kind = chance.randrange(3)
    if kind == 0:
        os.killpg(group, number)
    else:
        os.kill(os.getpid() if kind == 1 else group, number)


if "CRASH_SEED" in os.environ:
    _watch(os.environ["CRASH_SEED"], os.environ["CRASH_LOG"])
