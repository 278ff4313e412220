"""The words that a text model knows: a text becomes the row of ids that the model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json
from unroll.core.tokens import FIRST, PAD, START, UNKNOWN
from unroll.preprocessing.words import words


@dataclass(frozen=True)
class Vocabulary:
    """Turns texts into rows of word ids.

    Args:
        words: by falling frequency, so that `words[r - 1]` has rank r.
        skip_top: this many of the most frequent words are encoded as `<UNK>`.
        max_length: ids in a row; longer texts keep their end, shorter ones are padded in front.
    """

    words: Sequence[str]
    skip_top: int
    max_length: int
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {word: FIRST + i for i, word in enumerate(self.words) if i >= self.skip_top}
        object.__setattr__(self, "_ids", ids)

    @property
    def dtype(self) -> np.dtype:
        """The smallest unsigned integer type that holds every id."""
        return np.min_scalar_type(FIRST + len(self.words) - 1)

    def encode(self, text: str) -> list[int]:
        """The row of one text: `max_length` ids."""
        get = self._ids.get
        tail = words(text)[-self.max_length :]
        row = [START, *(get(word, UNKNOWN) for word in tail)][-self.max_length :]
        return [PAD] * (self.max_length - len(row)) + row

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read the vocabulary of a trained model.

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
            raise UserError(f"{path}: not a vocabulary; {HOW_TO_FIX}")
        return cls(tuple(words), skip_top, max_length)
