"""How time and memory grow with the corpus."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.measure import cost, project, python, table

# Not through the stage's entry point, which refuses a corpus that `fetch` did not write.
ALONE = """
from stages import preprocess
from unroll.params import declared
preprocess.main(declared("preprocess@imdb"), "imdb")
"""


def report(sizes: tuple[int, ...] = (1, 4, 16)) -> str:
    """`preprocess@imdb` on the reviews once, four times, sixteen times, as Markdown."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        clone = project(Path(name) / "clone")
        path = clone / "data/raw/imdb/reviews.parquet"
        reviews = pq.read_table(path)
        for size in sizes:
            pq.write_table(
                pa.concat_tables([reviews] * size), path, compression="zstd", row_group_size=1000
            )
            spent = cost(python("-c", ALONE), clone)
            rows.append(
                [
                    f"{size} times",
                    f"{reviews.num_rows * size:,}",
                    f"{spent.seconds:.1f}",
                    f"{spent.seconds / size:.2f}",
                    f"{spent.memory:.0f}",
                ]
            )
    return table(["corpus", "reviews", "seconds", "seconds per corpus", "largest memory, MB"], rows)
