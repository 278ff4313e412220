"""The jobs of the last commit: the commands `jobs` and `cancel`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from harness import git
from harness.cluster import cluster_file, job
from harness.cluster import engine as engines
from harness.cluster import records as kept
from harness.cluster.engine import Group
from harness.cluster.fleet import FAILING, FINISHED, MISSING, POLL, Fleet, State, last_line
from harness.cluster.records import CANCELLED, DONE, FAILED, LOG, RUNNING
from harness.cluster.script import Origin
from harness.core.errors import UserError

HEAD = ("job", "state", "node", "since", "last line")


def show(on: str | None) -> None:
    """Print a table of the jobs.

    Raises:
        UserError: the engine or the remote cannot be reached.
    """
    with _fleet(on) as fleet:
        states = fleet.look()
        rows = [
            _row(fleet, name, state) for name, state in states.items() if state.files or state.live
        ]
        if not rows:
            print(f"no jobs of {fleet.group.origin.commit[:12]}")
            return
        widths = [max(len(row[i]) for row in (HEAD, *rows)) for i in range(len(HEAD) - 1)]
        for row in (HEAD, *rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            print("  ".join([*cells, row[-1]]).rstrip())


def follow(on: str | None, name: str, poll: float = POLL) -> None:
    """Print the log of a job as it grows, until the job ends.

    Raises:
        UserError: there is no such job.
    """
    with _fleet(on) as fleet:
        shown = ""
        while True:
            state = fleet.look().get(name)
            if state is None:
                raise UserError(f"there is no job {name}; `jobs` lists them")
            text = (fleet.records.read(name, LOG) or b"").decode("utf-8", "replace")
            new = text.removeprefix(shown) if text.startswith(shown) else f"...\n{text}"
            print(new, end="", flush=True)
            shown = text
            if state.word not in (engines.QUEUED, engines.RUNNING):
                return
            time.sleep(poll)


def cancel(on: str | None, names: Sequence[str]) -> None:
    """End jobs, by default all that are not over; none of them starts again by itself.

    Raises:
        UserError: there is no such job.
    """
    with _fleet(on) as fleet:
        states = fleet.look()
        if unknown := sorted(set(names) - states.keys()):
            raise UserError(f"there is no job {', '.join(unknown)}; `jobs` lists them")
        ends = [
            name
            for name, state in states.items()
            if state.word not in (FINISHED, FAILING) and name in (names or states)
        ]
        for name in ends:  # first, so that none comes back
            fleet.records.write(name, CANCELLED, b"")
        if ends:
            fleet.engine.cancel(fleet.group, ends)
        print(f"cancelled: {', '.join(ends) or 'none, as all are over'}")


@contextlib.contextmanager
def _fleet(on: str | None) -> Iterator[Fleet]:
    cluster, commit = cluster_file.read(), git.head()
    engine = engines.of(cluster, on)
    origin = Origin(job.address(cluster.git), git.prefix(), commit)
    with kept.opened(cluster.remote, commit) as (_, _, records):
        yield Fleet(engine, Group(origin, cluster), records)


def _row(fleet: Fleet, name: str, state: State) -> tuple[str, ...]:
    facts: dict[str, Any] = {}
    for file in (DONE, FAILED, RUNNING):
        if file in state.files and not facts:
            facts = fleet.records.read_json(name, file)
    node = state.live.node if state.live and state.live.node else str(facts.get("node", ""))
    when = facts.get("end") or facts.get("begin")
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(when)) if when else ""
    line = facts.get("error") or last_line(fleet.records, name, state.files)
    if state.word == engines.RUNNING and state.live:
        since = state.live.since
    return name, "lost" if state.word == MISSING else state.word, node[:16], since, str(line)[:100]
