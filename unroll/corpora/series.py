"""Series of numbers: whole ones, and windows of a long signal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple

import numpy as np

from harness.core.errors import UserError
from unroll.corpora.arrays import Part
from unroll.corpora.blocks import Series
from unroll.corpora.rows import Classes, Row

STEPS = 200_000  # of a long signal in an array, at a time


class Piece(NamedTuple):
    """Steps that follow each other: a series, or as much of it as is in memory."""

    key: tuple[str | None, ...]  # pieces with one key that follow each other are one series
    x: np.ndarray  # float32 (steps, channels)
    rows: list[Row]  # one a step, without `x`
    at: Sequence[Any]  # where each step is
    place: Callable[[Any], str]  # says it in words

    def where(self, step: int = 0) -> str:
        """The place of a step, for a message."""
        return self.place(self.at[step])


def joined(block: Series, pieces: Iterable[Piece]) -> Iterator[Row]:
    """The series of pieces, or their windows.

    A series has the group and the time of its first step. So has a window, whose group is otherwise
    its series, for windows overlap; its class is the last of its steps' classes in their order, so
    that one marked step marks the window.

    Raises:
        UserError: a value is not finite, the numbers of channels differ, a series has steps of
            several classes or splits, or is shorter than the window.
    """
    for _, run in groupby(_checked(pieces), lambda piece: piece.key):
        if block.window:
            yield from _windows(block, block.window, run)
            continue
        series = list(run)
        rows = [row for piece in series for row in piece.rows]
        if len({(row.label, row.split) for row in rows}) > 1:
            raise UserError(
                f"{series[0].where()}: a series begins whose rows differ in label or split; give "
                "all of them the same, or say `window: STEPS` in corpora.yaml"
            )
        yield rows[0]._replace(x=np.concatenate([piece.x for piece in series]))


def _checked(pieces: Iterable[Piece]) -> Iterator[Piece]:
    channels = 0
    for piece in pieces:
        bad = ~np.isfinite(piece.x).all(1)
        if bad.any():
            raise UserError(
                f"{piece.where(int(bad.argmax()))}: NaN or an infinite number; fill it in, or "
                "leave the row out"
            )
        channels = channels or piece.x.shape[1]
        if piece.x.shape[1] != channels:
            raise UserError(
                f"{piece.where()}: {piece.x.shape[1]} channels, but {channels} before it; give "
                "every series the same channels"
            )
        yield piece


def _windows(block: Series, size: int, run: Iterator[Piece]) -> Iterator[Row]:
    first = next(run)
    x, rows, own = first.x[:0], first.rows[:0], str(first.key)
    start = total = 0  # where the next window begins in `x`, and how many there were
    for piece in chain([first], run):
        x, rows = np.concatenate([x, piece.x]), rows + piece.rows
        names = [None, *(block.classes or sorted({row.label for row in rows if row.label}))]
        ranks = {name: rank for rank, name in enumerate(names)}
        marks = np.array([ranks[row.label] for row in rows])
        while start + size <= len(x):
            label = names[marks[start : start + size].max()]
            group = rows[start].group or own
            yield rows[start]._replace(x=x[start : start + size], label=label, group=group)
            start, total = start + block.stride, total + 1
        past = min(start, len(x))
        x, rows, start = x[past:], rows[past:], start - past
    if not total:
        raise UserError(
            f"{first.where()}: a series of {len(x)} steps, fewer than the window's {size}; make "
            "the window smaller, or leave the series out"
        )


def pieces(block: Series, parts: Iterable[Part]) -> Iterator[Piece]:
    """The series of arrays of shape (n, steps) or (n, steps, channels).

    With a window, an array of shape (steps,) or (steps, channels) is one long signal, whose labels
    are those of the steps.
    """
    classes = Classes(block)
    for part in parts:
        long = bool(block.window) and part.x.ndim < 3
        x = part.x[..., None] if part.x.ndim == 2 - long else part.x
        if x.ndim != 3 - long or x.dtype.kind not in "fiu" or not x.size:
            raise UserError(
                f"{part.name}: {x.dtype} of shape {part.x.shape}, expected numbers of shape "
                "(series, steps[, channels]), or one signal and a window; reshape it"
            )
        size = STEPS if long else 1
        for at in range(0, len(x), size):
            with np.errstate(over="ignore"):
                found = np.asarray(x[at : at + size], np.float32)
            here = range(at, at + len(found))
            names = [classes.name(part.labels[row], part.place, row) for row in here]
            rows, key = [Row(None, name, part.split) for name in names], (part.name,)
            if long:
                yield Piece(key, found, rows, here, part.place)
            else:
                steps = x.shape[1]
                yield Piece((*key, str(at)), found[0], rows * steps, [at] * steps, part.place)
