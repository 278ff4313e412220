"""How rows of each kind become arrays: texts ids of words and marks, series scaled numbers, images
bytes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.files import write_json
from unroll.core.arrays import write_rows
from unroll.core.paths import VOCABULARY
from unroll.core.tokens import FIRST, UNKNOWN
from unroll.corpora.blocks import Block, Images, Series
from unroll.preprocessing.store import Store
from unroll.preprocessing.words import MARKS, is_mark, tokens

# A word that occurs less often in the training texts teaches nothing of the test texts.
RAREST = 2
# In place of the digest of a text without words.
EMPTY = -1


class Texts:
    """Texts as ids of words and marks; the vocabulary is that of the training texts."""

    def __init__(self, block: Block, store: Store) -> None:
        self._store = store
        self._ids: defaultdict[str, int] = defaultdict(lambda: len(self._ids))
        self._lengths: list[int] = []

    @property
    def lengths(self) -> np.ndarray:
        """The words of each text, int64 (n,)."""
        return np.array(self._lengths, np.int64)

    def add(self, text: str) -> int:
        """Collect a text with words; a number that is equal for texts of the same words."""
        found = tokens(text)
        words = [token for token in found if not is_mark(token)]
        if not words:
            return EMPTY
        self._store.add(np.array([self._ids[token] for token in found], np.int32))
        self._lengths.append(len(words))
        return int.from_bytes(hashlib.blake2b(" ".join(words).encode(), digest_size=7).digest())

    def write(self, folder: Path, splits: dict[str, np.ndarray]) -> dict[str, Any]:
        """Write the rows of each split; what else is to be known of them."""
        counts = np.zeros(len(self._ids), np.int64)
        for block in self._store.blocks(splits["train"]):
            counts += np.bincount(block, minlength=len(counts))
        # Words of equal frequency are ranked by their code points, so that the vocabulary does not
        # depend on the order of the corpus. Marks come after all words.
        words = sorted(
            (-counts[i], token)
            for token, i in self._ids.items()
            if counts[i] >= RAREST and not is_mark(token)
        )
        known = [*(word for _, word in words), *MARKS]
        ids = np.full(len(counts), UNKNOWN, np.min_scalar_type(FIRST + len(known) - 1))
        for number, token in enumerate(known, FIRST):
            if token in self._ids:
                ids[self._ids[token]] = number
        for split, chosen in splits.items():
            self._store.write(folder, split, chosen, ids.dtype, lambda block: ids[block])
        vocabulary = {"vocabulary": known[: len(words)], "marks": MARKS}
        write_json(folder / VOCABULARY, vocabulary)
        return {}


class Numbers:
    """Series of one or more channels, scaled by the training rows alone."""

    def __init__(self, block: Series, store: Store) -> None:
        self._store, self._scale, self._columns = store, block.scale, block.values
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


class Pictures:
    """Images of one size; their rows or columns are the steps."""

    def __init__(self, block: Images, store: Store) -> None:
        self._store, self._by_columns = store, block.steps == "columns"
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
