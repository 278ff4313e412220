"""Arrays in `.npy` files, complete or absent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from harness.core.errors import UserError, reason
from harness.core.files import HOW_TO_FIX, missing, replacing


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
        _write_head(file, shape, dtype)
        count = 0
        for block in blocks:
            if block.shape[1:] != shape[1:]:
                raise ValueError(f"rows of shape {block.shape[1:]}, expected {shape[1:]}")
            file.write(np.ascontiguousarray(block, dtype).tobytes())
            count += len(block)
        if count != shape[0]:
            raise ValueError(f"{count} rows, expected {shape[0]}")


@contextmanager
def room_for(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> Iterator[tuple[Path, int]]:
    """A `.npy` file whose rows are written while it is open, each to its place, by any process.

    Yields the name of the unfinished file, and the byte where its first row belongs. Whoever leaves
    the context has seen to it that all rows are there.
    """
    with replacing(path) as partial:
        with partial.open("wb") as file:
            _write_head(file, shape, dtype)
            begin = file.tell()
            file.truncate(begin + math.prod(shape) * dtype.itemsize)
        yield partial, begin


def _write_head(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype) -> None:
    head = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, head)


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
        raise UserError(f"{path}: not a whole .npy file ({reason(error)}); {HOW_TO_FIX}") from None
