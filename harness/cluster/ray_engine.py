"""Jobs on Ray: each one a detached actor of the head; see `ray_call.py`.

Ray has no list of jobs that waits for another driver, and no limit of its own, so that many are
never given to it at once.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from harness import project
from harness.cluster import cluster_file, script
from harness.cluster.cluster_file import CLUSTER, Cluster
from harness.cluster.engine import QUEUED, RUNNING, Group, Live
from harness.cluster.task import Task
from harness.core.errors import UserError

LIMIT = 90  # seconds for an answer; to start Ray's client takes some
WAKING = 60  # seconds that a head may take to hear of its nodes; fewer than LIMIT


class Ray:
    """The cluster whose head has the address of `cluster.yaml`, or of `RAY_ADDRESS`."""

    title = "Ray"

    def __init__(self, cluster: Cluster) -> None:
        self._options = cluster.ray or cluster_file.Ray()
        self.at_most: int | None = self._options.at_most
        self._addresses: set[str] = set()

    def check(self) -> None:
        """Ask whether Ray is installed here, the head answers, and a node has enough processors."""
        if not importlib.util.find_spec("ray"):
            raise UserError(
                f"{sys.executable}: Ray is not installed; `make ray` installs it, or pip "
                f"`{project.read().command.split()[-1]}[ray]`"
            )
        wanted = self._options.cpus
        found = self._call("check", cpus=wanted, seconds=0)
        if found["cpus"] < wanted:
            print(f"Ray: waits up to {WAKING} s for a node with {wanted} processors", flush=True)
            found = self._call("check", cpus=wanted, seconds=WAKING)
        if found["cpus"] < wanted:
            raise UserError(
                f"{CLUSTER}: ray.cpus: {wanted}, and no node of {self._address()} has "
                f"more than {found['cpus']:.0f}"
            )
        self._addresses = set(found["addresses"])

    def is_here(self) -> bool:
        """Whether every node has an address of this machine."""
        mine = {"127.0.0.1", *_addresses()}
        return bool(self._addresses) and self._addresses <= mine

    def submit(self, group: Group, tasks: Sequence[Task], avoid: Collection[str]) -> None:
        """Create an actor for each job that has none."""
        scripts = {task.name: self._script(group, task) for task in tasks}
        cpus = self._options.cpus
        self._call("submit", group, scripts=scripts, cpus=cpus, avoid=sorted(avoid))

    def live(self, group: Group) -> dict[str, Live]:
        """The actors of the group that are not dead.

        One that keeps away from a node waits for ever if no other is left, so it is ended.
        """
        found = self._call("live", group, cpus=self._options.cpus)
        return {
            name: Live(
                RUNNING if one["state"] == "ALIVE" else QUEUED,
                one["node"] if one["state"] == "ALIVE" else "",
                _clock(one["since"]) if one["state"] == "ALIVE" else "",
                one["id"],
            )
            for name, one in found.items()
        }

    def cancel(self, group: Group, names: Collection[str]) -> None:
        """Kill the actors of these jobs, with all that they started."""
        self._call("cancel", group, names=sorted(names))

    def _script(self, group: Group, task: Task) -> str:
        job, name = shlex.join(task.arguments), shlex.quote(task.name)
        return script.logged(
            group.origin, group.name, group.cluster, self._options.setup, name, job
        )

    def _address(self) -> str:
        address = self._options.address or os.environ.get("RAY_ADDRESS")
        if not address:
            raise UserError(
                f"{CLUSTER}: ray.address: missing; expected that of the head, such as "
                "10.0.0.5:6379, or the variable RAY_ADDRESS"
            )
        return address

    def _call(self, what: str, group: Group | None = None, **more: Any) -> Any:
        """What a process that speaks to Ray answers.

        Raises:
            UserError: the head does not answer, or refuses.
        """
        order = {"do": what, "address": self._address(), **more}
        order["group"] = group.name if group else "none"
        try:
            done = subprocess.run(
                [sys.executable, "-m", "harness.cluster.ray_call"],
                input=json.dumps(order),
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"Ray: no answer from {self._address()} within {LIMIT} s") from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason"]
            raise UserError(f"Ray at {self._address()}: {lines[-1].strip()[:200]}")
        return json.loads(done.stdout)


def _addresses() -> set[str]:
    """The addresses of this machine's name and of its way to others."""
    found = set()
    try:
        found |= {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect(("192.0.2.1", 9))  # sends nothing
            found.add(way.getsockname()[0])
    except OSError:
        pass
    return found


def _clock(milliseconds: float) -> str:
    return datetime.fromtimestamp(milliseconds / 1000).isoformat(timespec="seconds")
