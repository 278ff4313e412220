"""Reviews to integers and back: cleaning, words, and the encoding of the text models."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from harness.core.errors import UserError
from harness.core.files import read_json, write_text
from unroll.core.datasets import SPECIAL_TOKENS

# Ids below FIRST are special tokens: the word of rank r (from 1) has the id r + 3.
PAD, START, UNKNOWN, UNUSED = range(4)
FIRST = len(SPECIAL_TOKENS)

# More than almost every word and its separators; what is read first of a review's end.
CHARACTERS_A_WORD = 9

# Rows that are encoded before they are written.
BLOCK = 1000

_TAG = re.compile(r"<br\s*/?>|</?[a-z][^<>]*>", re.IGNORECASE)


class _Separators(dict[int, str]):
    """A `str.translate` table: letters, digits and apostrophes stay, all else becomes a space."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kept = character if character.isalnum() or character == "'" else " "
        self[code] = kept
        return kept


_SEPARATORS = _Separators()


def clean(text: str) -> str:
    """Lower-case `text` with markup and punctuation turned into spaces; apostrophes stay."""
    return _TAG.sub(" ", text).lower().translate(_SEPARATORS)


def words(text: str) -> list[str]:
    """The words of one review in order, lower-case, without markup and punctuation."""
    return clean(text).split()


def _end(text: str, size: int) -> str:
    """About the last `size` characters, from the beginning of a word that is not inside a tag."""
    if len(text) <= size:
        return ""
    end = text[-size:]
    # A tag holds no other angle bracket, so one that was cut ends at the first `>`, before any `<`.
    closing, opening = end.find(">"), end.find("<")
    if closing >= 0 and (opening < 0 or closing < opening):
        return end[closing + 1 :]
    return end.partition(" ")[2]


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs in `texts`; memory grows with the distinct words only."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(words(text))
    return counts


@dataclass(frozen=True)
class Encoder:
    """Turns raw reviews into rows of word ids, and rows back into words.

    Args:
        vocabulary: the words by falling frequency, so that `vocabulary[r - 1]` has rank r.
        skip_top: this many of the most frequent words are encoded as `<UNK>`.
        length: ids in a row; longer reviews keep their end, shorter ones are padded in front.
    """

    vocabulary: Sequence[str]
    skip_top: int
    length: int
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {word: FIRST + i for i, word in enumerate(self.vocabulary) if i >= self.skip_top}
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def fit(cls, counts: Counter[str], *, size: int, skip_top: int, length: int) -> Encoder:
        """Rank the words of `counts`; `size` counts all ids, the four signs among them.

        Words of equal frequency are ranked in the order of their code points, so the
        vocabulary does not depend on the order of the corpus.
        """
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(tuple(ranked[: size - FIRST]), skip_top, length)

    @property
    def ids(self) -> int:
        """How many ids there are, signs included."""
        return FIRST + len(self.vocabulary)

    @property
    def dtype(self) -> np.dtype:
        """The smallest unsigned integer type that holds every id."""
        return np.min_scalar_type(self.ids - 1)

    def encode(self, text: str) -> list[int]:
        """The row of one raw review: `length` ids."""
        get = self._ids.get
        # Only the end of a long review is kept, so mostly only its end needs to be read.
        for part in (_end(text, CHARACTERS_A_WORD * self.length), text):
            tail = clean(part).rsplit(maxsplit=self.length)[-self.length :]
            if len(tail) == self.length:
                return [get(word, UNKNOWN) for word in tail]
        row = [START, *(get(word, UNKNOWN) for word in tail)]
        return [PAD] * (self.length - len(row)) + row

    def encode_all(self, texts: Iterable[str]) -> Iterator[np.ndarray]:
        """The rows of all texts in blocks of shape (at most 1000, length), of type `dtype`."""
        rows = map(self.encode, texts)
        while block := list(islice(rows, BLOCK)):
            yield np.array(block, self.dtype)

    def decode(self, row: Iterable[int]) -> list[str]:
        """The words of a row of ids, signs included, padding left out."""
        return [
            SPECIAL_TOKENS[i] if i < FIRST else self.vocabulary[i - FIRST]
            for i in map(int, row)
            if i != PAD
        ]

    def save(self, path: Path) -> None:
        """Write a JSON file, one word a line in the order of rank, that `load` reads."""
        body = {"length": self.length, "skip_top": self.skip_top, "vocabulary": self.vocabulary}
        write_text(path, json.dumps(body, ensure_ascii=False, indent=0) + "\n")

    @classmethod
    def load(cls, path: Path) -> Encoder:
        """Read what `save` wrote.

        Raises:
            UserError: the file is missing or is not such a file.
        """
        body = read_json(path)
        try:
            vocabulary, skip_top, length = body["vocabulary"], body["skip_top"], body["length"]
        except (TypeError, KeyError):
            vocabulary = skip_top = length = None
        if (
            not isinstance(vocabulary, list)
            or not all(isinstance(word, str) for word in vocabulary)
            or not isinstance(skip_top, int)
            or not isinstance(length, int)
            or length < 1
        ):
            raise UserError(f"{path}: not an encoder file; `dvc repro preprocess` writes one")
        return cls(tuple(vocabulary), skip_top, length)
