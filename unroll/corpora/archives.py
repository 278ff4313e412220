"""Reads members of tar and zip archives whose digest was checked; wheels are zip archives.

Of what is no complete archive the functions raise the errors of `tarfile`, `zipfile` and `zlib`.
"""

from __future__ import annotations

import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from unroll.core.progress import bar


def members(archive: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each plain file whose whole name matches `wanted`."""
    for name, content in _files(archive):
        if wanted.fullmatch(name):
            yield name, content.read()


def unpack(archive: Path, pattern: str, folder: Path) -> Path:
    """Write the plain files whose names match `pattern` below `folder`.

    Returns:
        The longest folder that all of them have in common.

    Args:
        pattern: with `*`, `?` and `[...]`, none of which stands for a `/`.

    Raises:
        ValueError: no name matches, two are the same, or one leads out of `folder`.
    """
    wanted = pattern.split("/")
    for name, content in _files(archive):
        parts = PurePosixPath(name).parts
        if len(parts) != len(wanted) or not all(map(fnmatchcase, parts, wanted)):
            continue
        if parts[0] == "/" or ".." in parts:
            raise ValueError(f"the member {name!r} leads out of the archive")
        path = folder.joinpath(*parts)
        if path.exists():
            raise ValueError(f"two members are {name!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as copy:
            shutil.copyfileobj(content, copy)
    if not any(folder.iterdir()):
        raise ValueError(f"no member matches {pattern!r}")
    while len(inner := list(folder.iterdir())) == 1 and inner[0].is_dir():
        [folder] = inner
    return folder


def _files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The name of each plain file and its content, to be read before the next is asked for."""
    with bar(archive.stat().st_size, f"read {archive.name}") as progress:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                for info in zipped.infolist():
                    if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16):
                        with zipped.open(info) as content:
                            yield info.filename, content
                    progress.update(info.compress_size)
            return
        with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as tar:
            for member in tar:
                tar.members.clear()  # type: ignore[attr-defined]  # else memory grows with them
                progress.update(file.tell() - progress.n)
                if member.isreg() and (plain := tar.extractfile(member)):
                    yield member.name, plain
