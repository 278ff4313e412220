"""Which n-grams a model knows, and the rows that a text's n-grams have in its tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unroll.core.tokens import FIRST, PAD

NOTHING = PAD  # the row of what is no n-gram, not known, or seen before in its text


@dataclass(frozen=True)
class Table:
    """The n-grams of a model, each with a row.

    The first rows are those of the words, which have the numbers of their ids. A longer n-gram is
    known by its key: the row of all its words but the last, times `words`, plus the last word. As
    rows are numbered by their keys, n-grams of more words have greater keys, and one sorted array
    has those of all lengths.

    Attributes:
        words: ids of words, the special tokens included.
        keys: of the n-grams of two words and more, sorted, int64 (rows - words,).
        longest: the most words of an n-gram.
    """

    words: int
    keys: np.ndarray
    longest: int

    @property
    def rows(self) -> int:
        """How many rows the tables of the model have."""
        return self.words + len(self.keys)

    def read(self, ids: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """What a model reads at each step of texts.

        Args:
            ids: the words of all texts, one text after the other, integers (total,).
            ends: where each text ends in `ids`.

        Returns:
            int32 (total, 1 + longest): the word, then the rows of the n-grams of one word, of two
            and so on that end there; NOTHING where the text has had the n-gram before.
        """
        texts = texts_of(ends)
        columns, own = [ids.astype(np.int32)], known(ids)
        for _ in range(self.longest):
            columns.append(np.where(is_first(own, texts), own, NOTHING))
            own = self.longer(ids, own, texts)
        return np.stack(columns, axis=1)

    def longer(self, ids: np.ndarray, rows: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """The rows of n-grams of one more word than those that end at each step, int32."""
        keys = self.keys_of(ids, rows, texts)
        places = np.searchsorted(self.keys, keys)
        hit = np.append(self.keys, -1)[places] == keys
        return np.where(hit & (keys >= 0), self.words + places, NOTHING).astype(np.int32)

    def keys_of(self, ids: np.ndarray, rows: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Their keys, int64; -1 where they begin in another text or with what is not known."""
        before = np.append(NOTHING, rows[:-1]).astype(np.int64)
        whole = (np.diff(texts, prepend=-1) == 0) & (before != NOTHING) & (ids >= FIRST)
        return np.where(whole, before * self.words + ids, -1)


def texts_of(ends: np.ndarray) -> np.ndarray:
    """The number of the text that each step belongs to."""
    return np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))


def known(ids: np.ndarray) -> np.ndarray:
    """The rows of single words, int32."""
    return np.where(ids >= FIRST, ids, NOTHING).astype(np.int32)


def is_first(rows: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Where a row occurs for the first time in its text."""
    pairs = texts * (int(rows.max(initial=0)) + 1) + rows
    order = np.argsort(pairs, kind="stable")
    found = np.empty(len(rows), bool)
    found[order] = np.diff(pairs[order], prepend=-1) != 0
    return found
