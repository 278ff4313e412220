"""Series in `.ts` files of the UCR and UEA archives: several channels, variable lengths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.core.errors import UserError
from unroll.corpora import folders
from unroll.corpora.blocks import Series
from unroll.corpora.opening import suffix, text
from unroll.corpora.rows import Classes, Row
from unroll.corpora.series import Piece


def files(path: Path) -> folders.Files:
    """The `.ts` files of a path with their splits; a `UserError` for two of one split."""
    found = folders.files(path, lambda file: suffix(file) == ".ts")
    if len({split for _, split in found}) < len(found):
        raise UserError(
            f"{path}: {len(found)} .ts files, expected one, or one with TRAIN and one with TEST in "
            "its name; move the others elsewhere"
        )
    return found


def pieces(block: Series, path: Path, split: str | None) -> Iterator[Piece]:
    """Each series of a file.

    Raises:
        UserError: the file is no `.ts` file, has timestamps or targets that are no classes, or a
            series has a missing value or channels of unequal lengths.
    """
    classes, labeled, data = Classes(block), False, False
    with text(path, block.encoding) as file:
        for number, line in enumerate(map(str.strip, file), 1):
            place = f"{path}, row {number}"
            if not line or line[0] in "#%":
                continue
            if data:
                channels = line.split(":")
                label = channels.pop() if labeled else None
                row, x = (
                    Row(None, classes.name(label, str, place), split),
                    _numbers(channels, place),
                )
                yield Piece((place,), x, [row] * len(x), [place] * len(x), str)
                continue
            key, *said = line.casefold().split()
            data = key == "@data"
            if said[:1] == ["true"] and key in ("@timestamps", "@targetlabel"):
                raise UserError(f"{place}: {key[1:]}; write values, and classes if any, alone")
            labeled |= said[:1] == ["true"] and key == "@classlabel"
    if not data:
        raise UserError(f"{path}: no row `@data`, which begins the series of a .ts file; add it")


def _numbers(channels: list[str], place: str) -> np.ndarray:
    try:
        found = [np.array(channel.split(","), np.float32) for channel in channels]
    except ValueError:
        raise UserError(f"{place}: a value is missing or is no number; fill it in") from None
    lengths = sorted(map(len, found)) or [0]
    if lengths[0] != lengths[-1]:
        raise UserError(
            f"{place}: channels of {lengths[0]} and of {lengths[-1]} steps, expected one length a "
            "series; complete the shorter ones"
        )
    return np.stack(found, axis=1)
