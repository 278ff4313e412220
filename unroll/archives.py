"""Reading members of tar archives without ever writing a name of theirs to disk."""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from unroll.errors import UserError


def members(
    archive: Path, wanted: re.Pattern[str], most_bytes: int, progress: Any
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each member of a `.tar.gz` whose whole name matches `wanted`.

    Args:
        most_bytes: a wanted member that claims more is refused before it is read.
        progress: a bar over the bytes of the archive.

    Raises:
        UserError: the archive is damaged, or holds a name that would leave its folder, or a wanted
            member is not a plain file or too large.
    """
    try:
        with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as tar:
            for member in tar:
                progress.update(file.tell() - progress.n)
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise UserError(f"{archive}: refused, {member.name!r} leads out of the archive")
                if not wanted.fullmatch(member.name):
                    continue
                if not member.isreg():
                    raise UserError(f"{archive}: refused, {member.name!r} is not a plain file")
                if member.size > most_bytes:
                    raise UserError(
                        f"{archive}: refused, {member.name!r} claims {member.size} bytes, "
                        f"{most_bytes} at most are expected"
                    )
                content = tar.extractfile(member)
                assert content is not None
                yield member.name, content.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise UserError(f"{archive}: not a whole .tar.gz archive ({error})") from None
