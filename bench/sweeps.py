"""Sweeps of trainings that wait, on a real cluster: seconds of each part, requests to the store."""

from __future__ import annotations

import os
import re
import statistics
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench.measure import ROOT, cost, python

sys.path.insert(0, str(ROOT / "tests"))  # where the clusters are, which the tests start, too

import itertools

from cluster_base import Cluster
from cluster_project import DRIVER, Project, Store
from epochs import Training
from tiny import environment

EPOCHS, EPOCH = 3, 3.0  # of each training, and seconds of an epoch
PHASES = ("clone", "environment", "pull", "run", "push")
BEAT = 60.0  # seconds between what a job tells of itself, as `cluster.yaml` has it by default
# What the server's log has of a request.
_REQUEST = re.compile(r"serve s3: (GET|HEAD|LIST|CREATE|COPY|DELETE)")


@dataclass(frozen=True)
class Parts:
    """What a sweep of some jobs took, in seconds; its trainings take `EPOCHS * EPOCH` of them.

    Attributes:
        jobs: that train; one more finds the result of the default setting.
        wall: from the command to its end.
        start: until the jobs are submitted.
        phases: of a job, without its training, the median of each.
        home: to bring an experiment home, the median.
        end: from the last experiment that is home to the table.
        requests: to the store, by kind.
        load: of the machine before, by all else that ran on it.
    """

    jobs: int
    nodes: int
    wall: float
    start: float
    phases: dict[str, float]
    home: float
    end: float
    requests: dict[str, int]
    load: float

    @property
    def job(self) -> float:
        """Seconds that a job costs beside its training."""
        return sum(self.phases.values())


def sweep(cluster: Cluster, jobs: int, seed: int, folder: Path) -> Parts:
    """Run a sweep on a cluster whose nodes have worked before, with a store of its own."""
    folder.mkdir(parents=True)
    settings = {f"width-{width}": {"width": width} for width in range(2, jobs + 2)}
    store, load = Store(folder / "store", telling=True), os.getloadavg()[0]
    training = Training(seed, settings, EPOCHS)
    project = Project(folder / "sweep", cluster, store.server, training, seconds=EPOCH, beat=BEAT)
    variables = environment() | cluster.environment | {"PYTHONPATH": str(ROOT)}
    spent = cost(python("-c", DRIVER, cluster.engine), project.tiny.folder, variables)
    store.end()
    submitted = [at for at, line in spent.lines if "submitted to" in line]
    homes = [at for at, line in spent.lines if re.search(r"\d s on ", line)]
    gaps = [late - early for early, late in itertools.pairwise(homes)]
    facts = project.done()
    phases = {
        phase: statistics.median([fact["seconds"].get(phase, 0.0) for fact in facts])
        for phase in PHASES
    }
    phases["run"] -= EPOCHS * EPOCH
    log = (folder / "store/server.log").read_text(errors="replace")
    return Parts(
        jobs,
        len(cluster.nodes),
        spent.seconds,
        submitted[0],
        phases,
        # Those that were found together come right after one another; others wait for the poll.
        min(gaps, default=0.0),
        spent.seconds - homes[-1],
        dict(Counter(_REQUEST.findall(log))),
        load,
    )
