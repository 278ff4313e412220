"""The prepared data of a corpus: what `preprocess` wrote, split as the protocol says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json
from unroll.core.arrays import read_array
from unroll.core.paths import ABOUT, VALIDATION, prepared

# Rows to pad at a time: enough for fast indexing, few enough for any memory.
BLOCK = 1000


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
        kept = self.x < limit
        before = np.searchsorted(np.flatnonzero(~kept), self.ends)
        return Part(self.x[kept], self.y, self.ends - before)

    def take(self, rows: np.ndarray, last: int | None = None) -> Part:
        """Some rows, or so many of their last items."""
        if self.ends is None:
            return Part(self.x[rows], self.y[rows] if len(self.y) else self.y)
        lengths = self.lengths[rows]
        lengths = lengths if last is None else np.minimum(lengths, last)
        ends = np.cumsum(lengths)
        places = np.arange(lengths.sum()) + np.repeat(self.ends[rows] - ends, lengths)
        return Part(self.x[places], self.y[rows] if len(self.y) else self.y, ends)

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
            ends = self.ends[block, np.newaxis]
            places = ends - steps + np.arange(steps)
            begins = ends - self.lengths[block, np.newaxis]
            long = (places[:, 0] > begins[:, 0]) & (head > 0)
            places[long, :head] = begins[long] + np.arange(head)
            inside = places >= begins
            found[first : first + BLOCK][inside] = self.x[places[inside]]
        return found


@dataclass(frozen=True)
class About:
    """What `preprocess` found out about a corpus.

    Attributes:
        kind: `text`, `series` or `images`.
        classes: their names by number; none: the rows have no classes.
        rows, label: what a row is called, in the plural, and what a class is.
        steps: the fewest and the most of a row.
        features: numbers a step; 0 where steps are words.
        examples: a row of the test split for each class, to draw.
        normal: the name of the class that is normal, the others being anomalies.
        channels: of a pixel, or the names of those of a series.
        stride: steps from one row to the next, where rows are windows of a long signal; else 0.
        columns: the steps of an image are its columns.
        scale: what was taken away from each channel of a series, `mean`, and what it was divided
            by, `deviation`.
        reads: how files of such rows without labels are read, see `unroll.corpora.blocks`.
    """

    kind: str
    classes: list[str]
    rows: str
    label: str
    steps: tuple[int, int]
    features: int = 0
    examples: tuple[int, ...] = ()
    normal: str | None = None
    channels: tuple[str, ...] = ()
    stride: int = 0
    columns: bool = False
    scale: dict[str, list[float]] | None = None
    reads: dict[str, Any] = field(default_factory=dict)

    @property
    def is_gray(self) -> bool:
        """Whether rows are images of one channel."""
        return self.kind == "images" and len(self.channels) < 2


def about(corpus: str) -> About:
    """What `preprocess` found out about a corpus.

    Raises:
        UserError: the file is missing or damaged.
    """
    return described(prepared(corpus))


def described(folder: Path) -> About:
    """The same from the folder that has the file."""
    path = folder / ABOUT
    try:
        return About(**read_json(path)["about"])
    except (KeyError, TypeError):
        raise UserError(f"{path}: not a description of a corpus; {HOW_TO_FIX}") from None


def read(corpus: str, split: str) -> Part:
    """One split, mapped into memory.

    Raises:
        UserError: a file is missing or damaged, or they do not belong together.
    """
    folder, found = prepared(corpus), about(corpus)
    x = read_array(folder / f"x_{split}.npy")
    y = read_array(folder / f"y_{split}.npy") if found.classes else np.empty(0, np.uint8)
    ends = None if found.kind == "images" else read_array(folder / f"ends_{split}.npy")
    part = Part(x, y, ends)
    wrong = ends is not None and (not len(ends) or ends[-1] != len(x))
    if wrong or not len(part) or (found.classes and len(y) != len(part)):
        labels = f" and {len(y)} labels" if found.classes else ""
        raise UserError(f"{folder}: {split} has {len(part)} inputs{labels}; {HOW_TO_FIX}")
    return part


def training(corpus: str, protocol: str) -> tuple[Part, np.ndarray, Part, np.ndarray]:
    """What to train on, and what to validate on and pick thresholds with: parts and rows of them.

    Args:
        protocol: `holdout` validates on rows held out from the training split; `book` trains on
            the whole split and validates on the test split, as the chapter did.
    """
    whole = read(corpus, "train")
    every = np.arange(len(whole))
    if protocol == "book":
        test = read(corpus, "test")
        return whole, every, test, np.arange(len(test))
    rows = read_array(prepared(corpus) / VALIDATION)
    numbers = rows.ndim == 1 and rows.dtype.kind in "iu"
    if not numbers or not len(rows) or rows.min() < 0 or rows.max() >= len(whole):
        raise UserError(f"{prepared(corpus)}/{VALIDATION}: not rows of x_train; {HOW_TO_FIX}")
    return whole, np.setdiff1d(every, rows), whole, rows
