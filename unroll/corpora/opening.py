"""Opens files of a corpus, compressed or not, as bytes or as text in whatever encoding it is."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from harness.core.errors import UserError, reason

_OPEN: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def suffix(path: Path) -> str:
    """The suffix of what a file holds, in lower case: `.csv` of `A.CSV.gz`."""
    return Path(path.stem if path.suffix.lower() in _OPEN else path).suffix.lower()


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed; a `UserError` where it is damaged."""
    try:
        with _OPEN.get(path.suffix.lower(), open)(path, "rb") as file:
            yield file
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"{path}: not a whole file ({reason(error)}); bring it anew") from None


@contextmanager
def text(path: Path, encoding: str | None = None) -> Iterator[IO[str]]:
    """The text of a file, its line ends as they are.

    A byte order mark says the encoding, or the caller, or the zeros of UTF-16; else it is UTF-8.

    Raises:
        UserError: it is damaged, or of another encoding.
    """
    with opened(path) as file:
        found = _encoding(file.read(4096), encoding)
    try:
        with opened(path) as file:
            yield io.TextIOWrapper(file, found, newline="")
    except UnicodeDecodeError as error:
        with opened(path) as file:
            lines = io.TextIOWrapper(file, found, errors="replace", newline="")
            row = next((number for number, line in enumerate(lines, 1) if "\ufffd" in line), 1)
        # The second reads every byte, as mail and other texts of mixed origin need it.
        name, other = found.removesuffix("-sig"), "cp1252" if "utf-8" in found else "latin-1"
        raise UserError(
            f"{path}, row {row}: not {name.upper()} ({error.reason}); save it as UTF-8, or say "
            f"what it is, such as {other}: `encoding` in corpora.yaml, --encoding of `unroll add`"
        ) from None


def _encoding(start: bytes, said: str | None) -> str:
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # In UTF-16 every other byte of most texts is zero; no other text has that many.
    big, little = (start[at::2].count(0) > len(start) * 0.2 for at in (0, 1))
    return said or ("utf-16-le" if little else "utf-16-be" if big else "utf-8")
