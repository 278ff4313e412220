"""How time and memory grow with the corpus and fall with workers: `python -m bench.growth`.

It writes them to docs/scale.md; `--sizes 1,4 --workers 1,2,ray` measures less. The corpus is IMDb,
repeated: every copy but the first has a twentieth of the words of each review swapped with others
of it, by a seed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bench.measure import ROOT, cost, place, project, python
from bench.watch import Watch
from harness import processor
from harness.reporting.markdown import table
from unroll.preprocessing.workers import VARIABLE

sys.path.insert(0, str(ROOT / "tests"))  # where the clusters are, which the tests start, too

REPORT = ROOT / "docs/scale.md"
SIZES, WORKERS, EPOCHS = (1, 4, 16, 64), ("1", "2", "ray"), (1, 2, 4)

# Not through the stage's entry point, which refuses a corpus that `fetch` did not write.
ALONE = """
from stages import preprocess
from harness.stages.run import declared
if __name__ == "__main__":
    preprocess.main(declared("preprocess@imdb"), "imdb")
"""

# In a process of its own: a child's largest memory counts from that of its parent when it starts.
REPEAT = """
import sys
import numpy as np
import pyarrow.parquet as pq
whole, path, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
reviews = pq.read_table(whole)
texts = reviews["text"].to_pylist()

def swapped(text, draw):
    words = text.split(" ")
    pairs = draw.integers(0, len(words), (len(words) // 40, 2)).tolist()
    for one, two in pairs:
        words[one], words[two] = words[two], words[one]
    return " ".join(words)

with pq.ParquetWriter(path, reviews.schema, compression="zstd") as writer:
    for copy in range(size):
        if copy:
            draw = np.random.default_rng(copy)
            place = reviews.schema.get_field_index("text")
            changed = [[swapped(text, draw) for text in texts]]
            reviews = reviews.set_column(place, reviews.schema.field("text"), changed)
        writer.write_table(reviews, row_group_size=1000)
print(reviews.num_rows * size)
"""


@dataclass(frozen=True)
class Growth:
    """One preparation of a corpus.

    Attributes:
        driver, worker, together: MB allocated at most, by the process of the stage, by a worker,
            and by all.
        written: MB to the disk, scratch files included.
    """

    size: int
    workers: str
    reviews: int
    seconds: float
    driver: float
    worker: float
    together: float
    written: float


def preparations(sizes: Iterable[int], workers: Iterable[str]) -> Iterator[Growth]:
    """`preprocess@imdb` on each corpus by each number of workers, or by two nodes of Ray."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as clusters:
        clone = project(Path(name) / "clone")
        path = clone / "data/raw/imdb/reviews.parquet"
        whole = shutil.copy(path, name)
        nodes: dict[str, str] = {}
        for size in sizes:
            command = python("-c", REPEAT, str(whole), str(path), str(size))
            reviews = int(cost(command, clone).lines[-1][1])
            for count in workers:
                if count == "ray" and not nodes:
                    import clusters as of_tests

                    cluster = clusters.enter_context(of_tests.ray(Path(name) / "cluster"))
                    nodes = cluster.environment
                own = nodes if count == "ray" else {}
                before = psutil.Process().io_counters().write_chars
                with Watch(stages) as driver, Watch(tasks) as each, Watch(everyone) as every:
                    spent = cost(python("-c", ALONE), clone, {VARIABLE: count, **own})
                # Who waits for a process has what it wrote; nobody here waits for those of Ray.
                written = (psutil.Process().io_counters().write_chars - before) / 1e6
                written += each.written if count == "ray" else 0
                memory = driver.each, each.each, every.together
                found = Growth(size, count, reviews, spent.seconds, *memory, written)
                print(found, flush=True)
                yield found


def _started(of: Iterable[str]) -> list[psutil.Process]:
    """What this process has started whose command has one of these words."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(word in part for part in process.cmdline() for word in of):
                found.append(process)
    return found


def stages() -> list[psutil.Process]:
    """The process that prepares the corpus."""
    return _started(["preprocess.main"])


def tasks() -> list[psutil.Process]:
    """The workers that it started, or that Ray runs its tasks in."""
    return _started(["multiprocessing.spawn", "ray::in_folder"])


def everyone() -> list[psutil.Process]:
    """Both."""
    return [*stages(), *tasks()]


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


def report(
    sizes: Iterable[int] = SIZES, workers: Iterable[str] = WORKERS, epochs: Iterable[int] = EPOCHS
) -> str:
    """`preprocess@imdb`, and an epoch of `train-rnn@rnn`, on the reviews repeated, as Markdown."""
    rows, alone = [], dict[int, float]()
    for found in preparations(sizes, workers):
        if found.workers == "1":
            alone[found.size] = found.seconds
        both = alone.get(found.size, 0) / (2 * found.seconds)
        rows.append(
            [
                *(f"{found.size} times", f"{found.reviews:,}"),
                "two Ray nodes" if found.workers == "ray" else found.workers,
                *(f"{found.seconds:.1f}", f"{both:.0%}" if both and found.workers != "1" else ""),
                *(f"{found.driver:.0f}", f"{found.worker:.0f}" if found.worker else ""),
                *(f"{found.together:.0f}", f"{found.written:,.0f}"),
            ]
        )
    head = ["corpus", "reviews", "workers", "seconds", "efficiency of 2", "MB of the stage"]
    head += ["MB of a worker", "MB together", "MB written"]
    trained = []
    for size in epochs:
        command = python("-m", "bench.growth", "--epoch", str(size))
        seconds = float(cost(command, ROOT).lines[-1][1])
        trained.append([f"{size} times", f"{seconds:.1f}", f"{seconds / size:.2f}"])
    return "\n\n".join(
        [
            f"`preprocess@imdb` on IMDb repeated, the whole process, on {processor.kind()}. Memory "
            "is what was allocated at most, packages included; written are the prepared arrays "
            "and the scratch files before them. The two Ray nodes are this one machine.",
            table(head, rows, numbers=[1, *range(3, len(head))]),
            "One epoch of `train-rnn@rnn`, start and compilation left out:",
            table(["corpus", "seconds", "seconds per corpus"], trained),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.growth")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="times the corpus")
    parser.add_argument("--workers", default=",".join(WORKERS), help="numbers, and ray")
    parser.add_argument("--epochs", default=",".join(map(str, EPOCHS)), help="times the corpus")
    parser.add_argument("--epoch", type=int, help="print the seconds of one epoch, and no more")
    asked = parser.parse_args()
    if asked.epoch:
        print(epoch(asked.epoch))
        return
    sizes, epochs = ([int(n) for n in text.split(",") if n] for text in (asked.sizes, asked.epochs))
    place(report(sizes, asked.workers.split(","), epochs), REPORT, "growth")


if __name__ == "__main__":
    os.environ.pop(VARIABLE, None)
    main()
