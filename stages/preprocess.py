"""preprocess: turn a corpus into arrays, and choose the rows that validate."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from harness.core.params import Declared
from unroll.core.arrays import write_array, write_rows
from unroll.core.datasets import read
from unroll.core.paths import VALIDATION, VOCABULARY, prepared
from unroll.corpora import imdb, mnist
from unroll.preprocessing.splits import stratified
from unroll.preprocessing.vocabulary import Vocabulary, count_words


def preprocess_imdb(params: Declared) -> None:
    folder, settings = prepared("imdb"), params.preprocess.imdb
    vocabulary = Vocabulary.fit(
        count_words(imdb.texts("train")),
        size=settings["vocabulary"],
        skip_top=settings["skip_top"],
        max_length=settings["length"],
    )
    vocabulary.save(folder / VOCABULARY)
    for split in imdb.SPLITS:
        labels = imdb.labels(split)
        write_array(folder / f"y_{split}.npy", labels)
        shape = (len(labels), settings["length"])
        rows = Rows(vocabulary.encode_all(imdb.texts(split)))
        write_rows(folder / f"x_{split}.npy", shape, vocabulary.dtype, rows)
        if split == "train":
            # Copies of one text stay together.
            held = stratified(labels, rows.digests(), settings["validation"], params.seed)
            write_array(folder / VALIDATION, held)

    train = read("imdb", "train")
    print("a review as the models see it, and its words:")
    print(*train.x[0])
    print(*vocabulary.decode(train.x[0]))


def preprocess_mnist(params: Declared) -> None:
    folder = prepared("mnist")
    for split in mnist.SPLITS:
        write_array(folder / f"x_{split}.npy", mnist.images(split))
        write_array(folder / f"y_{split}.npy", mnist.labels(split))

    labels = mnist.labels("train")
    each_its_own = np.arange(len(labels))
    held = stratified(labels, each_its_own, params.preprocess.mnist["validation"], params.seed)
    write_array(folder / VALIDATION, held)


class Rows:
    """Passes blocks of rows on and keeps a digest of each row."""

    def __init__(self, blocks: Iterable[np.ndarray]) -> None:
        self._blocks, self._digests = blocks, [np.empty(0, np.uint64)]

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self._blocks:
            self._digests.append(np.array([_digest(row.tobytes()) for row in block], np.uint64))
            yield block

    def digests(self) -> np.ndarray:
        """The digests of all rows so far, uint64 of shape (n,), equal for equal rows."""
        return np.concatenate(self._digests)


def _digest(row: bytes) -> int:
    # The order of the digests decides which rows validate; it is the order of the CRC32. That alone
    # would take about 116 pairs of different rows in a million for copies.
    rest = hashlib.blake2b(row, digest_size=4).digest()
    return zlib.crc32(row) << 32 | int.from_bytes(rest)


PREPROCESS = {"imdb": preprocess_imdb, "mnist": preprocess_mnist}


def main(params: Declared, corpus: str) -> None:
    PREPROCESS[corpus](params)
