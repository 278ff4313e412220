"""What many trials on many nodes and a corpus of many texts cost: `python -m bench.scale`.

It measures a sweep of two jobs, says what sweeps of 2, 4 and 8 jobs should take and measures them,
and computes large ones with the same figures; likewise for corpora. The tables go to docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench import growth
from bench.costs import Preparing, Sweeping
from bench.measure import ROOT, place
from bench.sweeps import EPOCH, EPOCHS, PHASES, Parts, sweep
from harness import processor
from harness.core.errors import user_errors
from harness.reporting.markdown import table
from harness.stages import lock_file

REPORT = ROOT / "docs/scale.md"
TRIALS, NODES, SECONDS = 1_000, 100, (60, 600)  # of a trial
JOBS, OWN = (2, 4, 8), 2  # of the sweeps that are measured; processors of this machine
TEXTS, WORKERS = 100_000_000, (1, 8, 64)


def measured_sweeps(engine: str) -> tuple[Parts, list[Parts]]:
    """A sweep to compute others from, and those that are compared with what was computed."""
    import clusters

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with clusters.make(engine, folder / "cluster", OWN) as cluster:
            sweep(cluster, OWN, 1000, folder / "warm")  # the nodes get the repository
            known = sweep(cluster, OWN, 1, folder / "known", again=True)
            return known, [sweep(cluster, jobs, 2 + jobs, folder / f"jobs-{jobs}") for jobs in JOBS]


def sweeps_report(known: Parts, others: Iterable[Parts], poll: float) -> str:
    """The parts of a small sweep, and sweeps as computed from them and as measured."""
    model, training = Sweeping.of(known, poll), EPOCHS * EPOCH
    parts = [f"{known.start:.1f}", f"{known.launch:.1f}"]
    parts += [f"{known.phases[phase]:.1f}" for phase in PHASES] + [f"{known.job:.1f}"]
    parts += [f"{known.home:.1f}", f"{known.end:.1f}", f"{model.requests:.0f}"]
    head = ["start", "launch", *(f"`{phase}`" for phase in PHASES), "job in all", "home", "end"]
    head += ["requests of a job"]
    rows = []
    for found in others:
        computed = model.wall(found.jobs, found.nodes, training, poll)
        rows.append(
            [
                *(str(found.jobs), str(found.nodes), f"{computed:.0f}", f"{found.wall:.0f}"),
                *(f"{computed / found.wall - 1:+.0%}", str(sum(found.requests.values()))),
                f"{found.load:.1f}",
            ]
        )
    compared = ["jobs", "nodes", "computed", "measured", "difference", "requests", "load before"]
    return "\n\n".join(
        [
            f"Seconds of the parts of a sweep of {known.jobs} jobs on {known.nodes} nodes, which "
            f"are one machine with {os.cpu_count()} processors ({processor.kind()}):",
            table(head, [parts], numbers=range(len(head))),
            f"Sweeps of trainings of {training:.0f} s, computed from these parts and measured:",
            table(compared, rows, numbers=range(len(compared))),
        ]
    )


def trials_report(model: Sweeping) -> str:
    """Many trials on many nodes."""
    pulled, pushed = sizes()
    rows = []
    for seconds in SECONDS:
        cost = model.cost(TRIALS, NODES, seconds)
        moved = NODES * pulled + TRIALS * pushed
        rows.append(
            [
                *(f"{seconds} s", f"{cost['ideal'] / 60:.0f}", f"{cost['wall'] / 60:.0f}"),
                *(f"{cost['ideal'] / cost['wall']:.0%}", f"{cost['driver'] / 60:.0f}"),
                *(f"{moved / 1e9:.1f}", f"{cost['store']:,.0f}", f"{cost['scheduler']:,.0f}"),
            ]
        )
    head = ["a trial", "ideal, min", "min", "efficiency", "of these the driver, min"]
    head += ["GB moved", "requests to the store", "to the scheduler"]
    return (
        f"{TRIALS:,} trials on {NODES} nodes. A node pulls {pulled / 1e6:.0f} MB once, a trial "
        f"pushes {pushed / 1e6:.1f} MB:\n\n" + table(head, rows, numbers=range(1, len(head)))
    )


def sizes(stage: str = "train-lstm@lstm") -> tuple[int, int]:
    """Bytes that a job of a sweep pulls to a node that has nothing, and that it pushes."""
    entries = lock_file.entries(ROOT)
    after = stage.replace("train-lstm", "evaluate")
    read = {dep["path"]: dep for name in (stage, after) for dep in entries[name]["deps"]}
    made = {out["path"]: out for name in (stage, after) for out in entries[name]["outs"]}
    pulled = [dep["size"] for path, dep in read.items() if path.startswith("data/")]
    return sum(pulled), sum(out["size"] for path, out in made.items())


def texts_report(found: list[growth.Growth]) -> str:
    """A corpus of many texts."""
    one, two = (next(g for g in found if g.workers == count) for count in ("1", "2"))
    model = Preparing.of(one, two)
    rows = [
        [
            *(str(workers), f"{model.seconds(TEXTS, workers) / 3600:.1f}"),
            f"{model.seconds(TEXTS, 1) / model.seconds(TEXTS, workers) / workers:.0%}",
        ]
        for workers in WORKERS
    ]
    head = ["workers", "hours", "efficiency"]
    return (
        f"{TEXTS:,} texts like IMDb's, computed from {one.reviews:,} that took {one.seconds:.0f} s "
        f"with one worker and {two.seconds:.0f} s with two; "
        f"{model.bytes_written * TEXTS / 1e9:.0f} GB are written, scratch files included:\n\n"
        + table(head, rows, numbers=range(len(head)))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.scale")
    parser.add_argument("--engine", default="slurm", choices=["slurm", "ray"])
    parser.add_argument("--size", type=int, default=4, help="IMDb so many times, for the corpus")
    parser.add_argument("--no-corpus", action="store_true", help="measure sweeps alone")
    asked = parser.parse_args()
    poll = _poll()
    known, others = measured_sweeps(asked.engine)
    print(json.dumps([known.__dict__, *(one.__dict__ for one in others)], indent=1))
    parts = [sweeps_report(known, others, poll), trials_report(Sweeping.of(known, poll))]
    if not asked.no_corpus:
        parts.append(texts_report(list(growth.preparations([asked.size], ["1", "2"]))))
    place("\n\n".join(parts), REPORT, "scale")


def _poll() -> float:
    """Seconds between two questions of the measured sweeps."""
    from cluster_project import POLL as measured

    return measured


if __name__ == "__main__":
    with user_errors():
        main()
