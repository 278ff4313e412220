"""Reading members of tar archives without ever writing a name of theirs to disk."""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from harness.core.errors import UserError, reason


class _Frugal(gzip.GzipFile):
    """Gives at most `left` bytes more: headers may claim any length, and zeros pack well."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        super().__init__(fileobj=file, mode="rb")
        self.left = left

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.left -= len(found)
        if self.left < 0:
            raise tarfile.ReadError("a member or its header is far longer than expected")
        return found


def refuse_leading_out(archive: Path, name: str) -> None:
    """Raise `UserError` for a member whose name would lead out of the folder it is unpacked in."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"{archive}: refused, {name[:100]!r} leads out of the archive")


def members(
    archive: Path, wanted: re.Pattern[str], most_bytes: int, progress: Any
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each member of a `.tar.gz` whose whole name matches `wanted`.

    Args:
        most_bytes: what all wanted members together may claim, else they are refused unread;
            any other member may be as long.
        progress: a bar over the bytes of the archive.

    Raises:
        UserError: the archive is damaged, or holds a name that would leave its folder, a link or a
            device, a wanted member twice, or too much.
    """
    try:
        with (
            archive.open("rb") as file,
            _Frugal(file, most_bytes) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|") as tar,
        ):
            left, seen = most_bytes, set()
            for member in tar:
                tar.members.clear()  # type: ignore[attr-defined]  # else they add up
                unpacked.left = most_bytes
                progress.update(file.tell() - progress.n)
                refuse_leading_out(archive, member.name)
                name = member.name[:100]
                chosen = wanted.fullmatch(member.name)
                if not member.isreg() and (chosen or not member.isdir()):
                    raise UserError(f"{archive}: refused, {name!r} is not a plain file")
                if not chosen:
                    continue
                if member.name in seen:
                    raise UserError(f"{archive}: refused, it holds {name!r} twice")
                seen.add(member.name)
                left -= member.size
                if member.size < 0 or left < 0:
                    raise UserError(
                        f"{archive}: refused, {name!r} claims {member.size} bytes, "
                        f"{most_bytes} at most are expected of all together"
                    )
                content = tar.extractfile(member)
                assert content is not None
                yield member.name, content.read()
    except (
        *(tarfile.TarError, EOFError, zlib.error, OSError),
        *(ValueError, RecursionError),  # of numbers and chains of headers that nobody writes
    ) as error:
        raise UserError(f"{archive}: not a whole .tar.gz archive ({reason(error)})") from None
