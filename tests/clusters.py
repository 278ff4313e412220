"""Real clusters of Slurm and of Ray on this machine, for tests, faults and measurements.

    with slurm(folder) as cluster:
        subprocess.run(["sbatch", ...], env=os.environ | cluster.environment)
        cluster.kill_node(cluster.nodes[0])

Several run beside each other, as their ports are free ones and their keys new. Nothing of them
outlives the process that started them. Linux alone.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cluster_base import Cluster, running
from cluster_ray import Ray, is_installed
from cluster_slurm import PROGRAMS, Slurm, program

# What `.ci/run` sets: a cluster that cannot be started is then a failure, not a skipped test.
REQUIRED = "UNROLL_CLUSTERS"
ENGINES = {"slurm": Slurm, "ray": Ray}


def slurm(folder: Path, nodes: int = 2) -> AbstractContextManager[Slurm]:
    """A Slurm cluster that takes jobs, with all its files in `folder`."""
    return running(Slurm(folder, nodes))


def ray(folder: Path, nodes: int = 2) -> AbstractContextManager[Ray]:
    """A Ray cluster that takes jobs, with all its files but sockets and logs in `folder`."""
    return running(Ray(folder, nodes))


def missing(engine: str) -> str:
    """What a cluster of an engine needs on this machine and how to install it, or nothing."""
    if sys.platform != "linux":
        return "clusters for tests run on Linux alone"
    if engine == "slurm" and not all(map(program, PROGRAMS)):
        return "no Slurm here; as root, `apt-get install slurm-wlm munge` installs it"
    if engine == "ray" and not is_installed():
        return "no Ray here; `make ray` installs it"
    return ""


def need(engine: str) -> None:
    """Skip a test where a cluster of an engine cannot be started; fail it where it has to."""
    if lack := missing(engine):
        refuse(lack)


def refuse(lack: str) -> None:
    """Skip a test for want of something; fail it where clusters have to be tested."""
    (pytest.fail if os.environ.get(REQUIRED) == "required" else pytest.skip)(lack)


def make(engine: str, folder: Path, nodes: int = 2) -> AbstractContextManager[Cluster]:
    """A cluster of an engine, by its name."""
    return running(ENGINES[engine](folder, nodes))
