"""What an engine does for us: take jobs, say which live, end some. And which engines there are.

An engine keeps its own list of jobs; we keep none. All jobs of one project and one commit form a
group, whose name has a digest, so that it meets no other's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from harness import project
from harness.cluster.cluster_file import Cluster
from harness.cluster.script import Origin
from harness.cluster.task import Task

QUEUED, RUNNING = "queued", "running"


class Live(NamedTuple):
    """A job that the engine knows of.

    Attributes:
        state: `QUEUED` or `RUNNING`.
        node: where it runs, as the engine calls it; empty while it waits.
        since: when that began, as the engine says it.
        id: what the engine's own commands call the job.
    """

    state: str
    node: str
    since: str
    id: str


@dataclass(frozen=True)
class Group:
    """The jobs of a project at a commit, and what their nodes need."""

    origin: Origin
    cluster: Cluster

    @property
    def name(self) -> str:
        """Of the group, the same wherever it is computed."""
        origin = self.origin
        digest = hashlib.sha256(f"{origin.url} {origin.folder}".encode()).hexdigest()[:8]
        command = project.read().command.split()[-1]
        return f"{command}-{digest}-{origin.commit[:12]}"


class Engine(Protocol):
    """What every engine can do; all methods raise `UserError` where it cannot be reached.

    Attributes:
        title: how messages call it.
        at_most: how many jobs it shall be given at once, None where it sees to that itself.
    """

    title: str
    at_most: int | None

    def check(self) -> None:
        """Refuse, before anything is submitted, what the engine would refuse or never run."""

    def is_here(self) -> bool:
        """Whether all of its nodes are this machine, which sees the same folders and addresses."""

    def submit(self, group: Group, tasks: Sequence[Task], avoid: Collection[str]) -> None:
        """Take jobs; nodes to `avoid` get none of them, if there are others."""

    def live(self, group: Group) -> dict[str, Live]:
        """The waiting and running jobs of a group by name, by one question."""

    def cancel(self, group: Group, names: Collection[str]) -> None:
        """End jobs, as far as they live."""


def of(cluster: Cluster, asked: str | None) -> Engine:
    """The engine that was asked for, or the only one that `cluster.yaml` names.

    Raises:
        UserError: there is no such one.
    """
    name = cluster.engine(asked)
    if name == "slurm":
        from harness.cluster.slurm import Slurm

        return Slurm(cluster)
    from harness.cluster.ray_engine import Ray

    return Ray(cluster)
