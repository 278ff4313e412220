"""What jobs leave in the remote of DVC: `jobs/COMMIT/NAME/` with a few small files each.

- `running.json`: the node, since when, and how far it is; written again and again;
- `done.json` or `failed.json`: what happened. These are two files, as two copies of a job may run
  at once, and in no order may one that failed hide one that is done;
- `cancelled`: whoever starts this job later ends at once;
- `log`: the lines of the copy that wrote last;
- `unfinished/`: what an interrupted stage goes on from.

Every file is written whole, so that a reader sees the old one, the new one, or none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from dvc.data_cloud import Remote
from dvc.repo import Repo

from harness.core.files import replacing
from harness.sharing.remote import opened as opened_remote

RUNNING, DONE, FAILED, CANCELLED, LOG = (
    *("running.json", "done.json", "failed.json"),
    *("cancelled", "log"),
)
LOSSES = "losses"  # of a trial, in running.json and done.json: its validation curve so far
# Where a put is whole by itself.
_OBJECT_STORES = ("s3", "gs", "gcs", "azure", "abfs", "oss")


class Records:
    """The files of the jobs of one commit."""

    def __init__(self, remote: Remote, commit: str) -> None:
        self._fs = remote.fs
        self._folder = remote.fs.join(remote.path, "jobs", commit)
        self._is_local = remote.fs.protocol == "local"

    def read(self, job: str, file: str) -> bytes | None:
        """The content of a file, None where there is none."""
        with suppress(FileNotFoundError):
            return self._fs.fs.cat_file(self._path(job, file))
        return None

    def read_json(self, job: str, file: str) -> dict[str, Any]:
        """The content of a JSON file, empty where there is none."""
        return json.loads(self.read(job, file) or b"{}")

    def write(self, job: str, file: str, content: bytes) -> None:
        """Put a file in place, whole."""
        path = self._path(job, file)
        if self._is_local:
            with replacing(Path(path)) as partial:
                partial.write_bytes(content)
        elif self._fs.protocol in _OBJECT_STORES:
            self._fs.fs.pipe_file(path, content)
        else:
            self._fs.makedirs(self._fs.parent(path), exist_ok=True)
            self._fs.fs.pipe_file(f"{path}.partial", content)
            self._fs.mv(f"{path}.partial", path)

    def write_json(self, job: str, file: str, value: dict[str, Any]) -> None:
        """Put a JSON file in place, whole."""
        self.write(job, file, json.dumps(value, indent=2, sort_keys=True).encode() + b"\n")

    def remove(self, job: str, *files: str) -> None:
        """Remove files, as far as they are there."""
        for file in files:
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._path(job, file))

    def files(self, job: str = "") -> dict[str, set[str]]:
        """The files of one job, or of all, by job; one listing, that of this moment."""
        folder = self._path(job) if job else self._folder
        self._fs.fs.invalidate_cache()
        found: dict[str, set[str]] = {}
        with suppress(FileNotFoundError):
            for path in self._fs.find(folder):
                name, _, file = self._fs.relpath(path, self._folder).partition("/")
                if not self._fs.name(path).startswith(".partial"):
                    found.setdefault(unquote(name), set()).add(unquote(file))
        return found

    def _path(self, job: str, file: str = "") -> str:
        parts = [quote(part, safe="@") for part in (job, *file.split("/")) if part]
        return self._fs.join(self._folder, *parts)


@contextmanager
def opened(remote: str | None, commit: str) -> Iterator[tuple[Repo, Remote, Records]]:
    """The project, its remote, and the jobs of a commit there.

    Raises:
        UserError: there is no such remote.
    """
    with opened_remote(remote, "push") as (repo, store):
        yield repo, store, Records(store, commit)
