"""What every command that submits jobs begins with: refusals, the engine, and the remotes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dvc.data_cloud import Remote
from dvc.repo import Repo

from harness import ending, project
from harness.cluster import cluster_file, refusals
from harness.cluster import engine as engines
from harness.cluster import records as kept
from harness.cluster.engine import Group
from harness.cluster.fleet import POLL, Fleet
from harness.cluster.patience import patiently
from harness.sharing import probe
from harness.sharing.remote import Share


@dataclass(frozen=True)
class Context:
    """What a command on an engine works with."""

    fleet: Fleet
    remote: Remote
    url: str
    commit: str


@contextlib.contextmanager
def ready(on: str, files: Sequence[str], command: str, poll: float = POLL) -> Iterator[Context]:
    """Refuse what must be refused; then the engine and the remotes.

    Args:
        on: the name of the engine.
        files: what the jobs compute from.
        command: that shows the jobs again, for messages.

    Raises:
        UserError: a line for each thing that the jobs would miss.
    """
    cluster = cluster_file.read()
    engine = engines.of(cluster, on)
    on = cluster.engine(on)
    origin = refusals.check(cluster, engine, files)
    with kept.opened(cluster.remote, origin.commit) as (_, remote, records):
        probe.check(remote, writing=True)
        again = f"`{project.read().command} {command} --on {on}` shows them"
        ending.end_when_asked(f"stopped watching; what was submitted goes on, and {again}")
        fleet = Fleet(engine, Group(origin, cluster), records, poll)
        yield Context(fleet, remote, origin.url, origin.commit)


def share(context: Context) -> None:
    """Push what all jobs need, so that none computes it again."""
    with Repo() as repo:
        patiently(Share(repo, context.remote).push, f"remote {context.remote.name}")
