"""Reviews to ids and back: cleaning, words, and the vocabulary of the text models."""

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

# Ids below FIRST are special tokens; the word of rank r (from 1) has the id r + 3.
PAD, START, UNKNOWN, UNUSED = range(4)
FIRST = len(SPECIAL_TOKENS)

# More than a word with its separators usually has; how much of a review's end is read first.
CHARACTERS_A_WORD = 9

# Rows to encode before they are written.
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
    """About the last `size` characters, starting at a word that is not inside a tag."""
    if len(text) <= size:
        return ""
    end = text[-size:]
    # A tag has no other angle bracket, so one that was cut ends at the first `>`, before any `<`.
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
class Vocabulary:
    """Turns raw reviews into rows of word ids, and rows back into words.

    Args:
        words: by falling frequency, so that `words[r - 1]` has rank r.
        skip_top: this many of the most frequent words are encoded as `<UNK>`.
        max_length: ids in a row; longer reviews keep their end, shorter ones are padded in front.
    """

    words: Sequence[str]
    skip_top: int
    max_length: int
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {word: FIRST + i for i, word in enumerate(self.words) if i >= self.skip_top}
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def fit(cls, counts: Counter[str], *, size: int, skip_top: int, max_length: int) -> Vocabulary:
        """Rank the words of `counts` and keep the most frequent ones.

        Words of equal frequency are ranked in the order of their code points, so the vocabulary
        does not depend on the order of the corpus.

        Args:
            size: how many ids there are at most, including the four special tokens.
        """
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(tuple(ranked[: size - FIRST]), skip_top, max_length)

    @property
    def size(self) -> int:
        """How many ids there are, including the special tokens."""
        return FIRST + len(self.words)

    @property
    def dtype(self) -> np.dtype:
        """The smallest unsigned integer type that holds every id."""
        return np.min_scalar_type(self.size - 1)

    def encode(self, text: str) -> list[int]:
        """The row of one raw review: `max_length` ids."""
        get = self._ids.get
        # Only the end of a long review is kept, so mostly only its end needs to be read.
        for part in (_end(text, CHARACTERS_A_WORD * self.max_length), text):
            tail = clean(part).rsplit(maxsplit=self.max_length)[-self.max_length :]
            if len(tail) == self.max_length:
                return [get(word, UNKNOWN) for word in tail]
        row = [START, *(get(word, UNKNOWN) for word in tail)]
        return [PAD] * (self.max_length - len(row)) + row

    def encode_all(self, texts: Iterable[str]) -> Iterator[np.ndarray]:
        """The rows of all texts in blocks of shape (at most 1000, max_length), of type `dtype`."""
        rows = map(self.encode, texts)
        while block := list(islice(rows, BLOCK)):
            yield np.array(block, self.dtype)

    def decode(self, row: Iterable[int]) -> list[str]:
        """The words of a row of ids, including special tokens other than padding."""
        return [
            SPECIAL_TOKENS[i] if i < FIRST else self.words[i - FIRST]
            for i in map(int, row)
            if i != PAD
        ]

    def save(self, path: Path) -> None:
        """Write a JSON file, one word a line in the order of rank, that `load` reads."""
        body = {"length": self.max_length, "skip_top": self.skip_top, "vocabulary": self.words}
        write_text(path, json.dumps(body, ensure_ascii=False, indent=0) + "\n")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote.

        Raises:
            UserError: the file is missing or is not such a file.
        """
        body = read_json(path)
        try:
            words, skip_top, max_length = body["vocabulary"], body["skip_top"], body["length"]
        except (TypeError, KeyError):
            words = skip_top = max_length = None
        if (
            not isinstance(words, list)
            or not all(isinstance(word, str) for word in words)
            or not isinstance(skip_top, int)
            or not isinstance(max_length, int)
            or max_length < 1
        ):
            raise UserError(f"{path}: not a vocabulary; `dvc repro preprocess` writes one")
        return cls(tuple(words), skip_top, max_length)
