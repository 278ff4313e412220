"""Faults on real clusters, drawn at random: `python -m bench.faults` writes docs/cluster-faults.md.

Sweeps of small trainings run on two nodes of Slurm and of Ray on this machine, over an S3 server.
Meanwhile one fault after another happens to them. Each sweep must end with the table and the bytes
of one that ran without a cluster; who watches it types the same command again, and nothing else.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.measure import ROOT
from harness import processor
from harness.core.errors import user_errors
from harness.core.files import write_text
from harness.reporting.markdown import table

sys.path.insert(0, str(ROOT / "tests"))  # where the clusters are, which the tests start, too

import cluster_faults
import clusters
from cluster_faults import Fault, Scene
from cluster_project import Project, Store, on_one_machine
from epochs import Training

REPORT = ROOT / "docs/cluster-faults.md"
SETTINGS = {f"width-{width}": {"width": width} for width in (2, 3, 4)}
EPOCH = 1.5  # seconds
BETWEEN, LASTS = (0.5, 4.0), (0.0, 20.0)  # seconds, of which one is drawn
DISK = 30  # megabytes of the disk of the first node
EACH = 5  # faults of one sweep
LIMIT = 900.0  # seconds after which a sweep has got stuck


@dataclass
class Row:
    """One fault and what it gave.

    Attributes:
        hit: what was broken.
        seconds: that it lasted.
        running: jobs that worked when it came.
        epochs, said: trained epochs, and bytes of the driver's log, by then.
        again: jobs that the driver submitted again before the next fault.
        repeated: epochs trained again before the next fault.
        outcome: of the whole sweep.
    """

    engine: str
    fault: str
    hit: str
    seconds: float
    running: int
    epochs: int
    said: int
    again: str = ""
    repeated: int = 0
    outcome: str = ""

    def finished(self, scene: Scene) -> Row:
        """With what has happened since."""
        trained = [entry[:2] for entry in scene.project.trained()]
        places = range(self.epochs, len(trained))
        self.repeated = sum(trained[place] in trained[:place] for place in places)
        lines = scene.project.log.read_text()[self.said :].splitlines()
        self.again = ", ".join(line.partition(":")[0] for line in lines if ": submitted to" in line)
        return self

    def cells(self, number: int) -> list[str]:
        """Of the table."""
        return [
            *(str(number), self.engine, self.fault, self.hit, f"{self.seconds:.0f}"),
            *(str(self.running), self.again or "none", str(self.repeated), self.outcome),
        ]


def sweep(scene: Scene, faults: Iterator[Fault]) -> Iterator[Row]:
    """Faults while a sweep runs, each after the other, until it has ended."""
    rng, deadline = scene.rng, time.monotonic() + LIMIT
    last: Row | None = None
    while True:
        time.sleep(rng.uniform(*BETWEEN))
        code = scene.driver.poll()
        scene.resumed += scene.cluster.resume()
        if time.monotonic() > deadline:
            raise RuntimeError(f"the sweep got stuck:\n{scene.project.log.read_text()}")
        if code:
            scene.driver = scene.project.drive()
        fault = next(faults, None) if code is None and scene.working() else None
        if last and (fault or code == 0):
            yield last.finished(scene)
            last = None
        if code == 0:
            return
        if fault:
            last = suffered(scene, fault)


def suffered(scene: Scene, fault: Fault) -> Row:
    """Let a fault happen, and mend it after a while."""
    project, seconds = scene.project, scene.rng.uniform(*LASTS)
    epochs, said = len(project.trained()), project.log.stat().st_size
    running = sum(len(scene.jobs(name)) for name in scene.cluster.nodes)
    broken = fault(scene)
    hit = next(broken)
    time.sleep(seconds)
    next(broken, None)
    scene.resumed += scene.cluster.resume()
    return Row(scene.cluster.engine, fault.__name__, hit, seconds, running, epochs, said)


def rounds(engine: str, count: int, rng: random.Random, folder: Path) -> Iterator[Row]:
    """So many faults on one engine, in as many sweeps as they take."""
    drawn = iter([rng.choice(cluster_faults.FAULTS) for _ in range(count)])
    store, done, resumed = Store(folder / "store"), 0, 0
    with clusters.make(engine, folder / "cluster") as cluster:
        cluster.small_disk(cluster.nodes[0], DISK)
        while done < count:
            seed = rng.randrange(10**6)
            name = f"{engine}-{seed}"
            training = Training(seed, SETTINGS)
            project = Project(folder / name, cluster, store.server, training, seconds=EPOCH)
            rows = []
            scene = Scene(project, cluster, store, rng)
            for row in sweep(scene, islice(drawn, EACH)):
                rows.append(row)
                print(*row.cells(done + len(rows)), flush=True)
            resumed += scene.resumed
            same = project.results() == on_one_machine(folder / f"{name}-here", training)
            once = sorted(project.references()) == sorted(["default", *SETTINGS])
            outcome = "same bytes" if same and once else "DIFFERENT"
            for row in rows:
                row.outcome = outcome
            print(f"sweep {name}: {outcome}", flush=True)
            done += len(rows)
            yield from rows
    store.end()
    print(f"{engine}: nodes that were lost without a fault, and brought back: {resumed}")


def report(rows: list[Row], seed: int, command: str) -> str:
    """The page."""
    kinds = []
    for fault in cluster_faults.FAULTS:
        for engine in clusters.ENGINES:
            of = [row for row in rows if (row.fault, row.engine) == (fault.__name__, engine)]
            what = (fault.__doc__ or "").strip().rstrip(".")
            well = sum(row.outcome == "same bytes" for row in of)
            repeated = sum(row.repeated for row in of)
            numbers = map(str, (len(of), well, repeated))
            kinds.append([f"`{fault.__name__}`", what, engine, *numbers])
    head = ["", "engine", "fault", "what it hit", "for seconds", "jobs running"]
    head += ["submitted again", "epochs trained again", "sweep"]
    return "\n\n".join(
        [
            "# Faults on clusters",
            f"`{command}`, on {processor.kind()}, wrote this page; the seed draws the faults, and "
            "how far the jobs are when one comes differs from run to run.",
            "Each sweep has a default and three trainings of six epochs, on two nodes of real "
            "Slurm and Ray clusters on one machine, with an S3 server as remote. Checkpoints go "
            "to it every second. Faults come one after another while jobs run, each is mended "
            "after the seconds shown (the node starts again, the store comes back), and nothing "
            "else is repaired, but that nodes that Slurm took out, or that ended by themselves, "
            "are brought back; whose command ended types it again. "
            '"Same bytes" says that at the end of the sweep '
            "parameters, metrics, `dvc.lock` and the table of the sweep are those of a run "
            "without a cluster, and that each setting is there once.",
            table(
                ["fault", "what", "engine", "times", "same bytes", "epochs trained again"], kinds
            ),
            "## One by one",
            table(head, [row.cells(i) for i, row in enumerate(rows, 1)], numbers=(0, 4, 5, 7)),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.faults")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--engine", choices=clusters.ENGINES, help="only this one")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        engines = [asked.engine] if asked.engine else list(clusters.ENGINES)
        for engine in engines:
            # The same faults whether one engine is asked for or both.
            rng = random.Random(asked.seed + list(clusters.ENGINES).index(engine))  # noqa: S311
            rows += rounds(engine, asked.count // len(engines), rng, Path(name) / engine)
    command = f"python -m bench.faults --seed {asked.seed} --count {asked.count}"
    write_text(REPORT, report(rows, asked.seed, command) + "\n")
    print(f"written: {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    with user_errors():
        main()
