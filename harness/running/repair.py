"""Repairs what a kill in the middle of a write of DVC's own leaves behind.

DVC rewrites two files in place, `dvc.lock` and the list of locks `.dvc/tmp/rwlock`. Cut off there,
they make every later command fail. What a kill cannot have done is left to the user.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import psutil

from harness import project
from harness.core.errors import UserError
from harness.core.files import replacing, write_text
from harness.core.paths import LOCK
from harness.dvc_private import RWLOCK, is_lock_file, locked, read_rwlock

# What DVC writes first into an empty lock file.
_HEAD = b"schema: '2.0'\nstages:\n"
_MARKERS = re.compile(rb"^([<=>|])\1{6}( |$)", re.MULTILINE)


def repair() -> list[str]:
    """Repair both files if need be; one line for each that was repaired.

    Raises:
        UserError: `dvc.lock` cannot be read and was not cut off, as after a merge with conflicts.
    """
    if _lock_file_is_whole() and _living_locks() is None:
        return []
    with locked():  # where DVC is just writing, the files are whole now
        return [line for line in (_repair_lock_file(), _repair_rwlock()) if line]


def _lock_file_is_whole() -> bool:
    return not LOCK.exists() or is_lock_file(LOCK.read_bytes())


def _repair_lock_file() -> str:
    if _lock_file_is_whole():
        return ""
    content = LOCK.read_bytes()
    again = f"then run `{project.read().command} repro` again"
    if _MARKERS.search(content) or _git("ls-files", "--unmerged", "--", str(LOCK)):
        raise UserError(
            f"{LOCK} has merge conflicts; keep one side, such as HEAD's with "
            f"`git checkout HEAD -- {LOCK}`, {again}, which makes what that side lacks"
        )
    if not _was_cut_off(content):
        raise UserError(f"{LOCK} is not a lock file of DVC; fix or restore it, {again}")
    committed = _git("show", f"HEAD:./{LOCK}")
    if committed and not is_lock_file(committed):
        raise UserError(f"{LOCK} was cut off, and HEAD's is unreadable; restore an older, {again}")
    backup = _back_up(LOCK)
    if not committed:
        LOCK.unlink()
        return f"{LOCK} was cut off by a kill; removed, as HEAD has none (backup: {backup})"
    with replacing(LOCK) as partial:
        partial.write_bytes(committed)
    return f"{LOCK} was cut off by a kill; restored from HEAD (backup: {backup})"


def _was_cut_off(content: bytes) -> bool:
    """Whether only the end is missing: the file has whole entries, or none, and a part of one."""
    text = content.rstrip(b"\0")  # as some file systems fill up after a loss of power
    *whole, _ = re.split(rb"(?m)^(?=  \S)", text)
    head = b"".join(whole)
    return _HEAD.startswith(text) or head == _HEAD or is_lock_file(head)


def _back_up(path: Path) -> Path:
    content = path.read_bytes()
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    backup = RWLOCK.parent / f"{path.name}.bak-{digest[:8]}"
    with replacing(backup) as partial:
        partial.write_bytes(content)
    return backup


def _git(*arguments: str) -> bytes:
    """What git prints; nothing where it fails, as without a commit."""
    return subprocess.run(["git", *arguments], capture_output=True, check=False).stdout


def _repair_rwlock() -> str:
    living = _living_locks()
    if living is None:
        return ""
    backup = _back_up(RWLOCK)
    write_text(RWLOCK, json.dumps(living))
    return f"{RWLOCK} had locks of processes that are gone; removed them (backup: {backup})"


def _living_locks() -> dict[str, Any] | None:
    """The locks whose process lives; None where that is all of them, or DVC's form has changed."""
    if not RWLOCK.exists():
        return None
    content = RWLOCK.read_bytes()
    try:
        held = read_rwlock(content)
    except json.JSONDecodeError:
        return {}  # cut off
    except ValueError:
        return None
    living = {
        "write": {path: holder for path, holder in held["write"].items() if _lives(holder)},
        "read": {
            path: those
            for path, holders in held["read"].items()
            if (those := [holder for holder in holders if _lives(holder)])
        },
    }
    return None if living == held else living


def _lives(holder: dict[str, Any]) -> bool:
    """Whether the process that took a lock is alive, and not another with its number."""
    try:
        return psutil.Process(holder["pid"]).create_time() <= RWLOCK.stat().st_mtime
    except psutil.NoSuchProcess:
        return False
