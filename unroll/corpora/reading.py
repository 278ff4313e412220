"""Reads the corpus that a block names, of whatever kind and format, as chunks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from unroll.corpora import arrays, folders, images, series, series_tables, table_rows, tables, ts
from unroll.corpora.blocks import Corpus, Images, Series, Text
from unroll.corpora.opening import suffix
from unroll.corpora.rows import Row, Rows, chunked
from unroll.corpora.tables import Table, open_table

# Texts of a shard: so many characters, or files of a folder. Smaller ones take less memory, and
# larger ones less time, as each one's words are looked up in those of all.
SHARD, FILES = 2**24, 5_000
# What yields the rows of a shard, in any process.
Shard = Callable[[], Iterable[Rows]]

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
    if isinstance(block, Text):
        return (rows for shard in shards(block, 1) for rows in shard())
    return chunked(_rows(block))


def shards(block: Text, size: int | None = None) -> Iterator[Shard]:
    """A corpus of texts in shards, in its order; which rows they have depends on it alone.

    Those of a folder or a Parquet file are read by whoever calls them. Other tables are read here,
    as nothing tells where in them a row begins.

    Args:
        size: characters of a shard at least, those of its last chunk beside; `SHARD` by default.

    Raises:
        UserError: as `read`.
    """
    path, size = _path(block), size or SHARD
    found = find_tables(path)
    for file, split in found:
        table = open_table(file, block.encoding)
        if parts := table.parts(size):
            yield from (partial(_table_rows, block, part, split) for part in parts)
        else:
            yield from _gathered(_table_rows(block, table, split), size)
    if not found:
        _refuse_columns(block, path)
        files = folders.text_files(block, path) if path.is_dir() else _unknown(block)
        for at in range(0, len(files), FILES):
            yield partial(_file_rows, block, files[at : at + FILES])


def _table_rows(block: Text, table: Table, split: str | None) -> Iterator[Rows]:
    return chunked(table_rows.texts(block, table, split))


def _file_rows(block: Text, files: folders.ClassFiles) -> Iterator[Rows]:
    return chunked(folders.texts(block, files))


def _gathered(chunks: Iterator[Rows], size: int) -> Iterator[Shard]:
    found: list[Rows] = []
    characters = 0
    for chunk in chunks:
        found.append(chunk)
        characters += sum(map(len, chunk.x))
        if characters >= size:
            yield partial(list, found)
            found, characters = [], 0
    if found:
        yield partial(list, found)


def find_tables(path: Path) -> folders.Files:
    """The tables of a path with their splits; none where it is a folder of other files."""
    # Beside the tables, a folder may hold notes and settings.
    other = {".txt", ".json"} if path.is_dir() else set()
    return folders.files(path, lambda file: suffix(file) in tables.FORMATS.keys() - other)


def _path(block: Corpus) -> Path:
    path = Path(block.path)
    if not path.exists():
        raise UserError(
            f"{path}: there is no such file or folder; correct `path` in corpora.yaml, or run the "
            "stage `fetch` that brings it here"
        )
    return path


def _rows(block: Corpus) -> Iterator[Row]:
    path = _path(block)
    found = [] if isinstance(block, Images) else find_tables(path)
    opened = ((open_table(file, block.encoding), split) for file, split in found)
    files = [file for file, _ in folders.files(path, arrays.is_arrays)]
    if not found:
        _refuse_columns(block, path)
    if isinstance(block, Series):
        pieces: Iterator[series.Piece]
        if found:
            pieces = (piece for each in opened for piece in series_tables.pieces(block, *each))
        elif signals := ts.files(path):
            pieces = (piece for each in signals for piece in ts.pieces(block, *each))
        else:
            pieces = series.pieces(block, arrays.parts(files)) if files else _unknown(block)
        yield from series.joined(block, pieces)
    elif isinstance(block, Images) and files:
        yield from images.same_size(block, images.arrays(arrays.parts(files)))
    elif isinstance(block, Images):
        found_here = images.pictures(block, path) if path.is_dir() else _unknown(block)
        yield from images.same_size(block, found_here)


def _unknown(block: Corpus) -> Any:
    raise UserError(f"{block.path}: expected {_EXPECTED[type(block)]}; convert it to one of these")


def _refuse_columns(block: Corpus, path: Path) -> None:
    """Refuse a block that names columns of files that have none."""
    if not (path.is_dir() or arrays.is_arrays(path) or suffix(path) == ".ts"):
        return
    own = [getattr(block, key, None) for key in ("label", "group", "series", "step")]
    named = [name for name in (*own, block.split.column, block.split.time) if name]
    if named:
        raise UserError(
            f"{block.path}: its files have no columns; leave {', '.join(named)} out of corpora.yaml"
        )
