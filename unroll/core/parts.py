"""Rows of a corpus as they are stored: some of them, their ends, or all without some ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

# Rows to pad at a time: enough for fast indexing, few enough for any memory.
BLOCK = 1000
# Ids of a part up to which those that a model reads are copied; of more, rows leave the others out
# whenever they are read.
COPIED = 2**26


@dataclass(frozen=True)
class Part:
    """Some rows of a corpus.

    Attributes:
        x: of one length, (n, steps, features), bytes; or else the steps of all rows one after the
            other: ids of words and marks (total,), or float32 (total, features).
        y: numbers of classes, (n,); empty without labels.
        ends: where each row ends in `x`, int64 (n,); None where rows have one length.
    """

    x: np.ndarray
    y: np.ndarray
    ends: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x if self.ends is None else self.ends)

    @property
    def lengths(self) -> np.ndarray:
        """The steps of each row, int64 (n,)."""
        if self.ends is None:
            return np.full(len(self.x), self.x.shape[1])
        return np.diff(self.ends, prepend=0)

    def below(self, limit: int) -> Part:
        """The same rows of ids, without the ids from `limit` on."""
        assert self.ends is not None
        if len(self.x) > COPIED:
            return Late(self.x, self.y, self.ends, lambda part, _: part._without(limit))
        return self._without(limit)

    def _without(self, limit: int) -> Part:
        assert self.ends is not None
        kept = self.x < limit
        before = np.searchsorted(np.flatnonzero(~kept), self.ends)
        return Part(self.x[kept], self.y, self.ends - before)

    def take(self, rows: np.ndarray, last: int | None = None) -> Part:
        """Some rows, or so many of their last items."""
        y = self.y[rows] if len(self.y) else self.y
        if self.ends is None:
            return Part(self.x[rows], y)
        lengths = self.ends[rows] - self._begins(rows)
        lengths = lengths if last is None else np.minimum(lengths, last)
        ends = np.cumsum(lengths)
        places = np.arange(lengths.sum()) + np.repeat(self.ends[rows] - ends, lengths)
        return Part(self.x[places], y, ends)

    def padded(
        self, steps: int, fill: float, rows: np.ndarray | None = None, head: int = 0
    ) -> np.ndarray:
        """Rows of one length, (n, steps, ...): of long ones the end, short ones filled in front.

        Args:
            rows: which ones, all by default.
            head: of long ones, so many of the steps are their first ones.
        """
        rows = np.arange(len(self)) if rows is None else rows
        if self.ends is None:
            return self.x[rows]
        shape = (len(rows), steps, *self.x.shape[1:])
        found = np.full(shape, fill, self.x.dtype)
        for first in range(0, len(rows), BLOCK):
            block = rows[first : first + BLOCK]
            ends, begins = (each[:, np.newaxis] for each in (self.ends[block], self._begins(block)))
            places = ends - steps + np.arange(steps)
            long = (places[:, 0] > begins[:, 0]) & (head > 0)
            places[long, :head] = begins[long] + np.arange(head)
            inside = places >= begins
            found[first : first + BLOCK][inside] = self.x[places[inside]]
        return found

    def _begins(self, rows: np.ndarray) -> np.ndarray:
        """Where rows begin in `x`."""
        assert self.ends is not None
        return np.where(rows > 0, self.ends[rows - 1], 0)


@dataclass(frozen=True)
class Late(Part):
    """A part whose rows are changed whenever some are taken, so that they are never all in memory.

    Attributes:
        change: makes of some rows, and of their numbers in this part, what they read as.
        shortens: whether that may leave out steps.
    """

    change: Callable[[Part, np.ndarray], Part] = lambda part, _: part
    shortens: bool = True

    @property
    def lengths(self) -> np.ndarray:
        """The steps of each row as they are read, int64 (n,)."""
        if not self.shortens:
            return super().lengths
        return np.concatenate([self.take(block).lengths for block in in_blocks(len(self), BLOCK)])

    def take(self, rows: np.ndarray, last: int | None = None) -> Part:
        """Some rows as they are read, in memory."""
        found = self.change(super().take(rows), rows)
        return found if last is None else found.take(np.arange(len(found)), last)

    def padded(
        self, steps: int, fill: float, rows: np.ndarray | None = None, head: int = 0
    ) -> np.ndarray:
        """As that of `Part`."""
        rows = np.arange(len(self)) if rows is None else rows
        blocks = (self.take(rows[block]) for block in in_blocks(len(rows), BLOCK))
        return np.concatenate([block.padded(steps, fill, head=head) for block in blocks])


def in_blocks(count: int, size: int) -> Iterator[np.ndarray]:
    """The numbers from 0 to `count`, so many at a time; one empty block if there are none."""
    for first in range(0, max(count, 1), size):
        yield np.arange(first, min(first + size, count))
