"""How time and memory grow with the corpus: `python -m bench.growth SIZE` times one epoch."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.measure import ROOT, cost, project, python
from harness.reporting.markdown import table

# Not through the stage's entry point, which refuses a corpus that `fetch` did not write.
ALONE = """
from stages import preprocess
from harness.stages.run import declared
preprocess.main(declared("preprocess@imdb"), "imdb")
"""

# In a process of its own: a child's largest memory counts from that of its parent when it starts.
REPEAT = """
import sys
import pyarrow.parquet as pq
whole, path, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
reviews = pq.read_table(whole)
with pq.ParquetWriter(path, reviews.schema, compression="zstd") as writer:
    for _ in range(size):
        writer.write_table(reviews, row_group_size=1000)
print(reviews.num_rows * size)
"""


def epoch(size: int) -> float:
    """Seconds of one epoch of the simple network on the reviews `size` times, after a warm-up."""
    from bench.throughput import model_of

    model, x, y, batch, _ = model_of("train-rnn@rnn", "tensorflow")
    import keras

    from unroll.training.order import PER_CALL
    from unroll.training.steps import steps_of

    x, y = np.tile(x, (size, 1)), np.tile(y, (size, 1))
    steps = steps_of(model, x, y, batch, lambda rows: keras.ops.cast(rows, "float32"))
    order = np.random.default_rng(0).permutation(len(x)).astype(np.int32)
    call = PER_CALL * batch
    steps.run(order[:call], x.shape[1])
    begin = time.perf_counter()
    for first in range(0, len(order) - call + 1, call):
        steps.run(order[first : first + call], x.shape[1])
    return time.perf_counter() - begin


def report(sizes: tuple[int, ...] = (1, 4, 16), epochs: tuple[int, ...] = (1, 2, 4)) -> str:
    """`preprocess@imdb`, and an epoch of `train-rnn@rnn`, on the reviews repeated, as Markdown."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        clone = project(Path(name) / "clone")
        path = clone / "data/raw/imdb/reviews.parquet"
        whole = shutil.copy(path, name)
        for size in sizes:
            command = python("-c", REPEAT, str(whole), str(path), str(size))
            reviews = int(cost(command, clone).lines[-1][1])
            spent = cost(python("-c", ALONE), clone)
            numbers = [f"{spent.seconds:.1f}", f"{spent.seconds / size:.2f}", f"{spent.memory:.0f}"]
            rows.append([f"{size} times", f"{reviews:,}", *numbers])
    head = ["corpus", "reviews", "seconds", "seconds per corpus", "largest memory, MB"]
    trained = []
    for size in epochs:
        seconds = float(cost(python("-m", "bench.growth", str(size)), ROOT).lines[-1][1])
        trained.append([f"{size} times", f"{seconds:.1f}", f"{seconds / size:.2f}"])
    return "\n\n".join(
        [
            "`preprocess@imdb`, the whole process:",
            table(head, rows),
            "One epoch of `train-rnn@rnn`, start and compilation left out:",
            table(["corpus", "seconds", "seconds per corpus"], trained),
        ]
    )


if __name__ == "__main__":
    print(epoch(int(sys.argv[1])))
