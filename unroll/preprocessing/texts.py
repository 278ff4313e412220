"""Texts as ids of words and marks, shard by shard; the vocabulary is that of the training texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.files import write_json
from unroll.core.arrays import room_for, write_array
from unroll.core.paths import VOCABULARY
from unroll.core.tokens import FIRST
from unroll.corpora.blocks import Text
from unroll.corpora.reading import shards
from unroll.preprocessing.counter import Counter
from unroll.preprocessing.found import Kept
from unroll.preprocessing.shards import Place, count, encode, write, write_words
from unroll.preprocessing.words import MARKS
from unroll.preprocessing.work import Work
from unroll.preprocessing.workers import in_order

# A word that occurs less often in the training texts teaches nothing of the test texts.
RAREST = 2


class Texts:
    """Prepares texts in three passes, each over all shards: encode, count, write.

    Neither the shards nor the workers change what is written: counts are whole numbers, words of
    equal frequency are ranked by their code points, and rows have their places.
    """

    def __init__(self, block: Text, work: Work) -> None:
        """Prepare a corpus; the folder of `work` takes 4 bytes for each word and mark."""
        self._block, self._workers, self._scratch = block, work.workers, work.folder
        self._items, self._words = list[np.ndarray](), list[np.ndarray]()

    @property
    def lengths(self) -> np.ndarray:
        """The words of each text, int32 (n,)."""
        self._words = [np.concatenate(self._words)]
        return self._words[0]

    def read(self) -> Iterator[Kept]:
        """Encode each shard; what is known of its rows."""
        found_shards = enumerate(shards(self._block))
        calls = ((self._block, shard, self._path(number)) for number, shard in found_shards)
        for found in in_order(self._workers, encode, calls):
            self._items.append(found.items)
            self._words.append(found.words)
            yield found.kept

    def write(self, folder: Path, splits: dict[str, np.ndarray]) -> dict[str, Any]:
        """Write the rows of each split; what else is to be known of them.

        Args:
            splits: which rows belong to each, bool (n,).
        """
        chosen = {split: self._by_shard(each) for split, each in splits.items()}
        vocabulary = self._vocabulary(chosen["train"])
        write_words(self._scratch / VOCABULARY, vocabulary)
        # Marks come after all words.
        dtype = np.min_scalar_type(FIRST + len(vocabulary) + len(MARKS) - 1)
        every = np.concatenate(self._items)
        with ExitStack() as files:
            rooms: dict[str, tuple[Path, int]] = {}
            for split, each in splits.items():
                ends = np.cumsum(every[each], dtype=np.int64)
                room = room_for(folder / f"x_{split}.npy", (int(ends[-1]),), dtype)
                rooms[split] = files.enter_context(room)
                write_array(folder / f"ends_{split}.npy", ends)
            for _ in in_order(self._workers, write, self._places(rooms, chosen, dtype)):
                pass
        write_json(folder / VOCABULARY, {"vocabulary": vocabulary, "marks": MARKS})
        return {}

    def _vocabulary(self, train: list[np.ndarray]) -> list[str]:
        """The words of the training texts but the rarest, the most frequent first."""
        counter = Counter(self._block.count_error)
        found_shards = enumerate(zip(self._items, train, strict=True))
        calls = ((self._path(number), *found) for number, found in found_shards)
        for words, counts in in_order(self._workers, count, calls):
            counter.add(words.split("\n") if words else [], counts.tolist())
        kept = sorted((-n, word) for word, n in counter.counts.items() if n >= RAREST)
        return [word for _, word in kept]

    def _places(
        self,
        rooms: dict[str, tuple[Path, int]],
        chosen: dict[str, list[np.ndarray]],
        dtype: np.dtype,
    ) -> Iterator[tuple[Any, ...]]:
        """The arguments of `write` for each shard."""
        at = {split: begin for split, (_, begin) in rooms.items()}
        for number, items in enumerate(self._items):
            places = []
            for split, (file, _) in rooms.items():
                own = chosen[split][number]
                places.append(Place(file, at[split], own))
                at[split] += int(items[own].sum()) * dtype.itemsize
            yield self._path(number), items, self._scratch / VOCABULARY, dtype, places

    def _by_shard(self, chosen: np.ndarray) -> list[np.ndarray]:
        return np.split(chosen, np.cumsum([len(items) for items in self._items])[:-1])

    def _path(self, shard: int) -> Path:
        """Of the files of a shard, without a suffix."""
        return self._scratch / str(shard)
