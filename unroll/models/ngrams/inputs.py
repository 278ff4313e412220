"""How a model of n-grams reads a prepared corpus: what it knows is counted before it is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from unroll.core import parts, paths
from unroll.core.parts import Late, Part, in_blocks
from unroll.core.tokens import FIRST, UNKNOWN
from unroll.models.ngrams import counting
from unroll.models.ngrams.known import Known
from unroll.models.ngrams.table import NOTHING, Table
from unroll.models.parameters import Ngrams
from unroll.models.stacks import Data

TEXTS = 25_000  # that are counted at a time


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
        said = self._parameters
        counted = np.zeros(len(part), bool)
        counted[rows] = True
        learnt = np.flatnonzero(counted)

        def blocks(of: Part) -> Iterator[Part]:
            return (of.take(learnt[block]) for block in in_blocks(len(learnt), TEXTS))

        size = FIRST + len(self._tokens)
        counts = counting.text_counts(blocks(part), size)[FIRST:]
        tokens = [self._tokens[i] for i in np.flatnonzero(counts >= said.least_count)]
        words = Table(FIRST + len(tokens), np.empty(0, np.int64), said.ngrams)
        self._known = Known(tokens, words, said.length)
        given = said.least_count, said.count_error
        table = counting.frequent(lambda: map(self._as_known, blocks(part)), words, *given)
        self._known = replace(self._known, table=table)
        found = self.read(part)
        ratios = counting.ratios(blocks(found), table.rows, said.alpha)
        self.data = Counted(said.length, None, table.words, 2, False, table.rows, ratios)
        views = np.where(counted, 1 + part.y.astype(np.int32), 0) * np.int32(table.rows)
        if isinstance(found, Late):
            read = found.change
            return replace(found, change=lambda some, rows: _seen(read(some, rows), views[rows]))
        return _seen(found, views)

    def read(self, part: Part) -> Part:
        """What the model reads of a part, as `Table.read` returns it."""
        if len(part.x) * (1 + self._parameters.ngrams) > parts.COPIED:
            change = lambda some, _: self._known.read(self._as_known(some))  # noqa: E731
            return Late(part.x, part.y, part.ends, change, shortens=False)
        return self._known.read(self._as_known(part))

    def _as_known(self, part: Part) -> Part:
        return Part(self._own[part.x], part.y, part.ends)

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


def _seen(read: Part, views: np.ndarray) -> Part:
    """Texts that were read, their n-grams as they see them; `views` is added to rows of each."""
    own = np.repeat(views, read.lengths)
    read.x[:, 1:] += (read.x[:, 1:] != NOTHING) * own[:, np.newaxis]
    return read
