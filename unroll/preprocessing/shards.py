"""A shard of texts on its own: encoded by its own words, counted, and written to its place.

Each function is called in some process, for one shard; what is known of all shards comes from
`unroll.preprocessing.texts`. Between the calls, a shard is two files: the number of each word and
mark of its texts, and the words by their numbers. Marks have the first numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unroll.core.tokens import FIRST, UNKNOWN
from unroll.corpora.blocks import Text
from unroll.corpora.reading import Shard
from unroll.preprocessing.found import EMPTY, Kept, keep
from unroll.preprocessing.words import MARKS, tokens

NUMBER = np.dtype(np.int32)
_MARKS = frozenset(MARKS)


class Encoded(NamedTuple):
    """What is known of the kept texts of a shard.

    Attributes:
        items: words and marks of each, int32 (n,).
        words: words of each, int32 (n,).
    """

    kept: Kept
    items: np.ndarray
    words: np.ndarray


class Place(NamedTuple):
    """Where some texts of a shard belong.

    Attributes:
        file: that is being written.
        at: the byte of the first item.
        chosen: which texts of the shard, bool (n,).
    """

    file: Path
    at: int
    chosen: np.ndarray


class _Numbers(dict[str, int]):
    """The numbers of words, each new word the next one."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def encode(block: Text, shard: Shard, path: Path) -> Encoded:
    """Read a shard, and write its two files.

    Args:
        path: of its files, without a suffix.

    Raises:
        UserError: as `unroll.corpora.reading.read`.
    """
    numbers = _Numbers((mark, number) for number, mark in enumerate(MARKS))
    items, words = list[int](), list[int]()
    with _ids(path).open("wb") as file:

        def add(text: str) -> int:
            found = tokens(text)
            known = [token for token in found if token not in _MARKS]
            if not known:
                return EMPTY
            file.write(np.array([numbers[token] for token in found], NUMBER).data)
            items.append(len(found))
            words.append(len(known))
            digest = hashlib.blake2b(" ".join(known).encode(), digest_size=7)
            return int.from_bytes(digest.digest())

        kept = keep(shard(), block, add)
    write_words(_words(path), list(numbers)[len(MARKS) :])
    return Encoded(kept, np.array(items, np.int32), np.array(words, np.int32))


def count(path: Path, items: np.ndarray, chosen: np.ndarray) -> tuple[str, np.ndarray]:
    """How often each word of a shard is in some of its texts.

    Args:
        items: as in `Encoded`.
        chosen: which texts, bool (n,).

    Returns:
        The words that are, a line each, and their counts, int64.
    """
    words = read_words(_words(path))
    found = np.fromfile(_ids(path), NUMBER)[np.repeat(chosen, items)]
    counts = np.bincount(found, minlength=len(MARKS) + len(words))[len(MARKS) :]
    there = np.flatnonzero(counts)
    return "\n".join(words[number] for number in there), counts[there]


def write(
    path: Path, items: np.ndarray, vocabulary: Path, dtype: np.dtype, places: Sequence[Place]
) -> None:
    """Write the ids of the texts of a shard to their places.

    Args:
        items: as in `Encoded`.
        vocabulary: the file that `write_words` wrote of the known words, in the order of their ids.
        dtype: of the ids.
    """
    known = _known(vocabulary)
    words = (known.get(word, UNKNOWN) for word in read_words(_words(path)))
    marks = range(FIRST + len(known), FIRST + len(known) + len(MARKS))
    ids = np.array([*marks, *words], dtype)
    found = np.fromfile(_ids(path), NUMBER)
    for place in places:
        with place.file.open("r+b") as file:
            file.seek(place.at)
            file.write(ids[found[np.repeat(place.chosen, items)]].data)


def write_words(path: Path, words: Sequence[str]) -> None:
    """Write words, none of which has a line end, a line each."""
    path.write_text("\n".join(words), "utf-8", newline="\n")


def read_words(path: Path) -> list[str]:
    """What `write_words` wrote."""
    return path.read_text("utf-8").split("\n") if path.stat().st_size else []


@lru_cache(1)
def _known(vocabulary: Path) -> dict[str, int]:
    return {word: id for id, word in enumerate(read_words(vocabulary), FIRST)}


def _ids(path: Path) -> Path:
    return path.with_suffix(".ids")


def _words(path: Path) -> Path:
    return path.with_suffix(".words")
