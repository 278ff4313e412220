"""Series in tables: a long one has a row a step, and a wide one a row a series."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
import pandas as pd

from harness.core.errors import UserError
from unroll.corpora.blocks import Series
from unroll.corpora.series import Piece
from unroll.corpora.table_rows import Common, instants, numbers
from unroll.corpora.tables import Table

_CELLS = 200_000  # that are in memory as texts


def pieces(block: Series, table: Table, split: str | None) -> Iterator[Piece]:
    """The series of a table, in as many pieces as chunks of it.

    Raises:
        UserError: a column is missing, a value is no finite number, or the rows of a series are not
            together or not in order.
    """
    if not (block.wide or block.series or block.window):
        raise UserError(
            f"{table.path}: the block does not say where a series begins; add `series: COLUMN` "
            "for one value a step, `wide: true` for one series a row, or `window: STEPS`"
        )
    common = Common(block, table, split)
    others = [*common.columns, *filter(None, (block.series, block.step))]
    values = block.values or [name for name in table.columns if name not in others]
    if not values:
        raise UserError(f"{table.path}, row 1: no column is left for the values; add one")
    if block.wide and not block.values and _measured(values):
        raise UserError(
            f'{table.path}, row 1: it has values such as "{values[0]}" where the names of the '
            "columns should be; add a row of names before it"
        )
    rows = max(1, _CELLS // len(values))
    chunks = table.chunks(list(dict.fromkeys([*values, *others])), rows)
    yield from (_wide if block.wide else _long)(block, table, common, values, chunks)


def _measured(names: list[str]) -> bool:
    """Whether names of columns are measured values: all numbers, and not those of steps."""
    return bool((np.diff(pd.to_numeric(pd.Series(names), errors="coerce")) <= 0).any())


def _wide(
    block: Series, table: Table, common: Common, values: list[str], chunks: Iterator[pd.DataFrame]
) -> Iterator[Piece]:
    for frame in chunks:
        cells = frame[values]
        filled = (cells != "").to_numpy()
        # Empty cells at the end of a row: the series is shorter. Others are missing values.
        lengths = np.where(filled.any(1), len(values) - filled[:, ::-1].argmax(1), 0)
        x = numbers(table, cells.mask(np.arange(len(values)) >= lengths[:, None], "0"))
        for row, at, steps, length in zip(common.read(frame), frame.index, x, lengths, strict=True):
            if not length:
                raise UserError(f"{table.place(at)}: a series without a value; leave the row out")
            key, x_at = (str(table.path), str(at)), steps[:length, None]
            yield Piece(key, x_at, [row] * length, [at] * length, table.place)


def _long(
    block: Series, table: Table, common: Common, values: list[str], chunks: Iterator[pd.DataFrame]
) -> Iterator[Piece]:
    last: tuple[str | None, ...] = ()
    before, seen = -np.inf, set()
    for frame in chunks:
        x, rows = numbers(table, frame[values]), common.read(frame)
        steps = instants(table, frame[block.step]) if block.step else frame.index
        names = frame[block.series] if block.series else [""] * len(frame)
        # No window reaches over the border of a split or of a group.
        ends = [(row.split, row.group) if block.window else () for row in rows]
        keys = [(str(table.path), name, *end) for name, end in zip(names, ends, strict=True)]
        for at, key, step in zip(frame.index, keys, steps, strict=True):
            if key == last and step <= before:
                raise UserError(
                    f'{table.place(at)}: "{block.step}" is not after that of the row before; sort '
                    "the table by it, without repeated rows"
                )
            if key[1] in seen and key[1] != last[1]:
                raise UserError(
                    f'{table.place(at)}: the series "{key[1]}" again, after other ones; sort the '
                    f'table by "{block.series}"'
                )
            seen.add(key[1])
            last, before = key, step
        for key, run in groupby(range(len(keys)), keys.__getitem__):
            found = list(run)
            span = slice(found[0], found[-1] + 1)
            yield Piece(key, x[span], rows[span], frame.index[span].tolist(), table.place)
