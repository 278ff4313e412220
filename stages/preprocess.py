"""preprocess: turn a corpus into arrays, and choose the rows that validate."""

import zlib

import numpy as np

from unroll import imdb, mnist
from unroll.files import filling, write_array
from unroll.params import Declared
from unroll.paths import prepared
from unroll.prepared import ENCODER, VALIDATION, read
from unroll.splits import stratified
from unroll.text import Encoder, count_words


def preprocess_imdb(params: Declared) -> None:
    folder, settings = prepared("imdb"), params.preprocess.imdb
    encoder = Encoder.fit(
        count_words(imdb.texts("train")),
        size=settings["vocabulary"],
        skip_top=settings["skip_top"],
        length=settings["length"],
    )
    encoder.save(folder / ENCODER)
    for split in imdb.SPLITS:
        labels = imdb.labels(split)
        shape = (len(labels), settings["length"])
        with filling(folder / f"x_{split}.npy", shape, encoder.dtype) as rows:
            encoder.encode_all(imdb.texts(split), rows)
        write_array(folder / f"y_{split}.npy", labels)

    train = read("imdb", "train")
    copies = np.array([zlib.crc32(row) for row in train.x])  # of one text stay together
    held = stratified(train.y, copies, settings["validation"], params.seed)
    write_array(folder / VALIDATION, held)

    print("a review as the models see it, and its words:")
    print(*train.x[0])
    print(*encoder.decode(train.x[0]))


def preprocess_mnist(params: Declared) -> None:
    folder = prepared("mnist")
    for split in mnist.SPLITS:
        write_array(folder / f"x_{split}.npy", mnist.images(split))
        write_array(folder / f"y_{split}.npy", mnist.labels(split))

    labels = mnist.labels("train")
    each_its_own = np.arange(len(labels))
    held = stratified(labels, each_its_own, params.preprocess.mnist["validation"], params.seed)
    write_array(folder / VALIDATION, held)


PREPROCESS = {"imdb": preprocess_imdb, "mnist": preprocess_mnist}


def main(params: Declared, corpus: str) -> None:
    PREPROCESS[corpus](params)
