"""The prepared data of a corpus: what `preprocess` wrote, split as the protocol says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json
from unroll.core.arrays import read_array
from unroll.core.parts import Part
from unroll.core.paths import ABOUT, VALIDATION, prepared


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
    if protocol == "book":
        test = read(corpus, "test")
        return whole, np.arange(len(whole)), test, np.arange(len(test))
    rows = read_array(prepared(corpus) / VALIDATION)
    numbers = rows.ndim == 1 and rows.dtype.kind in "iu"
    if not numbers or not len(rows) or rows.min() < 0 or rows.max() >= len(whole):
        raise UserError(f"{prepared(corpus)}/{VALIDATION}: not rows of x_train; {HOW_TO_FIX}")
    learnt = np.ones(len(whole), bool)
    learnt[rows] = False
    return whole, np.flatnonzero(learnt), whole, rows
