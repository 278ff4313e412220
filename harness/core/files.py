"""Files that are complete or absent, and the same bytes for the same content."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unroll.base.errors import UserError, reason
from unroll.base.paths import SCRATCH

# Room for the vocabulary of a million words.
MOST_JSON = 2**24


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch name to write to; it takes the place of `path` once it is complete.

    Whoever reads `path` sees the old file, the new one, or none, but never a part. The scratch
    folder must lie on the file system of `path`.
    """
    SCRATCH.mkdir(parents=True, exist_ok=True)
    # The name tells whose it is, so that what a killed process leaves can be cleared away.
    handle, name = tempfile.mkstemp(
        prefix=f"partial-{os.getpid()}-", suffix="".join(path.suffixes), dir=SCRATCH
    )
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        path.parent.mkdir(parents=True, exist_ok=True)
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)
        # Without this, a name may survive a loss of power and its content not.
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends."""
    with replacing(path) as partial:
        partial.write_bytes(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` with sorted keys; NaN and infinity raise `ValueError`."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        UserError: the file cannot be read, is not JSON, or is larger than any of ours.
    """
    try:
        if path.stat().st_size > MOST_JSON:
            raise ValueError(f"it has more than {MOST_JSON} bytes")
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a JSON file ({reason(error)}); {HOW_TO_MEND}") from None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table with a head line; the caller rounds the numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_columns(path: Path, columns: Sequence[str]) -> list[np.ndarray]:
    """Columns of numbers of a table with a head line, float64.

    Raises:
        UserError: the file is missing, lacks a column, or holds other than numbers there.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        return [np.array([float(row[column]) for row in rows]) for column in columns]
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{path}: not a table of {', '.join(columns)} ({error})") from None


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a `.npy` file; arrays of objects raise `ValueError`."""
    with replacing(path) as partial, partial.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)


def write_rows(
    path: Path, shape: tuple[int, ...], dtype: np.dtype, blocks: Iterable[np.ndarray]
) -> None:
    """Write a `.npy` file from blocks of its rows, of which one at a time is in memory.

    Raises:
        ValueError: the blocks are not of `shape` when taken together.
    """
    with replacing(path) as partial, partial.open("wb") as file:
        head = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(file, head)
        count = 0
        for block in blocks:
            if block.shape[1:] != shape[1:]:
                raise ValueError(f"rows of shape {block.shape[1:]}, expected {shape[1:]}")
            file.write(np.ascontiguousarray(block, dtype).tobytes())
            count += len(block)
        if count != shape[0]:
            raise ValueError(f"{count} rows, expected {shape[0]}")


def read_array(path: Path) -> np.ndarray:
    """The array of a `.npy` file, mapped into memory: only what is touched is read.

    Raises:
        UserError: the file is missing or is no such array.
    """
    try:
        with np.errstate(over="raise"):  # of a size beyond all numbers
            return np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise missing(path) from None
    except Exception as error:  # NumPy's reader of heads lets errors of every kind through
        raise UserError(f"{path}: not a whole .npy file ({reason(error)}); {HOW_TO_MEND}") from None


HOW_TO_MEND = "delete it and run `dvc repro`, which makes it again"


def missing(path: Path) -> UserError:
    """The error for a file that an earlier stage should have written."""
    return UserError(f"{path}: there is no such file; `dvc repro` runs the stages that write it")
