"""Counts n-grams in the texts that a model learns from, and in no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from unroll.core.parts import Part
from unroll.models.ngrams.table import NOTHING, Table, is_first, known, texts_of

# Who looks at the counts: any text, or one that was counted itself, by its class.
VIEWS = 3


# What yields the texts to count in, some at a time, as often as it is called.
Blocks = Callable[[], Iterable[Part]]


def text_counts(blocks: Iterable[Part], size: int) -> np.ndarray:
    """How many texts have each id, int64 (size,)."""
    found = np.zeros(size, np.int64)
    for part in blocks:
        firsts = part.x[is_first(part.x, _texts(part))]
        found += np.bincount(firsts, minlength=size)
    return found


def frequent(blocks: Blocks, table: Table, least: int, error: float = 0.0) -> Table:
    """A table of words, and with it all longer n-grams that at least `least` of the texts have.

    An n-gram is in no more texts than the one that it begins with, so this finds all of them by
    adding a word to those that it has found.

    Args:
        table: has the words alone.
        error: see `Counter`.
    """
    for words in range(1, table.longest):
        counter = Counter(error)
        for part in blocks():
            texts, rows = _texts(part), known(part.x)
            for _ in range(1, words):
                rows = table.longer(part.x, rows, texts)
            every, found = np.unique(table.keys_of(part.x, rows, texts), return_inverse=True)
            counts = np.bincount(found[is_first(found, texts)], minlength=len(every))
            counter.add(every[every >= 0], counts[every >= 0], len(part))
        table = replace(table, keys=np.append(table.keys, counter.keys[counter.counts >= least]))
    return table


class Counter:
    """Adds up in how many texts each n-gram is, 16 bytes for each that is different.

    With an error of e, a count is never below the true one, and above it by at most e times the
    texts so far; an n-gram that is missing was in at most so many. About 1/e n-grams for each word
    of a text are then in memory at most. (Lossy counting: G. S. Manku and R. Motwani, Approximate
    frequency counts over data streams, VLDB 2002.) With an error of 0, counts are exact.

    Attributes:
        keys, counts: of the n-grams, sorted by key, int64.
    """

    def __init__(self, error: float = 0.0) -> None:
        self.keys, self.counts = np.empty(0, np.int64), np.empty(0, np.int64)
        self._error, self._texts, self._floor = error, 0, 0

    def add(self, keys: np.ndarray, counts: np.ndarray, texts: int) -> None:
        """Add how many of the next texts have some n-grams, each of them once and sorted."""
        new = counts + np.where(np.isin(keys, self.keys, assume_unique=True), 0, self._floor)
        self.keys, places = np.unique(np.append(self.keys, keys), return_inverse=True)
        before, self.counts = self.counts, np.zeros(len(self.keys), np.int64)
        np.add.at(self.counts, places, np.append(before, new))
        self._texts += texts
        floor = int(self._error * self._texts)
        if floor > self._floor:
            kept = self.counts > floor
            self.keys, self.counts, self._floor = self.keys[kept], self.counts[kept], floor


def ratios(blocks: Iterable[Part], rows: int, alpha: float) -> np.ndarray:
    """How much more frequent each n-gram is in texts of class 1 than in those of class 0.

    The naive-Bayes log-count ratio on the presence of n-grams (S. Wang and C. D. Manning, Baselines
    and bigrams, ACL 2012). A text that was counted finds its own class in the ratios of its rare
    n-grams, and a model that learns from it trusts these too much: on new texts they say less. So
    each such text is shown the ratios without itself.

    Args:
        blocks: what `Table.read` returned of the texts, with the class of each, 0 or 1.
        rows: of the table.
        alpha: is added to each count.

    Returns:
        float32 (VIEWS * rows,): what any other text sees, then what a counted text of class 0
        sees, then what one of class 1 sees.
    """
    counts = np.zeros((2, rows), np.int64)
    for part in blocks:
        labels = part.y[_texts(part)]
        for label in (0, 1):
            counts[label] += np.bincount(part.x[labels == label, 1:].ravel(), minlength=rows)

    def seen(without: tuple[int, int]) -> np.ndarray:
        low, high = (
            np.maximum(count - own, 0) + alpha for count, own in zip(counts, without, strict=True)
        )
        found = np.log(high) - np.log(low)
        found[NOTHING] = 0
        return found

    return np.concatenate([seen((0, 0)), seen((1, 0)), seen((0, 1))]).astype(np.float32)


def _texts(part: Part) -> np.ndarray:
    assert part.ends is not None
    return texts_of(part.ends)
