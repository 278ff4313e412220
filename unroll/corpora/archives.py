"""Reads members of tar archives whose digest was checked; nothing is unpacked to disk."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from unroll.core.progress import bar


def members(archive: Path, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each plain file of a `.tar.gz` whose whole name matches `wanted`.

    Raises:
        tarfile.TarError, EOFError, zlib.error: it is not a complete `.tar.gz` archive.
    """
    with (
        bar(archive.stat().st_size, f"read {archive.name}") as progress,
        archive.open("rb") as file,
        tarfile.open(fileobj=file, mode="r|gz") as tar,
    ):
        for member in tar:
            tar.members.clear()  # type: ignore[attr-defined]  # else memory grows with their number
            progress.update(file.tell() - progress.n)
            if member.isreg() and wanted.fullmatch(member.name):
                content = tar.extractfile(member)
                assert content is not None
                yield member.name, content.read()
