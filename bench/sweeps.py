"""Sweeps of trainings that wait, on a real cluster: seconds of each part, requests to the store."""

from __future__ import annotations

import os
import re
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.measure import ROOT, Cost, cost, python

sys.path.insert(0, str(ROOT / "tests"))  # where the clusters are, which the tests start, too


from cluster_base import Cluster
from cluster_project import DRIVER, Project, Store
from epochs import Training
from tiny import environment

EPOCHS, EPOCH = 3, 3.0  # of each training, and seconds of an epoch
PHASES = ("clone", "environment", "pull", "run", "push")
BEAT = 60.0  # seconds between what a job tells of itself, as `cluster.yaml` has it by default
# A line of the driver for an experiment that is home, and one of the server for a request.
_HOME = re.compile(r"\d s on ")
_REQUEST = re.compile(r"serve s3: (GET|HEAD|LIST|CREATE|COPY|DELETE)")


@dataclass(frozen=True)
class Parts:
    """What a sweep of some jobs took, in seconds; its trainings take `EPOCHS * EPOCH` of them.

    Attributes:
        jobs: that train; one more finds the result of the default setting.
        wall: from the command to its end.
        start: until the jobs are submitted.
        launch: from then until the first job begins.
        phases: of a job, without its training, the median of each.
        job: of a job from its begin to its end, without its training, the median.
        home: to bring an experiment home, the median; 0 if that was not measured.
        end: from the last experiment that is home to the table.
        requests: to the store, by kind.
        load: of the machine before, by all else that ran on it.
    """

    jobs: int
    nodes: int
    wall: float
    start: float
    launch: float
    phases: dict[str, float]
    job: float
    home: float
    end: float
    requests: dict[str, int]
    load: float


def sweep(cluster: Cluster, jobs: int, seed: int, folder: Path, again: bool = False) -> Parts:
    """Run a sweep on a cluster whose nodes have worked before, with a store of its own.

    Args:
        again: whether to bring all experiments home once more, which shows what that takes.
    """
    folder.mkdir(parents=True)
    settings = {f"width-{width}": {"width": width} for width in range(2, jobs + 2)}
    store, load = Store(folder / "store", telling=True), os.getloadavg()[0]
    training = Training(seed, settings, EPOCHS)
    project = Project(folder / "sweep", cluster, store.server, training, seconds=EPOCH, beat=BEAT)
    begin, spent = time.time(), _driven(project)
    log = (folder / "store/server.log").read_text(errors="replace")
    homes = []
    if again:
        for ref in project.tiny.git("for-each-ref", "--format=%(refname)", "refs/exps").split():
            project.tiny.git("update-ref", "-d", ref.decode())
        homes = [at for at, line in _driven(project).lines if _HOME.search(line)]
    store.end()
    facts, training_seconds = project.done(), EPOCHS * EPOCH
    seconds = [fact["seconds"] for fact in facts]
    phases = {
        phase: statistics.median([each.get(phase, 0.0) for each in seconds]) for phase in PHASES
    }
    phases["run"] -= training_seconds
    start = next(at for at, line in spent.lines if "submitted to" in line)
    return Parts(
        jobs=jobs,
        nodes=len(cluster.nodes),
        wall=spent.seconds,
        start=start,
        launch=max(min(fact["begin"] for fact in facts) - begin - start, 0.0),
        phases=phases,
        job=statistics.median([f["end"] - f["begin"] for f in facts]) - training_seconds,
        home=statistics.median([b - a for a, b in pairwise(homes)]) if again else 0.0,
        end=spent.seconds - max(at for at, line in spent.lines if _HOME.search(line)),
        requests=dict(Counter(_REQUEST.findall(log))),
        load=load,
    )


def _driven(project: Project) -> Cost:
    """What the command takes in the clone of the project."""
    variables = environment() | project.cluster.environment | {"PYTHONPATH": str(ROOT)}
    command = python("-c", DRIVER, project.cluster.engine)
    return cost(command, project.tiny.folder, variables)
