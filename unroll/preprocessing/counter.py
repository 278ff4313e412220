"""Counts words exactly or, with a limit of the error, in memory that does not grow with a corpus.

Lossy counting: G. S. Manku and R. Motwani, Approximate frequency counts over data streams, VLDB
2002; here a stretch of the stream is a shard, and a count bounds the true one from above.
"""

from __future__ import annotations

from collections.abc import Iterable


class Counter:
    """Adds up the counts of shards.

    With an error of e, a count is never below the true one, and above it by at most e times the
    words counted so far; a word that is missing occurred at most so often. About 1/e words at most,
    and those of a shard, are then in memory. With an error of 0, counts are exact, and every word
    is in memory, with about 120 bytes.
    """

    def __init__(self, error: float = 0.0) -> None:
        self.counts: dict[str, int] = {}
        self._error, self._total, self._floor = error, 0, 0

    def add(self, words: Iterable[str], counts: list[int]) -> None:
        """Add how often some words, each of them once, are in the next shard."""
        found, floor = self.counts, self._floor
        for word, count in zip(words, counts, strict=True):
            found[word] = found.get(word, floor) + count
        self._total += sum(counts)
        self._floor = int(self._error * self._total)
        if self._floor > floor:
            self.counts = {word: n for word, n in found.items() if n > self._floor}
