"""How rows of each kind become arrays: series scaled numbers, images bytes; texts see `texts`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from unroll.core.arrays import write_rows
from unroll.corpora.blocks import Corpus, Images, Series
from unroll.corpora.reading import read
from unroll.preprocessing.found import Kept, keep
from unroll.preprocessing.texts import Texts
from unroll.preprocessing.work import Work


class _Stored:
    """Rows that this process reads into the store, from which their splits are written.

    Cutting windows and checking sizes needs the rows before, and there is little else to compute.
    """

    def __init__(self, block: Corpus, work: Work) -> None:
        self._block, self._store = block, work.store

    def read(self) -> Iterator[Kept]:
        """Collect the rows, chunk by chunk; what is known of each."""
        for rows in read(self._block):
            yield keep([rows], self._block, self.add)

    def add(self, x: np.ndarray) -> None:
        """Collect a row."""
        raise NotImplementedError


class Numbers(_Stored):
    """Series of one or more channels, scaled by the training rows alone."""

    def __init__(self, block: Series, work: Work) -> None:
        super().__init__(block, work)
        self._scale, self._columns = block.scale, block.values
        self._stride = block.stride if block.window else 0

    @property
    def lengths(self) -> np.ndarray:
        """The steps of each series, int64 (n,)."""
        return self._store.lengths

    def add(self, series: np.ndarray) -> None:
        """Collect a series, float32 (steps, channels)."""
        self._store.add(series)

    def write(self, folder: Path, splits: dict[str, np.ndarray]) -> dict[str, Any]:
        """Write the rows of each split; what else is to be known of them."""
        mean, deviation = self._measured(splits["train"])
        for split, chosen in splits.items():
            self._store.write(
                *(folder, split, chosen, np.dtype(np.float32)),
                lambda block: (block - mean) / deviation,
            )
        scale = {"mean": mean.tolist(), "deviation": deviation.tolist()}
        names = self._columns or ()
        said = {"features": self._store.shape[0], "channels": names, "stride": self._stride}
        return said | {"scale": scale}

    def _measured(self, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is taken away from each channel and what it is divided by, float64 (channels,)."""
        channels = self._store.shape[0]
        if self._scale == "none":
            return np.zeros(channels), np.ones(channels)
        total = square = np.zeros(channels)
        low, high, count = np.full(channels, np.inf), np.full(channels, -np.inf), 0
        for block in self._store.blocks(train):
            block = block.astype(np.float64)
            total, square = total + block.sum(0), square + np.square(block).sum(0)
            if len(block):
                low, high = np.minimum(low, block.min(0)), np.maximum(high, block.max(0))
            count += len(block)
        if self._scale == "range":
            return low, np.where(high > low, high - low, 1)
        mean = total / count
        deviation = np.sqrt(np.maximum(square / count - np.square(mean), 0))
        return mean, np.where(deviation > 0, deviation, 1)


class Pictures(_Stored):
    """Images of one size; their rows or columns are the steps."""

    def __init__(self, block: Images, work: Work) -> None:
        super().__init__(block, work)
        self._by_columns = block.steps == "columns"
        self._image: tuple[int, ...] = ()

    @property
    def lengths(self) -> np.ndarray:
        """The steps of each image, int64 (n,)."""
        return np.full(len(self._store.lengths), self._store.shape[0])

    def add(self, image: np.ndarray) -> None:
        """Collect an image, uint8 (height, width) or (height, width, 3)."""
        self._image = image.shape
        steps = np.swapaxes(image, 0, 1) if self._by_columns else image
        self._store.add(steps.reshape(1, len(steps), -1))

    def write(self, folder: Path, splits: dict[str, np.ndarray]) -> dict[str, Any]:
        """Write the rows of each split; what else is to be known of them."""
        for split, chosen in splits.items():
            shape = (int(chosen.sum()), *self._store.shape)
            blocks = self._store.blocks(chosen)
            write_rows(folder / f"x_{split}.npy", shape, np.dtype(np.uint8), blocks)
        _, features = self._store.shape
        channels = ("red", "green", "blue") if len(self._image) == 3 else ()
        return {
            "features": features,
            "channels": channels,
            "columns": self._by_columns,
        }


KINDS: dict[str, Any] = {"text": Texts, "series": Numbers, "images": Pictures}
