"""A real Ray cluster on this machine: a head without processors, and nodes with one each."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
from cluster_base import Cluster, free_port

RAY = Path(sys.executable).with_name("ray")
# The paths of sockets must be short, and those of the folders of tests are not.
SHORT = "/tmp"  # noqa: S108 - a folder of a new name in it
PORTS = ("metrics-export", "dashboard-agent-listen", "dashboard-agent-grpc", "runtime-env-agent")
STORE = 80_000_000  # bytes of memory of a node for objects, about the least that Ray takes
# Prints the nodes that the head says are alive; waits some seconds for those that are named. It is
# a process of its own as the token of a cluster stands in the environment, and Ray reads it once.
ALIVE = """
import os, sys, time
from ray._raylet import GcsClient

client = GcsClient(address=os.environ["RAY_ADDRESS"])
deadline = time.monotonic() + 10
while True:
    nodes = client.get_all_node_info(timeout=2).values()
    names = {name for node in nodes if not node.state for name in node.resources_total}
    if names.issuperset(sys.argv[1:]) or time.monotonic() > deadline:
        break
    time.sleep(0.1)
print(*names)
"""
CANCEL = """
import ray
from ray.util import list_named_actors

ray.init(log_to_driver=False)
for found in list_named_actors(all_namespaces=True)[:1]:
    ray.kill(ray.get_actor(**found))
    print(found["name"])
"""
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # by default, jobs give way to all others on a machine
    # In seconds: a node whose head is gone ends itself after so long.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
}


def is_installed() -> bool:
    """Whether this Python has Ray."""
    return importlib.util.find_spec("ray") is not None


class Ray(Cluster):
    """The head, and a `raylet` for each node, which has a resource of the node's name."""

    engine = "ray"
    variable = "CLUSTER_NODE"

    def __init__(self, folder: Path, nodes: int) -> None:
        super().__init__(folder, nodes)
        self._port = free_port()
        # Ray listens at the address of this machine even if it is told to use 127.0.0.1.
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        self.environment = {"RAY_ADDRESS": f"127.0.0.1:{self._port}", **token}
        self._sockets = Path(tempfile.mkdtemp(prefix="ray", dir=SHORT))
        self.start("sockets", ["true"], remove=self._sockets)

    def start_head(self) -> None:
        """Nodes that were there belong to a head that is gone, and are started again, too."""
        started = [name for name in self.nodes if name in self.daemons]
        for name in started:
            self.kill_node(name, jobs=False)
        # Ray refuses to start a head while processes of the last one's nodes are there.
        self.wait("the end of the nodes", lambda: not any(map(self._of_ray, started)))
        self.wait("the head", self._is_head_up)
        for name in started:
            self.start_node(name)

    def _is_head_up(self) -> bool:
        if not self.processes("head"):
            self._start("head", "--head", "--port", str(self._port), "--num-cpus", "0")
        return "head" in self.alive("head")

    def kill_head(self) -> None:
        for daemon in self.daemons.pop("head"):
            daemon.end()

    def launch_node(self, name: str) -> None:
        self._start(name, "--address", self.environment["RAY_ADDRESS"], "--num-cpus", "1")

    def is_up(self, name: str) -> bool:
        if not self.processes(name):  # Ray gives itself 15 s, too few on a busy machine; again
            self.launch_node(name)
        return name in self.alive(name)

    def kill_node(self, name: str, jobs: bool = True) -> None:
        for daemon in self.daemons[name]:
            daemon.kill(() if jobs else ("raylet",))

    def alive(self, *awaited: str) -> set[str]:
        """The names of the nodes that the head says are alive, `head` included.

        Args:
            awaited: those to wait for, for a few seconds.
        """
        return set(self._ask(ALIVE, *awaited).split()) & {"head", *self.nodes}

    def cancel_one(self) -> str:
        return self._ask(CANCEL).strip()

    def _ask(self, script: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    def _of_ray(self, name: str) -> list[psutil.Process]:
        """The processes of a node that belong to the head."""
        found = []
        for process in self.processes(name):
            with contextlib.suppress(psutil.Error):
                if f":{self._port}" in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def _start(self, name: str, *options: str) -> None:
        command = [
            str(RAY),
            "start",
            "--block",
            "--node-ip-address",
            "127.0.0.1",
            *options,
        ]
        command += ["--resources", json.dumps({name: 1}), "--object-store-memory", str(STORE)]
        # Else a raylet waits some seconds for its agents to choose them, and not longer.
        for port in PORTS:
            command += [f"--{port}-port", str(free_port())]
        if name == "head":
            command += ["--include-dashboard", "false", "--temp-dir", str(self._sockets)]
        node = {self.variable: name}
        self.start(name, command, dict(os.environ | self.environment | SETTINGS | node))
