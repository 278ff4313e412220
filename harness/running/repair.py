"""Mends what a kill between two writes of DVC's own leaves behind.

DVC rewrites two files in place: `dvc.lock`, and the list of locks `.dvc/tmp/rwlock`. Cut off there,
they make every later command fail. To be called while no other run of the pipeline is alive.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML, YAMLError
from voluptuous import Invalid

from harness.core.files import replacing, write_text
from harness.core.paths import LOCK

RWLOCK = Path(".dvc/tmp/rwlock")


def mend() -> list[str]:
    """Mend both files if need be; one line for each that was mended."""
    return [line for line in (_mend_lock_file(), _mend_rwlock()) if line]


def _mend_lock_file() -> str:
    if not LOCK.exists() or _is_lock_file(LOCK.read_bytes()):
        return ""
    committed = subprocess.run(["git", "show", f"HEAD:./{LOCK}"], capture_output=True, check=False)
    if committed.returncode == 0 and _is_lock_file(committed.stdout):
        with replacing(LOCK) as partial:
            partial.write_bytes(committed.stdout)
        return f"{LOCK} was cut off and is again the committed one"
    LOCK.unlink()
    return f"{LOCK} was cut off and is removed"


def _is_lock_file(content: bytes) -> bool:
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(content))
    except (YAMLError, Invalid, ValueError, RecursionError):
        return False
    return True


def _mend_rwlock() -> str:
    if not RWLOCK.exists():
        return ""
    try:
        body = json.loads(RWLOCK.read_bytes())
        kept = {
            "write": {path: i for path, i in body.get("write", {}).items() if _holds(i)},
            "read": {
                path: held
                for path, infos in body.get("read", {}).items()
                if (held := [i for i in infos if _holds(i)])
            },
        }
    except (ValueError, TypeError, AttributeError, KeyError):
        RWLOCK.unlink()
        return f"{RWLOCK} was cut off and is removed"
    if kept == {"write": {}, "read": {}} | body:
        return ""
    write_text(RWLOCK, json.dumps(kept))
    return f"{RWLOCK} named processes that are gone; their locks are removed"


def _holds(info: Any) -> bool:
    """Whether the process that took a lock is alive, and not another with its number."""
    try:
        return psutil.Process(info["pid"]).create_time() <= RWLOCK.stat().st_mtime
    except psutil.NoSuchProcess:
        return False
