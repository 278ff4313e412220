"""Lines of a file or of standard input, as soon as they are there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.errors import UserError

# Enough for the arithmetic to be fast, few enough for answers to come steadily.
BATCH = 256
CHUNK = 1 << 18
# A hundred times the longest review; a file without line ends is no list of reviews.
MOST_BYTES = 2_000_000
BOM = b"\xef\xbb\xbf"
STDIN = 0  # its descriptor; Python has no object for it where it is closed


@dataclass(frozen=True)
class Line:
    """One line without its end.

    Attributes:
        place: where it stands, for messages.
        text: None where the line is not UTF-8.
    """

    number: int
    place: str
    text: str | None


def line(number: int, place: str, content: bytes) -> Line:
    """Decode a line."""
    try:
        return Line(number, place, content.decode("utf-8"))
    except UnicodeDecodeError:
        return Line(number, place, None)


def batches(descriptor: int, name: str) -> Iterator[list[Line]]:
    """The lines of an open file that are not blank, numbered from 1 with the blank ones.

    A batch holds what has arrived, `BATCH` lines at most: a line that is typed comes at once and
    alone, a file comes in large pieces.

    Args:
        name: of the file, for messages.

    Raises:
        UserError: a line is longer than `MOST_BYTES`.
    """
    number, rest, chunk = 0, b"", b" "
    while chunk:
        chunk = os.read(descriptor, CHUNK)
        rest += chunk
        *whole, rest = rest.split(b"\n") if chunk else [rest, b""]
        found = []
        for content in whole:
            number += 1
            content = content.removeprefix(BOM) if number == 1 else content
            if content.strip():
                found.append(line(number, f"{name}, line {number}", content))
        for start in range(0, len(found), BATCH):
            yield found[start : start + BATCH]
        if len(rest) > MOST_BYTES:
            raise UserError(
                f"{name}, line {number + 1}: longer than {MOST_BYTES} bytes; "
                "expected one review or code a line"
            )
