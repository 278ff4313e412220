"""Guesses of what a file or folder holds: its kind, and which columns of a table are what."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from harness.core.errors import UserError
from unroll.corpora import arrays, folders
from unroll.corpora.opening import suffix
from unroll.corpora.reading import find_tables
from unroll.corpora.tables import open_table

# What columns are often called, the surest name first.
LABELS = ("label", "labels", "class", "category", "target", "sentiment", "y", "topic", "intent")
MARKS = ("anomaly", "is_anomaly", "anomalous", "outlier", "is_outlier")
SERIES = ("series", "series_id", "sequence", "sequence_id", "sample", "sample_id", "case", "id")
STEPS = ("step", "time", "timestamp", "date", "t", "index", "position", "frame")
SPLITS = ("split", "subset", "partition", "set")

# Options that only one kind has.
OF_KIND = {"text": "text"} | dict.fromkeys(("values", "series", "step", "wide", "window"), "series")

HEAD = 10_000  # rows of a table, or files of a folder, to guess by
PROSE = 20  # characters that a text has on average; names and codes have fewer
FEW = 50  # different values that a column of classes may have
WINDOW = 100  # steps that are cut from a signal


def guess(path: Path, given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A block of `corpora.yaml` for a file or folder, without its path; and why it says what.

    Args:
        given: what the block says for sure; guesses add to it.

    Raises:
        UserError: the file cannot be read, or nothing about it can be guessed.
    """
    kind = given.get("kind") or next((OF_KIND[key] for key in given if key in OF_KIND), None)
    tables = [] if kind == "images" else find_tables(path)
    if not tables:
        return _of_files(path, kind, given)
    table = open_table(tables[0][0], given.get("encoding"))
    head = next(table.chunks(table.columns, HEAD), pd.DataFrame())
    if head.empty:
        raise UserError(f"{table.path}: no row below the names of the columns; add some")
    columns = _Columns(head, given)
    return columns.block(kind), columns.why


def _of_files(
    path: Path, kind: str | None, given: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The block of files that are no tables."""
    if found := folders.files(path, arrays.is_arrays):
        x = next(arrays.parts([file for file, _ in found])).x
        images = x.dtype == "uint8" and x.ndim >= 3
        kind = kind or ("images" if images else "series")
        # One signal, and a window is not cut yet.
        window = {"window": WINDOW, "stride": WINDOW // 10} if x.ndim == 1 else {}
        why = f"kind {kind}: {x.dtype} of shape {x.shape} in {found[0][0].name}"
        return {"kind": kind} | window | given, [why]
    inside = path.rglob("[!.]*") if path.is_dir() else iter([path])
    files = [file for file in islice(inside, HEAD) if file.is_file()]
    if not files:
        raise UserError(f"{path}: an empty folder; put files into it")
    most, count = Counter(map(suffix, files)).most_common(1)[0]
    if most == ".ts":
        found_kind = "series"
    elif path.is_dir():
        found_kind = "images" if most in (".png", ".jpg", ".jpeg") else "text"
    else:
        raise UserError(
            f"{path}: unknown what a file {most or 'without a suffix'} holds; expected a table "
            "(.csv, .tsv, .jsonl, .parquet), .npz, .npy, .ts or IDX, or a folder; convert it"
        )
    why = f"kind {kind or found_kind}: {count:,} files {most or 'without a suffix'}"
    return {"kind": kind or found_kind} | given, [why]


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "_")


class _Columns:
    """The first rows of a table, what is said of its columns, and why."""

    def __init__(self, head: pd.DataFrame, given: dict[str, Any]) -> None:
        self._head, self._found, self.why = head, dict(given), list[str]()
        split = given.get("split", {})
        self._taken = {*given.get("text", ()), *given.get("values", ())}
        self._taken |= {given.get(key) for key in ("label", "series", "step", "group")}
        self._taken |= {split.get("column"), split.get("time")}
        # Columns without any value say nothing.
        cells = {name: head[name][head[name] != ""] for name in head if (head[name] != "").any()}
        self._distinct = {name: column.nunique() for name, column in cells.items()}
        # A few that are none are mistakes, which the reader names.
        self._numbers = [
            name
            for name in cells
            if pd.to_numeric(cells[name], errors="coerce").notna().mean() > 0.9
        ]
        self._words = [name for name in cells if name not in self._numbers]
        self._prose = [
            name
            for name in self._words
            if cells[name].str.len().mean() >= PROSE
            # An address or a digest is as long, but one word.
            and cells[name].str.contains(r"\s|[^\x00-\x7f]").mean() > 0.5
            and self._distinct[name] > len(cells[name]) / 2
        ]

    def block(self, kind: str | None) -> dict[str, Any]:
        """What was given, and guesses."""
        found = self._found
        told = [
            name for name in self._words if set(self._head[name].str.lower()) <= {*folders.SPLITS}
        ]
        if "split" not in found and (column := self._named(SPLITS, told)):
            found["split"] = {"column": column}
            self._because("split", column, "by its name, and it says train or test")
        label = self._label() if "label" not in found else None
        texts, numbers = self._free(self._prose), self._free(self._numbers)
        if kind is None:
            kind = "text" if texts or not numbers else "series"
            why = "it has columns of texts" if texts else "no column is one of numbers"
            self.why.append(
                f"kind {kind}: "
                + (why if kind == "text" else f"{len(numbers)} columns of numbers, none of texts")
            )
        found["kind"] = kind
        if label is None and "label" not in found:
            label = self._few(kind)
        if label:
            found["label"] = label
        if kind == "text" and "text" not in found:
            found["text"] = self._free(self._prose) or self._longest()
            self.why.append(f"text {', '.join(found['text'])}: the longest cells")
        if kind == "series":
            self._series()
        return {"kind": found.pop("kind")} | found

    def _because(self, role: str, column: str, reason: str) -> None:
        self._taken.add(column)
        self.why.append(f"{role} {column}: {reason}")

    def _free(self, names: Any) -> list[str]:
        return [name for name in names if name not in self._taken]

    def _named(self, wanted: tuple[str, ...], among: Any) -> str | None:
        """The column of `among` whose name comes first in `wanted`."""
        plain = {_plain(name): name for name in self._free(among)}
        return next((plain[name] for name in wanted if name in plain), None)

    def _label(self) -> str | None:
        label = self._named(LABELS + MARKS, self._distinct)
        if label:
            self._because("label", label, "by its name")
        return label

    def _few(self, kind: str) -> str | None:
        """The last column with few different values."""
        most = min(FEW, len(self._head) // 5)
        # Numbers may be classes of texts, such as stars; beside other numbers they are a channel.
        columns = self._free(self._distinct if kind == "text" else self._words)
        columns = [name for name in columns if name.casefold() not in SERIES + STEPS]
        few = [name for name in columns if 2 <= self._distinct[name] <= most]
        if not few:
            return None
        self._because("label", few[-1], f"{self._distinct[few[-1]]} different values")
        return few[-1]

    def _longest(self) -> list[str]:
        columns = self._free(self._words)
        if not columns:
            raise UserError("no column of the table holds texts; say with --text which one it is")
        return [max(columns, key=lambda name: self._head[name].str.len().mean())]

    def _series(self) -> None:
        """Whether a row is a step of one of many series, a step of one signal, or a series."""
        found, whole = self._found, len(self._head)
        if (label := found.get("label")) and "normal" not in found and _plain(label) in MARKS:
            found["normal"] = str(self._head[label].mode()[0])
            self.why.append(f"normal {found['normal']}: most rows of {label} say it")
        repeated = [name for name, count in self._distinct.items() if count <= whole / 2]
        if not found.keys() & {"series", "wide"} and (name := self._named(SERIES, repeated)):
            found["series"] = name
            self._because("series", name, "by its name, and its values repeat")
        if not found.keys() & {"step", "wide"} and (name := self._named(STEPS, self._distinct)):
            found["step"] = name
            self._because("step", name, "by its name")
        numbers = found.get("values") or self._free(self._numbers)
        if not found.keys() & {"series", "wide", "window"}:
            if "step" in found or len(numbers) < 3:
                found |= {"window": WINDOW, "stride": WINDOW // 10}
                self.why.append(f"window {WINDOW}: no column tells series apart; it is one signal")
            else:
                found["wide"] = True
                self.why.append(f"wide: {len(numbers)} columns of numbers, and none of names")
        if "wide" in found and (name := self._named(SERIES, self._distinct)):
            found["series"] = name
            self._because("series", name, "by its name")
        # What is not spoken for is a channel or a step, unless it is no number.
        numbers = self._free(self._numbers)
        if "values" not in found and len(numbers) < len(self._free(self._head)):
            found["values"] = numbers
