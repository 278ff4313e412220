"""What the cells of a table mean: labels, splits, groups, times, numbers, texts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from harness.core.errors import UserError
from unroll.corpora.blocks import Corpus, Text
from unroll.corpora.rows import ROWS, SPLITS, Classes, Row
from unroll.corpora.tables import Table


class Common:
    """Reads label, split, group and time of the rows of a table."""

    def __init__(self, block: Corpus, table: Table, split: str | None) -> None:
        self._block, self._table, self._split = block, table, split
        self._classes = Classes(block)
        named = (block.label, block.split.column, block.group, block.split.time)
        self.columns = [name for name in named if name]

    def read(self, frame: pd.DataFrame) -> list[Row]:
        """Rows without their `x`; a `UserError` where a cell is none of what its column has."""
        block, place, absent = self._block, self._table.place, [None] * len(frame)
        names = (block.label, block.split.column, block.group)
        labels, splits, groups = (frame[name] if name else absent for name in names)
        when = block.split.time
        times = instants(self._table, frame[when]).tolist() if when else absent
        return [
            Row(
                None,
                self._classes.name(label, place, row),
                self._named(split, row),
                group or None,
                time,
            )
            for row, label, split, group, time in zip(
                frame.index, labels, splits, groups, times, strict=True
            )
        ]

    def _named(self, cell: str | None, row: int) -> str | None:
        split = self._split if cell is None else cell.strip().casefold()
        if cell is not None and split not in SPLITS:
            raise UserError(
                f'{self._table.place(row)}: "{self._block.split.column}" is "{cell[:40]}", '
                "expected train or test; correct it"
            )
        return split


def texts(block: Text, table: Table, split: str | None) -> Iterator[Row]:
    """The texts of a table; the columns of one are joined by a line end."""
    common = Common(block, table, split)
    for frame in table.chunks(list(dict.fromkeys([*block.text, *common.columns])), ROWS):
        cells = zip(*(frame[name] for name in block.text), strict=True)
        for row, parts in zip(common.read(frame), cells, strict=True):
            text = "\n".join(filter(None, parts))
            yield row._replace(x=text if text.strip() else "")


def numbers(table: Table, frame: pd.DataFrame) -> np.ndarray:
    """The cells as float32, of the shape of the frame; a `UserError` for no finite number."""
    found = frame.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    with np.errstate(over="ignore"):
        found = found.astype(np.float32)
    bad = np.argwhere(~np.isfinite(found))
    if len(bad):
        row, column = bad[0]
        raise UserError(
            f'{table.place(frame.index[row])}: "{frame.columns[column]}" is '
            f'"{str(frame.iat[row, column])[:40]}", expected a finite number such as 1.5; correct '
            "it, or leave the row out"
        )
    return found


def instants(table: Table, cells: pd.Series) -> np.ndarray:
    """Numbers, or the seconds from 1970 to ISO dates, float64 (rows,).

    The first cell says which of them the others are; a `UserError` where one is not.
    """
    found, expected = pd.to_numeric(cells, errors="coerce").astype(float), "a number"
    if found.isna().iloc[0]:
        dates = pd.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
        found = (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
        expected = "a date such as 2024-05-31"
    bad = ~np.isfinite(found.to_numpy())
    if bad.any():
        at = int(bad.argmax())
        raise UserError(
            f'{table.place(cells.index[at])}: "{cells.name}" is "{str(cells.iloc[at])[:40]}", '
            f"expected {expected} as in the other rows; correct it"
        )
    return found.to_numpy()
