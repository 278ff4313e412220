"""Trains on a corpus that is larger than memory should be: `python -m bench.mapped`.

The corpus, 20 million rows of 128 words by default, is made up, written to a temporary folder, and
removed. `--steps N` trains so many of an epoch's steps and says how long all of them would take.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.measure import ROOT, cost, python
from bench.watch import Watch
from harness.core.files import write_json
from harness.reporting.markdown import table
from unroll.core import paths
from unroll.core.arrays import write_array, write_rows
from unroll.core.tokens import FIRST

ROWS, WORDS, VOCABULARY, HELD_OUT = 20_000_000, 128, 10_000, 20_000
BLOCK = 100_000  # rows written at a time
LIMIT = 4 * 10**9  # bytes that the training may allocate
MODEL = {"architecture": "simple_rnn", "vocabulary": VOCABULARY, "length": WORDS}
MODEL |= {"embedding": 8, "units": 8, "batch": 1000, "epochs": 1}
PARAMS: dict[str, Any] = {
    "seed": 1,
    "protocol": "holdout",
    "train": {"backend": "tensorflow", "precision": "float32", "threads": 1},
    "models": {"made_up": MODEL},
}


def write(rows: int) -> None:
    """Write the corpus where `preprocess` would; words of both classes differ a little."""
    folder = paths.prepared("made_up")
    words = [f"w{number}" for number in range(VOCABULARY - FIRST)]

    def block(at: int) -> np.ndarray:
        draw = np.random.default_rng(at)
        size = min(BLOCK, rows - at), WORDS
        ids = draw.integers(FIRST, VOCABULARY, size, np.uint16)
        ids[1::2, ::16] = FIRST
        return ids.ravel()

    blocks = (block(at) for at in range(0, rows, BLOCK))
    write_rows(folder / "x_train.npy", (rows * WORDS,), np.dtype(np.uint16), blocks)
    write_array(folder / "ends_train.npy", np.arange(1, rows + 1) * WORDS)
    write_array(folder / "y_train.npy", (np.arange(rows) % 2).astype(np.uint8))
    write_array(folder / paths.VALIDATION, np.arange(0, rows, rows // HELD_OUT | 1))
    write_json(folder / paths.VOCABULARY, {"vocabulary": words, "marks": []})
    about = {"kind": "text", "classes": ["a", "b"], "rows": "rows", "label": "class"}
    write_json(folder / paths.ABOUT, {"about": about | {"steps": (WORDS, WORDS)}})


def train(steps: int) -> dict[str, float]:
    """Train an epoch, or so many of its steps, within the limit; seconds and rows of these."""
    # What is mapped from files does not count, nor what is reserved and not yet writable.
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    from harness.core.params import Declared
    from unroll.models import backend

    params = Declared(PARAMS, list(PARAMS), "bench")
    backend.start(params)
    from unroll.training import order
    from unroll.training.train import train as trained

    whole, most = order.Order.calls, -(-steps // order.PER_CALL) if steps else None
    begin, seconds, taken = 0.0, 0.0, 0

    def calls(self: order.Order, epoch: int) -> Any:
        nonlocal begin, seconds, taken
        for number, (rows, width) in enumerate(islice(whole(self, epoch), most)):
            if number == 1:  # the first call compiles
                begin = time.monotonic()
            yield rows, width
            taken += len(rows) if number else 0
        seconds = time.monotonic() - begin

    order.Order.calls = calls  # type: ignore[method-assign]
    trained("made_up", "made_up", params)
    return {"seconds": seconds, "rows": taken}


def report(rows: int, steps: int) -> str:
    """Write the corpus, train in a process of its own, and say what that took."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:  # noqa: S108
        begin = time.monotonic()
        cost(python("-m", "bench.mapped", "--write", str(rows)), Path(name), _here())
        wrote = time.monotonic() - begin
        size = sum(file.stat().st_size for file in Path(name).rglob("*") if file.is_file())
        with Watch(lambda: psutil.Process().children(recursive=True)) as watch:
            command = python("-m", "bench.mapped", "--train", str(steps))
            spent = cost(command, Path(name), _here())
        found = json.loads(spent.lines[-1][1])
    rate = found["rows"] / found["seconds"]
    numbers = [f"{rows:,}", f"{size / 1e9:.1f}", f"{wrote:.0f}", f"{found['rows']:,.0f}"]
    numbers += [f"{rate:,.0f}", f"{rows / rate / 60:.0f}", f"{watch.each / 1e3:.2f}"]
    head = ["rows", "GB on the disk", "seconds to write", "rows trained", "rows a second"]
    head += ["minutes of an epoch", "GB allocated at most"]
    return table(head, [numbers], numbers=range(len(head)))


def _here() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.mapped")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--steps", type=int, default=0, help="of an epoch; 0: all")
    parser.add_argument("--write", type=int, help="only write a corpus of so many rows here")
    parser.add_argument("--train", type=int, help="only train so many steps on the corpus here")
    asked = parser.parse_args()
    if asked.write:
        write(asked.write)
    elif asked.train is not None:
        found = train(asked.train)
        sys.stdout.flush()
        print(json.dumps(found))
    else:
        print(report(asked.rows, asked.steps))


if __name__ == "__main__":
    main()
