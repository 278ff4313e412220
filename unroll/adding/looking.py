"""What a corpus is, found as `preprocess` finds it: classes, lengths, copies, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unroll.core.datasets import About
from unroll.corpora.blocks import Block, Text
from unroll.corpora.reading import find_tables
from unroll.corpora.tables import open_table
from unroll.preprocessing.corpus import collect, copies_of, divide, mistakes_of
from unroll.preprocessing.work import work_for

SHOWN = 12  # classes that are listed; the others are counted
UNIT = {"text": "words", "series": "steps", "images": "steps"}


@dataclass(frozen=True)
class Seen:
    """A corpus as `preprocess` would prepare it.

    Attributes:
        kind: text, series or images.
        classes: rows of each class, the most frequent first; none without labels.
        train, test: rows of each split.
        lengths: steps or words of each row, int64 (n,).
        empty, without_label: rows that are left out.
        copies: of texts, as `preprocess` counts them.
        blank: empty cells by column of a table; columns without any are left out.
    """

    kind: str
    classes: dict[str, int]
    train: int
    test: int
    lengths: np.ndarray
    empty: int
    without_label: int
    copies: dict[str, int]
    blank: dict[str, int]

    @property
    def about(self) -> About:
        """What the check of a model's fit reads."""
        steps = int(self.lengths.min()), int(self.lengths.max())
        return About(self.kind, list(self.classes), "rows", "class", steps)

    def lines(self) -> Iterator[str]:
        """What a person is told."""
        rows = self.train + self.test
        yield f"rows: {rows:,}; {self.train:,} train, {self.test:,} test"
        if self.empty or self.without_label:
            yield f"left out: {self.empty:,} rows empty, {self.without_label:,} without a label"
        if blank := ", ".join(f"{count:,} in {name}" for name, count in self.blank.items()):
            yield f"empty cells: {blank}"
        shares = [f"{name} ({count / rows:.1%})" for name, count in self.classes.items()]
        more = [f"and {len(shares) - SHOWN} others"] if len(shares) > SHOWN else []
        counted = f"{len(shares)}; {', '.join(shares[:SHOWN] + more)}"
        yield f"classes: {counted if shares else 'none, the rows have no labels'}"
        least, median, most = np.quantile(self.lengths, [0, 0.5, 1]).astype(int)
        yield f"{UNIT[self.kind]} a row: least {least:,}, median {median:,}, most {most:,}"
        if self.copies:
            inside = self.copies["train"] + self.copies["test"]
            yield f"copies: {inside:,} within a split, {self.copies['both']:,} texts in both"


def look(name: str, block: Block) -> Seen:
    """Read a corpus once, as `preprocess` does; nothing is written but a scratch file.

    Raises:
        UserError: `preprocess` would refuse the corpus, with the same line.
    """
    with work_for(Path(block.path)) as work, mistakes_of(name, block):
        kind, found = collect(block, work)
        division = divide(block, found)
        lengths = kind.lengths
    counts = np.bincount(division.labels, minlength=len(division.classes))
    order = np.argsort(-counts, kind="stable")
    tests = int(division.tests.sum())
    return Seen(
        kind=block.kind,
        classes={division.classes[i]: int(counts[i]) for i in order} if division.classes else {},
        train=len(lengths) - tests,
        test=tests,
        lengths=lengths,
        empty=found.empty,
        without_label=found.without_label,
        copies=copies_of(found, division.tests),
        blank=_blank(block),
    )


def _blank(block: Block) -> dict[str, int]:
    """Empty cells by column; numbers have none, for `preprocess` refuses them."""
    columns = list(dict.fromkeys(block.text if isinstance(block, Text) else []))
    columns += [block.label] if columns and block.label else []
    counts = dict.fromkeys(columns, 0)
    for path, _ in find_tables(Path(block.path)) if columns else []:
        for frame in open_table(path, block.encoding).chunks(columns, 1000):
            for name in columns:
                counts[name] += int((frame[name].str.strip() == "").sum())
    return {name: count for name, count in counts.items() if count}
