"""A real Ray cluster on this machine: a head without processors, and nodes with one each."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

import cluster_ray_asked
import psutil
from cluster_base import Cluster, Daemon, free_port

from harness.core.errors import UserError

RAY = Path(sys.executable).with_name("ray")
# The paths of sockets must be short, and those of the folders of tests are not.
SHORT = "/tmp"  # noqa: S108 - a folder of a new name in it
AGENT_PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")
STORE = 80_000_000  # bytes of memory of a node for objects, about the least that Ray takes
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # by default, jobs give way to all others on a machine
    # A busy machine is slow, not dead. What was killed is noticed sooner, as nobody answers there.
    "RAY_agent_register_timeout_ms": "600000",
    "RAY_gcs_rpc_server_connect_timeout_s": "60",
    "RAY_health_check_timeout_ms": "60000",
    "RAY_worker_register_timeout_seconds": "600",
}
MOST = 20  # times that a daemon of a cluster may end by itself


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
        self._raylets: dict[str, psutil.Process | None] = {}  # of what shall be up
        self._ended = 0
        self._sockets = Path(tempfile.mkdtemp(prefix="ray", dir=SHORT))
        self.start("sockets", ["true"], remove=self._sockets)

    def start_head(self) -> None:
        """Nodes that were there belong to a head that is gone, and are started again, too."""
        started = [name for name in self.nodes if name in self._raylets]
        for name in started:
            self.kill_node(name, jobs=False)
        # Ray refuses to start a head while processes of the last one's nodes are there.
        self.wait("the end of the nodes", lambda: not any(map(self._of_ray, self.nodes)))
        self.wait("the head", self._is_head_up)
        self._raylets["head"] = self._raylet("head")
        for name in started:
            self.start_node(name)

    def _is_head_up(self) -> bool:
        if not self.processes("head"):
            self._start("head", "--head", "--port", str(self._port), "--num-cpus", "0")
        return "head" in cluster_ray_asked.alive(self.environment, "head")

    def kill_head(self) -> None:
        self._raylets.pop("head", None)
        for daemon in self.daemons.pop("head"):
            daemon.end()

    def launch_node(self, name: str) -> None:
        self._start(name, "--address", self.environment["RAY_ADDRESS"], "--num-cpus", "1")

    def is_up(self, name: str) -> bool:
        if not self.daemons[name][-1].processes():  # Ray gives itself 30 s, too few if it is busy
            self.launch_node(name)
        return name in cluster_ray_asked.alive(self.environment, name)

    def start_node(self, name: str) -> None:
        super().start_node(name)
        self._raylets[name] = self._raylet(name)

    def kill_node(self, name: str, jobs: bool = True) -> None:
        self._raylets.pop(name, None)
        for daemon in self.daemons[name]:
            daemon.kill(() if jobs else ("raylet",))

    def resume(self) -> int:
        """Start again what ended by itself.

        Raises:
            UserError: that happens too often.
        """
        if "head" not in self._raylets:  # somebody killed it, and will start it again
            return 0
        ended = [name for name, raylet in self._raylets.items() if not _lives(raylet)]
        self._ended += len(ended)
        if self._ended > MOST:
            raise UserError(
                f"ray: {', '.join(ended)} ended by itself, which makes {MOST} times in all; "
                f"see {self.folder}/*.log and {self._sockets}/session_latest/logs"
            )
        if "head" in ended:
            self.restart_controller()
        else:
            for name in ended:
                self.start_node(name)
        return len(ended)

    def cancel_one(self) -> str:
        return cluster_ray_asked.cancel_one(self.environment)

    def _raylet(self, name: str) -> psutil.Process | None:
        """The daemon of Ray on a node, None if it has ended."""
        return next(filter(None, map(_raylet_of, self.daemons[name])), None)

    def _of_ray(self, name: str) -> list[psutil.Process]:
        """The processes of a node that belong to the head."""
        found = []
        for process in self.processes(name):
            with contextlib.suppress(psutil.Error):
                if f":{self._port}" in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def _start(self, name: str, *options: str) -> None:
        command = [str(RAY), "start", "--block", "--node-ip-address", "127.0.0.1", *options]
        command += ["--resources", json.dumps({name: 1}), "--object-store-memory", str(STORE)]
        command += ["--runtime-env-agent-port", str(free_port()), "--include-log-monitor", "false"]
        if name == "head":
            command += ["--include-dashboard", "false", "--temp-dir", str(self._sockets)]
        node = {self.variable: name}
        variables = dict(os.environ | self.environment | SETTINGS | node)
        daemon = self.start(name, command, variables)
        self.wait("raylet", lambda: bool(_raylet_of(daemon)) or not daemon.processes())
        if raylet := _raylet_of(daemon):
            _tell_ports(raylet)


def _raylet_of(daemon: Daemon) -> psutil.Process | None:
    for process in daemon.processes():
        with contextlib.suppress(psutil.Error):
            if process.name() == "raylet":
                return process
    return None


def _tell_ports(raylet: psutil.Process) -> None:
    """Tell a raylet that its agent for dashboards listens at no port.

    The agent of a Ray without the packages for dashboards tells the same. A raylet ends if it has
    not done so within 15 s, which no option changes, and a busy machine takes longer:
    https://github.com/ray-project/ray/issues/65983.
    """
    with contextlib.suppress(psutil.Error):
        words = [word.partition("=") for word in raylet.cmdline()]
        given = {name.strip("-"): value for name, _, value in words}
        for name in AGENT_PORTS:
            (Path(given["session_dir"]) / f"{name}_{given['node_id']}").write_text("-1")


def _lives(process: psutil.Process | None) -> bool:
    """Whether a process has not ended; one that nobody has waited for has."""
    with contextlib.suppress(psutil.Error):
        if process and process.is_running():
            return process.status() != psutil.STATUS_ZOMBIE
    return False
