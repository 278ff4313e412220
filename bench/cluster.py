"""What a cluster gains and what it costs: `python -m bench.cluster` writes it to docs/cluster.md.

A sweep of eight equal trainings runs on one node and on two. Both are this machine, so trainings
wait instead of computing: what is measured is what the jobs cost beside their training.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.measure import ROOT, place
from harness import processor
from harness.core.errors import UserError, user_errors
from harness.reporting.markdown import table

sys.path.insert(0, str(ROOT / "tests"))  # where the clusters are, which the tests start, too

import clusters
from cluster_project import POLL, Project, Store
from epochs import Training

REPORT = ROOT / "docs/cluster.md"
COUNT, EPOCHS, EPOCH = 8, 5, 4.0  # trainings, epochs of each, seconds of an epoch
PHASES = ("clone", "environment", "pull", "run", "push")


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes:
        load: of this machine before, by whatever else runs on it.
        seconds: from the command to the table.
        phases: seconds of each phase of each job that trained, by phase.
    """

    engine: str
    nodes: int
    load: float
    seconds: float
    phases: dict[str, list[float]]


def sweep(engine: str, nodes: int, seed: int, folder: Path) -> Sweep:
    """Run it on a new cluster, whose nodes have worked once."""
    settings = {f"width-{width}": {"width": width} for width in range(2, COUNT + 2)}
    store, load = Store(folder / "store"), os.getloadavg()[0]
    with clusters.make(engine, folder / "cluster", nodes) as cluster:
        few = {name: settings[name] for name in list(settings)[:nodes]}
        warm = Project(folder / "warm", cluster, store.server, Training(seed + 1000, few, 1))
        _ended(warm)
        training = Training(seed, settings, EPOCHS)
        project = Project(folder / "sweep", cluster, store.server, training, seconds=EPOCH)
        begin = time.monotonic()
        _ended(project)
        seconds = time.monotonic() - begin
        phases: dict[str, list[float]] = {phase: [] for phase in PHASES}
        for facts in project.done():
            for phase in PHASES:
                phases[phase].append(facts["seconds"].get(phase, 0.0))
    store.end()
    return Sweep(engine, nodes, load, seconds, phases)


def _ended(project: Project) -> None:
    if project.drive().wait():
        raise UserError(project.log.read_text())


def report(sweeps: list[Sweep]) -> str:
    """What stands in docs/cluster.md."""
    training = EPOCHS * EPOCH
    rows, costs = [], []
    for found in sweeps:
        ideal = COUNT * training / found.nodes
        one = next(s.seconds for s in sweeps if (s.engine, s.nodes) == (found.engine, 1))
        rows.append(
            [
                *(found.engine, str(found.nodes), f"{found.seconds:.0f}", f"{ideal:.0f}"),
                *(f"{ideal / found.seconds:.0%}", f"{one / found.seconds:.2f}"),
                f"{found.load:.1f}",
            ]
        )
        parts = {phase: statistics.median(found.phases[phase]) for phase in PHASES}
        parts["run"] -= training
        cells = [f"{parts[phase]:.1f}" for phase in PHASES]
        costs.append([found.engine, str(found.nodes), *cells, f"{sum(parts.values()):.1f}"])
    head = ["engine", "nodes", "seconds", "ideal", "efficiency", "times as fast as one node"]
    head += ["load before"]
    phases = [*(f"`{phase}`" for phase in PHASES), "in all"]
    return "\n\n".join(
        [
            f"Eight equal trainings of {training:.0f} s each, on {processor.kind()}. Both nodes "
            f"are one machine with {os.cpu_count()} processors, so trainings wait instead of "
            "computing. The ideal is the trainings alone, divided by the nodes. The engine is "
            f"asked every {POLL:.0f} s here, every 15 s by `sweep --on`. The load before is that "
            f"of all else on the machine; above {os.cpu_count()}, jobs wait for a processor.",
            table(head, rows, numbers=range(1, len(head))),
            "Seconds that a job costs beside its training, the median; nodes have the "
            "environment and the repository already:",
            table(["engine", "nodes", *phases], costs, numbers=range(1, len(phases) + 2)),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.cluster")
    parser.add_argument("--engine", choices=clusters.ENGINES, help="only this one")
    asked = parser.parse_args()
    sweeps = []
    with tempfile.TemporaryDirectory() as name:
        for seed, (engine, nodes) in enumerate(_plans(asked.engine)):
            found = sweep(engine, nodes, seed, Path(name) / f"{engine}-{nodes}")
            print(f"{engine}, {nodes} nodes: {found.seconds:.0f} s {json.dumps(found.phases)}")
            sweeps.append(found)
    place(report(sweeps), REPORT, "cluster")


def _plans(engine: str | None) -> Iterator[tuple[str, int]]:
    for name in [engine] if engine else clusters.ENGINES:
        yield from ((name, 1), (name, 2))


if __name__ == "__main__":
    with user_errors():
        main()
