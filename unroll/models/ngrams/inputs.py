"""How a model of n-grams reads a prepared corpus: what it knows is counted before it is built."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from unroll.core import paths
from unroll.core.datasets import Part
from unroll.core.tokens import FIRST, UNKNOWN
from unroll.models.ngrams import counting
from unroll.models.ngrams.known import Known
from unroll.models.ngrams.table import NOTHING, Table
from unroll.models.parameters import Ngrams
from unroll.models.stacks import Data


@dataclass(frozen=True)
class Counted(Data):
    """What the layers of a model of n-grams depend on.

    Attributes:
        rows: of its tables.
        ratios: as `counting.ratios` returns them.
    """

    rows: int
    ratios: np.ndarray


class NgramInputs:
    """The counterpart of `unroll.models.inputs.Inputs`, with the same methods.

    Attributes:
        data: what the layers depend on, after `learn`.
    """

    kind, mask = "text", True
    data: Counted

    def __init__(self, name: str, corpus: str, parameters: Ngrams, tokens: list[str]) -> None:
        """Say how a model reads a corpus.

        Args:
            tokens: the words and marks of the corpus, in the order of their ids there.
        """
        self.corpus, self._name, self._parameters, self._tokens = corpus, name, parameters, tokens

    def learn(self, part: Part, rows: np.ndarray) -> Part:
        """Count n-grams in the rows to learn from, and in no others; what the model reads of all.

        In texts that were counted, the rows of n-grams have that of their class's view added.
        """
        said, lengths = self._parameters, part.lengths
        counted = np.isin(np.arange(len(part)), rows)
        steps, ends, y = np.repeat(counted, lengths), np.cumsum(lengths[counted]), part.y[counted]
        counts = counting.text_counts(part.x[steps], ends, FIRST + len(self._tokens))[FIRST:]
        tokens = [self._tokens[i] for i in np.flatnonzero(counts >= said.least_count)]
        words = Table(FIRST + len(tokens), np.empty(0, np.int64), said.ngrams)
        self._known = Known(tokens, words, said.length)
        table = counting.frequent(self._own[part.x[steps]], ends, words, said.least_count)
        self._known = replace(self._known, table=table)
        found = self.read(part)
        ratios = counting.ratios(found.x[steps], ends, y, table.rows, said.alpha)
        self.data = Counted(said.length, None, table.words, 2, False, table.rows, ratios)
        views = np.where(counted, 1 + part.y.astype(np.int32), 0) * np.int32(table.rows)
        found.x[:, 1:] += (found.x[:, 1:] != NOTHING) * np.repeat(views, lengths)[:, np.newaxis]
        return found

    def read(self, part: Part) -> Part:
        """What the model reads of a part, as `Table.read` returns it."""
        return self._known.read(Part(self._own[part.x], part.y, part.ends))

    def rows(self, part: Part, rows: np.ndarray | None = None) -> np.ndarray:
        """Rows of what `read` or `learn` returned, of one length."""
        return self._known.rows(part, rows)

    def scaled(self, rows: np.ndarray) -> np.ndarray:
        """The rows as they are."""
        return rows

    def prepare(self, rows: Any) -> Any:
        """The rows as they are."""
        return rows

    def save(self, folder: Path) -> None:
        """Write what the use of a model needs to know of its inputs."""
        self._known.save(folder)

    @cached_property
    def _known(self) -> Known:
        return Known.load(paths.model(self._name))

    @cached_property
    def _own(self) -> np.ndarray:
        """The model's id of each id of the corpus, int32."""
        return np.append(np.full(FIRST, UNKNOWN, np.int32), self._known.ids(self._tokens))
