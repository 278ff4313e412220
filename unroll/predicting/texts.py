"""Texts that a command names: arguments, lines of files, rows of tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.core.errors import UserError
from unroll.core.tokens import FIRST, UNKNOWN
from unroll.predicting.encoding import Encode
from unroll.predicting.lines import STDIN, STDIN_NAME, Line, batches, line
from unroll.predicting.model import Batch, Model

EXCERPT = 60  # characters


class Texts:
    """The texts in batches, each as soon as it arrives.

    Attributes:
        failed: how many could not be read; standard error names them.
    """

    def __init__(
        self,
        model: Model,
        encode: Encode,
        texts: Sequence[str],
        files: Sequence[str],
        tables: Sequence[str],
    ) -> None:
        """Say where texts come from.

        Args:
            encode: turns texts into the rows that the model reads.

        Raises:
            UserError: two kinds of inputs are given.
        """
        if sum(map(bool, (texts, files, tables))) > 1:
            raise UserError("INPUT, --file and --table are given together, expected one of them")
        self._model, self._texts, self._files, self._tables = model, texts, files, tables
        self._encode = encode
        self.failed = 0

    def __iter__(self) -> Iterator[Batch]:
        """The texts that have a word.

        Raises:
            UserError: a file cannot be used, or there is no text at all.
        """
        any_text = False
        for found in self._lines():
            any_text = any_text or bool(found)
            rows = self._encode([each.text or "" for each in found])
            read = [row.reshape(len(row), -1)[:, 0] for row in rows]  # of n-grams, the words
            known = np.array([(ids >= FIRST).sum() for ids in read])
            unknown = np.array([(ids == UNKNOWN).sum() for ids in read])
            good = known + unknown > 0
            for each, readable in zip(found, good, strict=True):
                if not readable:
                    self._fail(each)
            kept = np.flatnonzero(good)
            names = [_excerpt(found[i].text or "") for i in kept]
            fields = [
                {
                    "line": found[i].number,
                    "text": name,
                    "words_read": int(known[i] + unknown[i]),
                    "words_known": int(known[i]),
                }
                for i, name in zip(kept, names, strict=True)
            ]
            x: Any = [rows[int(i)] for i in kept]  # of a baseline, of different lengths
            x = x if len({len(row) for row in x}) > 1 else np.array(x)
            yield Batch(names, fields, x, [found[i].text or "" for i in kept])
        if not any_text:
            places = [*self._files, *self._tables]
            raise UserError(f"{', '.join(places) or STDIN_NAME}: there is no text in it")

    def _fail(self, item: Line) -> None:
        why = "not UTF-8 text" if item.text is None else "there is no word in it"
        sys.stdout.flush()
        print(f"error: {item.place}: {why}", file=sys.stderr)
        self.failed += 1

    def _lines(self) -> Iterator[list[Line]]:
        if self._texts:
            # Python escapes undecodable bytes of arguments; this restores them.
            yield [
                line(number, f"text {number}", os.fsencode(text).decode("utf-8", "unreadable"))
                for number, text in enumerate(self._texts, 1)
            ]
        elif self._tables:
            for name in self._tables:
                number = 0
                for chunk in self._model.rows(name):
                    yield [Line(n, f"{name}, text {n}", x) for n, x in enumerate(chunk, number + 1)]
                    number += len(chunk)
        else:
            for name in self._files or ["-"]:
                if name == "-":
                    if os.isatty(STDIN):
                        print("Type one text a line; Ctrl-D ends.", file=sys.stderr)
                    yield from batches(STDIN, STDIN_NAME)
                else:
                    with open(name, "rb") as file:
                        yield from batches(file.fileno(), name)


def _excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    # Control characters could move the cursor of the terminal or hide text.
    start = text[: 20 * EXCERPT]
    if not start.isprintable():
        start = "".join(c if c.isprintable() else " " for c in start)
    excerpt = " ".join(start.split())
    return excerpt if len(excerpt) <= EXCERPT else excerpt[: EXCERPT - 3] + "..."
