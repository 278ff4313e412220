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
from itertools import islice
from pathlib import Path

from bench import faults_page
from bench.faults_page import SAME, Row
from bench.measure import ROOT
from harness.core.errors import user_errors

sys.path.insert(0, str(ROOT / "tests"))  # where the clusters are, which the tests start, too

import cluster_faults
import clusters
from cluster_faults import Fault, Scene
from cluster_project import Project, Store, on_one_machine
from epochs import Training

SETTINGS = {f"width-{width}": {"width": width} for width in (2, 3, 4)}
EPOCH = 1.5  # seconds
BETWEEN, LASTS = (0.5, 4.0), (0.0, 20.0)  # seconds, of which one is drawn
DISK = 30  # megabytes of the disk of the first node
EACH = 5  # faults of one sweep
LIMIT = 1800.0  # seconds after which a sweep has got stuck


class StuckError(Exception):
    """A sweep that does not end."""


def sweep(scene: Scene, faults: Iterator[Fault]) -> Iterator[Row]:
    """Faults while a sweep runs, each after the other, until it has ended.

    Raises:
        StuckError: it has not ended after `LIMIT` seconds.
    """
    rng, deadline = scene.rng, time.monotonic() + LIMIT
    last: Row | None = None
    while True:
        time.sleep(rng.uniform(*BETWEEN))
        code = scene.driver.poll()
        scene.resumed += scene.cluster.resume()
        if time.monotonic() > deadline:
            if last:
                yield last.finished(scene)
            scene.driver.kill()
            raise StuckError(scene.project.log.read_text())
        if code:
            said = scene.project.log.read_text().splitlines()
            print(f"ended with {code}: {said[-1:]}; the same command again", flush=True)
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


def rounds(engine: str, count: int, rng: random.Random, folder: Path) -> Iterator[list[Row]]:
    """So many faults on one engine, in as many sweeps as they take; the rows of each."""
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
            try:
                for row in sweep(scene, islice(drawn, EACH)):
                    rows.append(row)
                    print(*row.cells(done + len(rows)), flush=True)
                same = project.results() == on_one_machine(folder / f"{name}-here", training)
                once = sorted(project.references()) == sorted(["default", *SETTINGS])
                outcome = SAME if same and once else "DIFFERENT"
            except StuckError as stuck:
                print(stuck)
                outcome = "STUCK"
            resumed += scene.resumed
            for row in rows:
                row.outcome = outcome
            print(f"sweep {name}: {outcome}", flush=True)
            done += len(rows)
            yield rows
    store.end()
    print(f"{engine}: nodes that were lost without a fault, and brought back: {resumed}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.faults")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--engine", choices=clusters.ENGINES, help="only this one")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    command = f"python -m bench.faults --seed {asked.seed} --count {asked.count}"
    command += f" --engine {asked.engine}" if asked.engine else ""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        engines = [asked.engine] if asked.engine else list(clusters.ENGINES)
        for engine in engines:
            # The same faults whether one engine is asked for or both.
            rng = random.Random(asked.seed + list(clusters.ENGINES).index(engine))  # noqa: S311
            for found in rounds(engine, asked.count // len(engines), rng, Path(name) / engine):
                rows += found
                faults_page.write(rows, command)  # what is known, should this be cut off


if __name__ == "__main__":
    with user_errors():
        main()
