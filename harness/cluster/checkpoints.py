"""Carries what an unfinished stage has left from one node to another, through the remote.

A stage keeps it under `scratch/unfinished/`, where each computation has a folder of its own. Each
copy of a job sends sets of these files, whole files of one moment, to a folder of its own, so that
no copy removes what another has sent.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

from harness.cluster.records import Records
from harness.core.paths import SCRATCH

FOLDER = SCRATCH / "unfinished"
_SETS = "unfinished"


class Checkpoints:
    """The sets of one job; those of this process have a name of its own."""

    def __init__(self, records: Records, job: str, root: Path) -> None:
        """`root` is the project's folder in the clone in which the job runs."""
        self._records, self._job, self._folder = records, job, root / FOLDER
        self._mine = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}"
        self._sent: dict[str, str] = {}  # the MD5 of what the newest set has, by file

    def fetch(self) -> int:
        """Bring the newest whole set into the clone; how many files it has."""
        files = self._records.files(self._job).get(self._job, set())
        lists = [file for file in files if file.startswith(f"{_SETS}/") and file.endswith(".json")]
        sets = [(self._records.read_json(self._job, file), file) for file in lists]
        for found, file in sorted(sets, key=lambda pair: pair[0].get("time", 0), reverse=True):
            if found and self._placed(found["files"], file.removesuffix(".json")):
                return len(found["files"])
        return 0

    def push(self) -> int:
        """Send what is new as one set; how many files were sent, 0 if it changed meanwhile."""
        with tempfile.TemporaryDirectory(dir=self._folder.parent.parent) as name:
            taken = self._taken(Path(name))
            if not taken or taken == self._sent:
                return 0
            new = {file: md5 for file, md5 in taken.items() if md5 not in self._sent.values()}
            for file, md5 in new.items():
                content = (Path(name) / file).read_bytes()
                self._records.write(self._job, f"{_SETS}/{self._mine}/{md5}", content)
        body = {"time": time.time(), "files": taken}
        self._records.write_json(self._job, f"{_SETS}/{self._mine}.json", body)
        old = set(self._sent.values()) - set(taken.values())
        self._records.remove(self._job, *(f"{_SETS}/{self._mine}/{md5}" for md5 in sorted(old)))
        self._sent = taken
        return len(new)

    def clear(self) -> None:
        """Remove all sets, as the job is done."""
        files = self._records.files(self._job).get(self._job, set())
        self._records.remove(self._job, *(f for f in files if f.startswith(f"{_SETS}/")))

    def _taken(self, copy: Path) -> dict[str, str]:
        """Copy all files; their MD5s by path, none if they changed meanwhile."""
        before = self._listed()
        found = {}
        for path in before:
            name = path.relative_to(self._folder).as_posix()
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(path, target)
            except FileNotFoundError:
                return {}
            found[name] = _md5(target.read_bytes())
        return found if before == self._listed() else {}

    def _listed(self) -> dict[Path, tuple[int, ...]]:
        """What the system says of each file that is complete."""
        found: dict[Path, tuple[int, ...]] = {}
        for path in sorted(self._folder.rglob("*")):
            if path.is_file() and not path.name.startswith(".partial-"):
                stat = path.stat()
                found[path] = stat.st_ino, stat.st_size, stat.st_mtime_ns
        return found

    def _placed(self, files: dict[str, str], mine: str) -> bool:
        """Put a set into the clone; whether it was whole."""
        contents = {}
        for name, md5 in files.items():
            content = self._records.read(self._job, f"{mine}/{md5}")
            if content is None or _md5(content) != md5:
                return False
            contents[name] = content
        for name, content in contents.items():
            path = self._folder / name
            if not path.resolve().is_relative_to(self._folder.resolve()):
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return True


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def progress(files: set[str]) -> frozenset[str]:
    """What tells whether a job has got further, of the files that it has in the remote."""
    return frozenset(file for file in files if file.startswith(f"{_SETS}/"))
