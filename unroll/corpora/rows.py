"""Chunks of rows of a corpus, whatever its kind and format, and the classes that a block names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from harness.core.errors import UserError
from unroll.corpora.blocks import Corpus

SPLITS = ("train", "test")
# A chunk ends after so many rows, or so many characters, numbers or pixels.
ROWS, CELLS = 1000, 2**22


class Row(NamedTuple):
    """One row; `x` is a text, an array (steps, channels) or an image, see `Rows`."""

    x: Any
    label: str | None = None
    split: str | None = None
    group: str | None = None
    time: float | None = None


@dataclass(frozen=True)
class Rows:
    """A chunk of rows of a corpus, in its order.

    A text without words is "", and a row without a class has the label None; the reader of the
    rows counts both.
    """

    x: list[Any]  # text: str; series: float32 (steps, channels); images: uint8 (h, w) or (h, w, 3)
    label: list[str | None]
    split: list[str | None]  # "train" or "test"; None where the corpus does not say it
    group: list[str | None]
    time: list[float | None]  # the column's number, or the seconds from 1970 to its date


def chunked(rows: Iterable[Row]) -> Iterator[Rows]:
    """Chunks of at most `ROWS` rows and about `CELLS` characters, numbers or pixels."""
    chunk: list[Row] = []
    cells = 0
    for row in rows:
        chunk.append(row)
        cells += len(row.x) if isinstance(row.x, str) else row.x.size
        if len(chunk) == ROWS or cells >= CELLS:
            yield Rows(*map(list, zip(*chunk, strict=True)))
            chunk, cells = [], 0
    if chunk:
        yield Rows(*map(list, zip(*chunk, strict=True)))


class Classes:
    """Finds the class of a label: the label itself, or the class whose patterns it matches."""

    def __init__(self, block: Corpus) -> None:
        named = block.classes
        self._patterns = (
            named if isinstance(named, dict) else {name: [name] for name in named or ()}
        )
        self._used, self._found = has_classes(block), dict[str, str]()

    def name(self, label: str | None, place: Callable[..., str], *at: Any) -> str | None:
        """The class of a label as the corpus has it, None of an empty one.

        Raises:
            UserError: it is of no class that the block lists; `place(*at)` says where.
        """
        label = (label or "").strip() if self._used else ""
        if label and label not in self._found:
            fitting = [
                name
                for name, patterns in self._patterns.items()
                if any(label == pattern or fnmatchcase(label, pattern) for pattern in patterns)
            ]
            if self._patterns and not fitting:
                raise UserError(
                    f'{place(*at)}: the label "{label}" is of no class'
                    f"{close(label, self._patterns)}; add it to `classes`, or correct it"
                )
            self._found[label] = fitting[0] if fitting else label
        return self._found.get(label)


def close(name: str, known: Iterable[str]) -> str:
    """A question for the end of a message where a known name is like `name`, else ""."""
    plain = {other.casefold(): other for other in known}
    found = difflib.get_close_matches(name.casefold(), plain, 1)
    return f'; did you mean "{plain[found[0]]}"?' if found else ""


def has_classes(block: Corpus) -> bool:
    """Whether rows of files without columns have classes: not where `label: null` stands."""
    return block.label is not None or "label" not in block.model_fields_set
