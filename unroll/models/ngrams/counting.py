"""Counts n-grams in the texts that a model learns from, and in no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unroll.models.ngrams.table import NOTHING, Table, is_first, known, texts_of

# Who looks at the counts: any text, or one that was counted itself, by its class.
VIEWS = 3


def text_counts(ids: np.ndarray, ends: np.ndarray, size: int) -> np.ndarray:
    """How many texts have each id, int64 (size,).

    Args:
        ids, ends: as `Table.read` takes them.
    """
    return np.bincount(ids[is_first(ids, texts_of(ends))], minlength=size)


def frequent(ids: np.ndarray, ends: np.ndarray, table: Table, least: int) -> Table:
    """A table of words, and with it all longer n-grams that at least `least` of the texts have.

    An n-gram is in no more texts than the one that it begins with, so this finds all of them by
    adding a word to those that it has found.

    Args:
        ids, ends: as `Table.read` takes them.
        table: has the words alone.
    """
    texts, rows = texts_of(ends), known(ids)
    for _ in range(table.longest - 1):
        every, found = np.unique(table.keys_of(ids, rows, texts), return_inverse=True)
        counts = np.bincount(found[is_first(found, texts)], minlength=len(every))
        kept = every[(counts >= least) & (every >= 0)]
        table = replace(table, keys=np.append(table.keys, kept))
        rows = table.longer(ids, rows, texts)
    return table


def ratios(
    read: np.ndarray, ends: np.ndarray, y: np.ndarray, rows: int, alpha: float
) -> np.ndarray:
    """How much more frequent each n-gram is in texts of class 1 than in those of class 0.

    The naive-Bayes log-count ratio on the presence of n-grams (S. Wang and C. D. Manning, Baselines
    and bigrams, ACL 2012). A text that was counted finds its own class in the ratios of its rare
    n-grams, and a model that learns from it trusts these too much: on new texts they say less. So
    each such text is shown the ratios without itself.

    Args:
        read: what `Table.read` returned of the texts.
        y: the class of each text, 0 or 1.
        rows: of the table.
        alpha: is added to each count.

    Returns:
        float32 (VIEWS * rows,): what any other text sees, then what a counted text of class 0
        sees, then what one of class 1 sees.
    """
    labels = y[texts_of(ends)]
    counts = [np.bincount(read[labels == label, 1:].ravel(), minlength=rows) for label in (0, 1)]

    def seen(without: tuple[int, int]) -> np.ndarray:
        low, high = (
            np.maximum(count - own, 0) + alpha for count, own in zip(counts, without, strict=True)
        )
        found = np.log(high) - np.log(low)
        found[NOTHING] = 0
        return found

    return np.concatenate([seen((0, 0)), seen((1, 0)), seen((0, 1))]).astype(np.float32)
