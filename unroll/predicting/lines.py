"""Lines of a file or of standard input, as soon as they arrive."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.errors import UserError

# Lines: enough for fast arithmetic, few enough for steady answers.
BATCH = 256
CHUNK = 1 << 18  # bytes
# A hundred times the longest review; a file without line ends is no list of reviews.
MOST_CHARACTERS = 2_000_000
STDIN = 0  # its descriptor; sys.stdin is None if it is closed
STDIN_NAME = "standard input"

# Byte order marks, and the codecs that read what follows them. PowerShell writes UTF-16.
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins with the mark of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Stands for undecodable bytes; no codec produces it.
_UNREADABLE = "\udcff"
codecs.register_error("unreadable", lambda error: (_UNREADABLE, error.end))  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Line:
    """One line without its end.

    Attributes:
        place: the file and the number, for messages.
        text: None if it cannot be decoded.
    """

    number: int
    place: str
    text: str | None


def line(number: int, place: str, text: str) -> Line:
    """A line that was decoded with the error handler `unreadable`."""
    return Line(number, place, None if _UNREADABLE in text else text)


def batches(descriptor: int, name: str) -> Iterator[list[Line]]:
    """The lines of an open file that are not blank, numbered from 1 with the blank ones.

    A batch has the lines that have arrived, at most `BATCH`: a typed line comes immediately and
    alone, a file in large batches. The text is UTF-8 unless a byte order mark says otherwise.

    Args:
        name: of the file, for messages.

    Raises:
        UserError: a line is longer than `MOST_CHARACTERS`, or the file is in another encoding.
    """
    number, rest = 0, ""
    for text in _decoded(descriptor):
        *whole, rest = (rest + text).split("\n")
        found = []
        for content in whole:
            number += 1
            if "\0" in content:
                raise UserError(
                    f"{name}, line {number}: has zero bytes, as UTF-16 does; save it as UTF-8, "
                    "or as UTF-16 with a byte order mark"
                )
            if content.strip():
                found.append(line(number, f"{name}, line {number}", content))
        for start in range(0, len(found), BATCH):
            yield found[start : start + BATCH]
        if len(rest) > MOST_CHARACTERS:
            raise UserError(
                f"{name}, line {number + 1}: longer than {MOST_CHARACTERS} characters; "
                "expected one review or code a line"
            )


def _decoded(descriptor: int) -> Iterator[str]:
    """The text of an open file as it arrives, with a line end after the last line."""
    decoder, waiting, at_end = None, b"", False
    while not at_end:
        chunk = os.read(descriptor, CHUNK)
        at_end = not chunk
        waiting += chunk
        if decoder is None:
            if not at_end and any(mark.startswith(waiting) for mark in MARKS):
                continue  # this may be a part of a mark
            codec = next((MARKS[mark] for mark in MARKS if waiting.startswith(mark)), "utf-8")
            decoder = codecs.getincrementaldecoder(codec)("unreadable")
        yield decoder.decode(waiting, at_end) + ("\n" if at_end else "")
        waiting = b""
