"""What a stage computes from, by digest. The digests of files are DVC's own, so that they compare
with `dvc.lock`.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from harness.core.files import missing
from harness.dvc_ignored import hashed_files
from harness.dvc_templates import read_params
from harness.stages.dvc_file import Stage

# A file that changed within this many seconds before it was hashed may change again without another
# time: some file systems count whole seconds, or two.
FRESH = 3.0

# What `os.stat` said of a file when it was hashed, and its MD5, by path.
Memory = dict[Path, tuple[tuple[int, ...], str]]


def digests(stage: Stage, memory: Memory | None = None) -> dict[str, str]:
    """The digest of every dependency and parameter that `stage` declares, by its name.

    Args:
        memory: filled with what was hashed; a file in it that has the same inode, size, and times
            of change as then is not read again. The time of the inode's change, which no program
            can set, is one of them, so this notices what DVC, which goes by the other, would not.

    Raises:
        UserError: a dependency is missing, or a file of parameters cannot be read.
    """
    found = {dep: digest(Path(dep), memory) for dep in stage.deps}
    for file, entries in stage.params.items():
        body = read_params(Path(file))
        for entry in entries or (body if isinstance(body, dict) else ()):
            value = entry_of(body, entry) if entries else body[entry]
            found[f"{file}: {entry}"] = value_digest(value)
    return found


def digest(path: Path, memory: Memory | None = None) -> str:
    """The MD5 of a file, or of a folder as DVC computes it: over the names and MD5s of its files.

    Args:
        memory: as in `digests`.

    Raises:
        UserError: there is no such file or folder.
    """
    if not path.is_dir():
        return _md5(path, memory)
    content = listing(path, memory).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest() + ".dir"


def listing(folder: Path, memory: Memory | None = None) -> str:
    """The names and MD5s of the files of a folder, in the JSON that DVC keeps in its cache."""
    items = [
        {"md5": _md5(path, memory), "relpath": path.relative_to(folder).as_posix()}
        for path in hashed_files(folder)
    ]
    return json.dumps(sorted(items, key=lambda item: item["relpath"]), sort_keys=True)


def fingerprint(stage: Stage, found: dict[str, str]) -> str:
    """A name for the computation: the same for the same stage, code, parameters and data."""
    return value_digest([stage.name, found])[:32]


def value_digest(value: Any) -> str:
    """The SHA-256 of a value of a YAML file; `1`, `1.0` and `true` are different values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def entry_of(body: Any, dotted: str) -> Any:
    """The value at a dotted name such as `models.rnn` or `layers.0`; None if there is none."""
    for key in dotted.split("."):
        if isinstance(body, list):
            body = dict(enumerate(body)).get(int(key)) if key.isdecimal() else None
        else:
            body = body.get(key) if isinstance(body, dict) else None
    return body


def _md5(path: Path, memory: Memory | None = None) -> str:
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            seen = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            known = memory.get(path) if memory is not None else None
            if known and known[0] == seen:
                return known[1]
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if memory is not None and max(stat.st_mtime, stat.st_ctime) < time.time() - FRESH:
                memory[path] = seen, md5
            return md5
    except FileNotFoundError:
        raise missing(path) from None
