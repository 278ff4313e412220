"""Which n-grams a text has, counted from the ids of a prepared corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from unroll.core.datasets import Part
from unroll.core.tokens import UNKNOWN


@dataclass(frozen=True)
class Ngrams:
    """The n-grams that a model knows.

    Attributes:
        base: more than the largest id. An n-gram is the number that its ids are the digits of.
        keys: the n-grams of each size from 1 up, sorted, int64.
    """

    base: int
    keys: list[np.ndarray]

    @classmethod
    def of(cls, part: Part, base: int, most: int, least: int) -> Ngrams:
        """The n-grams of up to `most` ids that at least `least` rows of a part have.

        N-grams with a word that occurs only once are none of them.
        """
        row_of, keys = np.repeat(np.arange(len(part)), part.lengths), []
        for size in range(1, most + 1):
            key, place = _grams(part, base, size)
            order = np.argsort(key, kind="stable")  # rows in order within each key
            key, row = key[order], row_of[place][order]
            is_first = np.diff(key, prepend=-1) != 0
            begins = np.flatnonzero(is_first)
            is_new = is_first | (np.diff(row, prepend=-1) != 0)
            rows = np.add.reduceat(is_new, begins, dtype=np.int64) if len(key) else begins
            keys.append(key[begins][rows >= least])
        return cls(base, keys)

    def __len__(self) -> int:
        """How many n-grams these are."""
        return sum(map(len, self.keys))

    def counts(self, part: Part) -> csr_array:
        """How often each row has each n-gram, float64 (rows, n-grams)."""
        row_of = np.repeat(np.arange(len(part)), part.lengths)
        found = [(row_of[place], column) for _, column, place in self.places(part)]
        rows, columns = (np.concatenate(each).astype(np.int32) for each in zip(*found, strict=True))
        shape = len(part), len(self)
        matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
        matrix.sum_duplicates()
        return matrix

    def places(self, part: Part) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """For each size, the known n-grams: their columns, and where in `part.x` each ends."""
        first = 0
        for size, known in enumerate(self.keys, 1):
            key, place = _grams(part, self.base, size)
            column, order = np.empty(len(key), np.int64), np.argsort(key)
            # In order, as each search then begins near the last one, in the processor's cache.
            column[order] = np.searchsorted(known, key[order])
            column = np.minimum(column, max(len(known) - 1, 0))
            here = known[column] == key if len(known) else np.zeros(len(key), bool)
            yield size, column[here] + first, place[here]
            first += len(known)


def _grams(part: Part, base: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams of a size of all rows in order, int64, and where in `part.x` each ends."""
    if base**size >= 2**63:
        raise OverflowError(f"{size}-grams of {base} words have no number")
    assert part.ends is not None
    ids = part.x.astype(np.int64)
    key, known = ids, ids != UNKNOWN
    for _ in range(size - 1):
        key = np.r_[0, key[:-1]] * base + ids
        known = np.r_[False, known[:-1]] & (ids != UNKNOWN)
    within = np.arange(len(ids)) - np.repeat(part.ends - part.lengths, part.lengths)
    place = np.flatnonzero(known & (within >= size - 1))
    return key[place], place
