"""Reads the corpus that a block names, of whatever kind and format, as chunks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from unroll.corpora import arrays, folders, images, series, series_tables, table_rows, tables, ts
from unroll.corpora.blocks import Corpus, Images, Series, Text
from unroll.corpora.opening import suffix
from unroll.corpora.rows import Row, Rows, chunked

_TABLE = "a table (.csv, .tsv, .jsonl, .parquet)"
_EXPECTED = {
    Text: f"{_TABLE}, or a folder with a folder a class",
    Series: f"{_TABLE}, .npz, .npy or .ts",
    Images: ".npz, .npy, IDX, or a folder with a folder a class",
}


def read(block: Corpus) -> Iterator[Rows]:
    """The rows of a corpus in its order, in chunks; only a chunk is in memory, or one array.

    Raises:
        UserError: there is no such file, it is damaged, or it is not what the block says.
    """
    return chunked(_rows(block))


def find_tables(path: Path) -> folders.Files:
    """The tables of a path with their splits; none where it is a folder of other files."""
    # Beside the tables, a folder may hold notes and settings.
    other = {".txt", ".json"} if path.is_dir() else set()
    return folders.files(path, lambda file: suffix(file) in tables.FORMATS.keys() - other)


def _rows(block: Corpus) -> Iterator[Row]:
    path = Path(block.path)
    if not path.exists():
        raise UserError(
            f"{path}: there is no such file or folder; correct `path` in corpora.yaml, or run the "
            "stage `fetch` that brings it here"
        )
    found = [] if isinstance(block, Images) else find_tables(path)
    opened = ((tables.open_table(file, block.encoding), split) for file, split in found)
    files = [file for file, _ in folders.files(path, arrays.is_arrays)]
    if not found and (path.is_dir() or files or suffix(path) == ".ts"):
        _refuse_columns(block)
    if isinstance(block, Series):
        pieces: Iterator[series.Piece]
        if found:
            pieces = (piece for each in opened for piece in series_tables.pieces(block, *each))
        elif signals := ts.files(path):
            pieces = (piece for each in signals for piece in ts.pieces(block, *each))
        else:
            pieces = series.pieces(block, arrays.parts(files)) if files else _unknown(block)
        yield from series.joined(block, pieces)
    elif isinstance(block, Text) and found:
        yield from (row for each in opened for row in table_rows.texts(block, *each))
    elif isinstance(block, Text):
        yield from folders.texts(block, path) if path.is_dir() else _unknown(block)
    elif isinstance(block, Images) and files:
        yield from images.same_size(block, images.arrays(arrays.parts(files)))
    elif isinstance(block, Images):
        found_here = images.pictures(block, path) if path.is_dir() else _unknown(block)
        yield from images.same_size(block, found_here)


def _unknown(block: Corpus) -> Any:
    raise UserError(f"{block.path}: expected {_EXPECTED[type(block)]}; convert it to one of these")


def _refuse_columns(block: Corpus) -> None:
    """Refuse a block that names columns of files that have none."""
    own = [getattr(block, key, None) for key in ("label", "group", "series", "step")]
    named = [name for name in (*own, block.split.column, block.split.time) if name]
    if named:
        raise UserError(
            f"{block.path}: its files have no columns; leave {', '.join(named)} out of corpora.yaml"
        )
