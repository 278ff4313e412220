"""What a model of n-grams knows, in files beside its weights: texts become what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json, write_json
from unroll.core.arrays import read_array, write_array
from unroll.core.datasets import Part
from unroll.core.paths import NGRAMS, VOCABULARY
from unroll.core.tokens import FIRST, PAD, UNKNOWN
from unroll.models.ngrams.table import Table

# Of texts that are too long, so much of what is read is their beginning, the rest their end.
HEAD = 1 / 3


@dataclass(frozen=True)
class Known:
    """The words and marks of a model in the order of their ids, its n-grams, and its length."""

    tokens: Sequence[str]
    table: Table
    length: int

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: id for id, token in enumerate(self.tokens, FIRST)}

    def ids(self, tokens: Sequence[str]) -> np.ndarray:
        """The id of each token, int32."""
        return np.array([self._ids.get(token, UNKNOWN) for token in tokens], np.int32)

    def read(self, part: Part) -> Part:
        """What the model reads at each step of texts, as `Table.read` returns it."""
        assert part.ends is not None
        return Part(self.table.read(part.x, part.ends), part.y, part.ends)

    def rows(self, part: Part, rows: np.ndarray | None = None) -> np.ndarray:
        """Texts that were read, of one length, int32 (n, length, 1 + longest)."""
        return part.padded(self.length, PAD, rows, round(self.length * HEAD))

    def encode(self, texts: Sequence[Sequence[str]]) -> np.ndarray:
        """The same of texts whose tokens are given, int32 (n, length, 1 + longest)."""
        ends = np.cumsum([len(tokens) for tokens in texts], dtype=np.int64)
        ids = np.concatenate([self.ids(tokens) for tokens in (*texts, ())])  # of no text, none
        return self.rows(self.read(Part(ids, np.empty(0, np.uint8), ends)))

    def save(self, folder: Path) -> None:
        """Write it beside a model."""
        said: dict[str, Any] = {"vocabulary": self.tokens, "longest": self.table.longest}
        write_json(folder / VOCABULARY, said | {"length": self.length})
        write_array(folder / NGRAMS, self.table.keys)

    @classmethod
    def load(cls, folder: Path) -> Known:
        """What `save` wrote.

        Raises:
            UserError: a file is missing or is not such a file.
        """
        body, keys = read_json(folder / VOCABULARY), read_array(folder / NGRAMS)
        try:
            tokens, longest, length = body["vocabulary"], body["longest"], body["length"]
            fits = all(isinstance(token, str) for token in tokens) and longest >= 1 <= length
        except (TypeError, KeyError):
            fits = False
        if not fits:
            raise UserError(f"{folder / VOCABULARY}: not a vocabulary; {HOW_TO_FIX}")
        if keys.dtype != np.int64 or keys.ndim != 1:
            raise UserError(f"{folder / NGRAMS}: not the keys of n-grams; {HOW_TO_FIX}")
        return cls(tokens, Table(FIRST + len(tokens), keys, longest), length)
