"""Rows of any length in one scratch file, from which those of a split are written in order."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from unroll.core.arrays import write_array, write_rows

BLOCK = 1 << 20  # items to write at a time, at least one row of them


class Store:
    """Collects arrays that are equal but for their first axis; memory takes 8 bytes a row."""

    def __init__(self, folder: Path) -> None:
        """Open a file without a name in a folder."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._lengths: list[int] = []
        self.shape: tuple[int, ...] = ()
        self.dtype = np.dtype(np.uint8)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, row: np.ndarray) -> None:
        """Append one row, shape (items, ...); all rows have the type and shape of the first."""
        if not self._lengths:
            self.shape, self.dtype = row.shape[1:], row.dtype
        self._file.write(np.ascontiguousarray(row, self.dtype).data)
        self._lengths.append(len(row))

    @property
    def lengths(self) -> np.ndarray:
        """The items of each row so far, int64 (n,)."""
        return np.array(self._lengths, np.int64)

    def blocks(self, chosen: np.ndarray) -> Iterator[np.ndarray]:
        """The items of the chosen rows in order, some whole rows at a time.

        Args:
            chosen: bool (n,).
        """
        if not self.lengths.sum():
            return
        self._file.flush()
        every = np.memmap(self._file, self.dtype, "r", shape=(self.lengths.sum(), *self.shape))
        ends = np.cumsum(self.lengths)
        first = 0
        while first < len(ends):
            begin = ends[first] - self.lengths[first]
            last = max(int(np.searchsorted(ends, begin + BLOCK, "right")), first + 1)
            kept = np.repeat(chosen[first:last], self.lengths[first:last])
            yield every[begin : ends[last - 1]][kept]
            first = last

    def write(
        self,
        folder: Path,
        split: str,
        chosen: np.ndarray,
        dtype: np.dtype,
        change: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ) -> None:
        """Write `x_SPLIT.npy` and `ends_SPLIT.npy` of the chosen rows.

        Args:
            dtype: of what is written.
            change: makes of a block of items what is to be written.
        """
        lengths = self.lengths[chosen]
        shape = (int(lengths.sum()), *self.shape)
        write_rows(folder / f"x_{split}.npy", shape, dtype, map(change, self.blocks(chosen)))
        write_array(folder / f"ends_{split}.npy", np.cumsum(lengths))
