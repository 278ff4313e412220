"""What is known of each row of a corpus beside its content, in the order of the corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unroll.corpora.blocks import Corpus
from unroll.corpora.rows import SPLITS, Rows

# In place of the digest of a text without words.
EMPTY = -1


@dataclass
class Kept:
    """The rows of a shard that are kept, and how many are not."""

    labels: list[str | None] = field(default_factory=list)
    given: list[str | None] = field(default_factory=list)
    groups: list[str | None] = field(default_factory=list)
    times: list[float | None] = field(default_factory=list)
    digests: list[int | None] = field(default_factory=list)  # equal for copies of one text
    empty: int = 0
    without_label: int = 0


def keep(chunks: Iterable[Rows], block: Corpus, add: Callable[[Any], int | None]) -> Kept:
    """Leave out rows without content, or without a label where others have one.

    Args:
        add: is given the content of each other row; returns its digest, or `EMPTY`.
    """
    kept = Kept()
    for rows in chunks:
        for x, label, split, group, time in zip(
            rows.x, rows.label, rows.split, rows.group, rows.time, strict=True
        ):
            if block.label is not None and label is None:
                kept.without_label += 1
            elif (digest := add(x)) == EMPTY:
                kept.empty += 1
            else:
                kept.digests.append(digest)
                kept.labels.append(label)
                kept.given.append(split)
                kept.groups.append(group)
                kept.times.append(time)
    return kept


class Names:
    """A column of texts as numbers, 4 bytes a row.

    Attributes:
        names: each one once, in the order in which they came.
    """

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self._numbers: dict[str | None, int] = {None: -1} | {n: i for i, n in enumerate(names)}
        self._parts = [np.empty(0, np.int32)]

    def add(self, names: list[str | None]) -> None:
        """Append rows."""
        for name in dict.fromkeys(names):
            if name is not None and name not in self._numbers:
                self._numbers[name] = len(self.names)
                self.names.append(name)
        self._parts.append(np.array([self._numbers[name] for name in names], np.int32))

    @property
    def numbers(self) -> np.ndarray:
        """The place in `names` of the text of each row, int32 (n,); -1 where there is none."""
        self._parts = [np.concatenate(self._parts)]
        return self._parts[0]


class Found:
    """The kept rows of all shards; memory takes 12 to 28 bytes a row.

    Attributes:
        labels, given, groups: columns of texts; `given` is the split where the corpus says it.
        empty, without_label: how many rows were left out.
    """

    def __init__(self) -> None:
        self.labels, self.given, self.groups = Names(), Names(*SPLITS), Names()
        self.empty = self.without_label = 0
        self._times, self._digests = [np.empty(0)], [np.empty(0, np.int64)]

    def __len__(self) -> int:
        return len(self.labels.numbers)

    def add(self, kept: Kept) -> None:
        """Append the rows of the next shard."""
        self.empty += kept.empty
        self.without_label += kept.without_label
        self.labels.add(kept.labels)
        self.given.add(kept.given)
        self.groups.add(kept.groups)
        if set(kept.times) != {None}:
            self._times.append(np.array(kept.times, np.float64))
        if set(kept.digests[:1]) != {None}:
            self._digests.append(np.array(kept.digests, np.int64))

    @property
    def times(self) -> np.ndarray:
        """Seconds or numbers, float64 (n,), NaN where a row has none; empty without times."""
        self._times = [np.concatenate(self._times)]
        return self._times[0]

    @property
    def digests(self) -> np.ndarray:
        """Of texts, int64 (n,); empty for other kinds."""
        self._digests = [np.concatenate(self._digests)]
        return self._digests[0]
