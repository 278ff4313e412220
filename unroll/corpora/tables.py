"""Tables in chunks of rows: CSV and its like, JSON Lines, Parquet; every cell is a text."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.core.errors import UserError, reason
from unroll.corpora.opening import suffix, text
from unroll.corpora.rows import close

# A longer cell is most often the rest of a file after a quotation mark that nothing closes.
MOST_CHARACTERS = 1_000_000
# A table is not read in parts if one of them would be so many times as large as it should be.
MOST_PARTS = 4


class Table:
    """A table: the names of its columns, and its cells in chunks."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        self.path, self.encoding = path, encoding
        self.columns = self._columns()
        if not self.columns:
            raise UserError(f"{path}: it is empty; expected rows with names of columns")
        name, count = Counter(self.columns).most_common(1)[0]
        if count > 1:
            raise UserError(f'{path}, row 1: the column "{name}" is there twice; rename one')

    def need(self, columns: Iterable[str]) -> None:
        """Refuse a table without one of these columns."""
        for name in columns:
            if name not in self.columns:
                known = ", ".join(f'"{column[:40]}"' for column in self.columns[:20])
                raise UserError(
                    f'{self.path}, row 1: no column "{name}" among {known}'
                    f"{close(name, self.columns)}; correct corpora.yaml, or the names in the table"
                )

    def chunks(self, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """The cells of these columns, an empty one as "", `rows` at a time; the index counts rows.

        Raises:
            UserError: a column is missing, the file is damaged, or a cell is too long.
        """
        self.need(columns)
        for frame in self._chunks(columns, rows):
            for name in columns:
                long = frame[name].str.len() > MOST_CHARACTERS
                if long.any():
                    raise UserError(
                        f'{self.place(long.idxmax())}: a cell of "{name}" has more than '
                        f"{MOST_CHARACTERS:,} characters; close its quotation mark, or shorten it"
                    )
            yield frame

    def place(self, row: Any) -> str:
        """The file, and a row of a chunk's index as an editor counts it."""
        return f"{self.path}, row {int(row) + 1}"

    def parts(self, size: int) -> list[Table]:
        """The same rows as several tables of about `size` bytes; none if the format has no parts
        that can be read alone.
        """
        return []

    def _columns(self) -> list[str]:
        raise NotImplementedError

    def _chunks(self, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        raise NotImplementedError


class _Delimited(Table):
    """Cells between commas, semicolons, tabs or bars, whichever divides the first row most."""

    def _columns(self) -> list[str]:
        heads = {mark: next(self._records(mark), (1, []))[1] for mark in "\t,;|"}
        self._delimiter = max(heads, key=lambda mark: len(heads[mark]))
        return [name.strip() for name in heads[self._delimiter]]

    def _records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Each record with the line where it begins, those that pandas reads and no other."""
        csv.field_size_limit(2**31 - 1)
        with text(self.path, self.encoding) as file:
            reader, line = csv.reader(file, delimiter=delimiter), 1
            for record in reader:
                if len(record) > 1 or "".join(record).strip():
                    yield line, record
                line = reader.line_num + 1

    def place(self, row: Any) -> str:
        line, _ = next(islice(self._records(self._delimiter), int(row) + 1, None))
        return f"{self.path}, row {line}"

    def _chunks(self, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        self._refuse_wide(2)  # pandas would take the first cell of such a row for its name
        options: Any = {"sep": self._delimiter, "dtype": str, "na_filter": False, "header": 0}
        options |= {"names": self.columns, "index_col": False, "chunksize": rows}
        with text(self.path, self.encoding) as file:
            try:
                for frame in pd.read_csv(file, **options):
                    again = (frame == self.columns).all(axis=1)
                    if again.any() and len(self.columns) > 1:
                        place = self.place(again.idxmax())
                        raise UserError(f"{place}: the names of the columns again; remove that row")
                    yield frame[columns]
            except pd.errors.ParserError as error:
                self._refuse_wide()
                raise UserError(
                    f"{self.path}: not a table ({reason(error)}); close every quotation mark"
                ) from None

    def _refuse_wide(self, most: int | None = None) -> None:
        wanted = len(self.columns)
        for line, record in islice(self._records(self._delimiter), most):
            if len(record) > wanted:
                raise UserError(
                    f"{self.path}, row {line}: {len(record)} cells, expected {wanted}; put a cell "
                    f"that holds {self._delimiter!r} into quotation marks"
                )


class _JsonLines(Table):
    """One object a line; a column that a line lacks, or that is null, is an empty cell."""

    def _columns(self) -> list[str]:
        rows = (row for _, row in islice(self._rows(), 1000))
        return list(dict.fromkeys(name for row in rows for name in row))

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with text(self.path, self.encoding) as file:
            for number, line in enumerate(file):
                try:
                    row = json.loads(line) if line.strip() else {}
                except (ValueError, RecursionError):
                    row = None
                if not isinstance(row, dict):
                    place = self.place(number)
                    raise UserError(f"{place}: not a JSON object; write one object a line")
                if row:
                    yield number, row

    def _chunks(self, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        found = self._rows()
        while chunk := dict(islice(found, rows)):
            cells = [[self._cell(at, row, name) for name in columns] for at, row in chunk.items()]
            yield pd.DataFrame(cells, list(chunk), columns, dtype=str)

    def _cell(self, at: int, row: dict[str, Any], name: str) -> str:
        cell = row.get(name)
        if isinstance(cell, list | dict):
            place = self.place(at)
            raise UserError(f'{place}: "{name}" is a list or an object; write one value a column')
        return "" if cell is None else str(cell)


class _Parquet(Table):
    """A Parquet file, read one row group at a time, so that memory does not grow with it."""

    _first, _groups = 0, slice(None)  # what is read: the number of its first row, its row groups

    def parts(self, size: int) -> list[Table]:
        found: list[Table] = []
        with self._opened() as file:
            groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        if any(group.total_byte_size > MOST_PARTS * size for group in groups):
            return []
        first = begin = total = 0
        for at, group in enumerate(groups):
            total += group.total_byte_size
            if total >= size or at == len(groups) - 1:
                part = copy(self)
                part._first, part._groups = first, slice(begin, at + 1)
                found.append(part)
                first += sum(group.num_rows for group in groups[begin : at + 1])
                begin, total = at + 1, 0
        return found

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        try:
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            raise UserError(
                f"{self.path}: no whole Parquet file of texts and numbers ({reason(error)}); bring "
                "it here again, or write one value a cell"
            ) from None

    def _columns(self) -> list[str]:
        with self._opened() as file:
            return file.schema_arrow.names

    def _chunks(self, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        texts, first = pa.schema([(name, pa.string()) for name in columns]), self._first
        with self._opened() as file:
            for group in range(file.num_row_groups)[self._groups]:
                for batch in file.iter_batches(rows, row_groups=[group], columns=columns):
                    frame = batch.select(columns).cast(texts).to_pandas().fillna("").astype(str)
                    yield frame.set_axis(range(first, first + len(batch)))
                    first += len(batch)


FORMATS: dict[str, type[Table]] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".psv", ".txt"), _Delimited),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), _JsonLines),
    **dict.fromkeys((".parquet", ".pq"), _Parquet),
}


def open_table(path: Path, encoding: str | None = None) -> Table:
    """The table of a file, by its suffix, one of `FORMATS`.

    Raises:
        UserError: it is damaged, or its first row is not one of names.
    """
    return FORMATS[suffix(path)](path, encoding)
