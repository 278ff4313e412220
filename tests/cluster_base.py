"""What real clusters on this machine have in common: their daemons, their nodes, their ends."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

import psutil

from harness.core.errors import UserError

GUARD = Path(__file__).with_name("guard.py")
READY = 600.0  # seconds that a cluster may take to start on a busy machine
PAUSE = 0.1
# Below those that systems give to whoever asks for any, so that none is taken before its daemon,
# which may take seconds to start, listens there; above those that Ray takes for its workers.
PORTS = range(20_000, 32_000)
FILLER = "filler"
AS_ROOT = () if os.geteuid() == 0 else ("sudo", "-n")


class Daemon:
    """A daemon and all that it has started, tied to this process: see guard.py."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: dict[str, str] | None = None,
        remove: Path | None = None,
    ) -> None:
        """`remove`: a folder that is removed, or unmounted, at the end."""
        self.log = log
        options = ["--remove", str(remove)] if remove else []
        self._line, theirs = socket.socketpair()
        with log.open("ab") as output, theirs:
            self._guard = subprocess.Popen(
                [sys.executable, str(GUARD), *options, *command],
                stdin=theirs.fileno(),
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self._line.recv(1)  # the command has begun

    def processes(self) -> list[psutil.Process]:
        """The daemon, what it has started, and what that has left behind."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._guard.pid).children(recursive=True)
        return []

    def kill(self, names: Sequence[str] = ()) -> None:
        """`kill -9` of all its processes, or only of those with one of the names."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if not names or process.name() in names:
                    process.kill()

    def end(self) -> None:
        """End all its processes, and wait for that."""
        self._line.close()
        self._guard.wait()


class Cluster(ABC):
    """A running cluster; its nodes have one processor each and share nothing but this machine.

    Attributes:
        nodes: the names of its nodes.
        environment: the variables that clients of the engine need.
        work: a folder of its own for each node, with a variable that differs by node.
    """

    engine: ClassVar[str]
    variable: ClassVar[str]

    def __init__(self, folder: Path, nodes: int) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.nodes = tuple(f"n{i + 1}" for i in range(nodes))
        self.environment: dict[str, str] = {}
        self.work = f"{self.folder}/work/${self.variable}"
        self.daemons: dict[str, list[Daemon]] = {}
        for name in self.nodes:
            self.work_of(name).mkdir(parents=True, exist_ok=True)

    def work_of(self, name: str) -> Path:
        """The work folder of a node."""
        return self.folder / "work" / name

    def processes(self, name: str) -> list[psutil.Process]:
        """All processes of a node, jobs included."""
        return [one for daemon in self.daemons.get(name, []) for one in daemon.processes()]

    @abstractmethod
    def start_head(self) -> None:
        """Start what takes and distributes jobs, and wait until it takes some."""

    @abstractmethod
    def kill_head(self) -> None:
        """`kill -9` of what takes and distributes jobs."""

    @abstractmethod
    def launch_node(self, name: str) -> None:
        """Start a node, and do not wait for it."""

    @abstractmethod
    def is_up(self, name: str) -> bool:
        """Whether the head says that a node takes jobs."""

    @abstractmethod
    def kill_node(self, name: str, jobs: bool = True) -> None:
        """`kill -9` of all of a node, or, without `jobs`, of all but the jobs that run there."""

    def start_node(self, name: str) -> None:
        """Start a node again. Jobs of its earlier life may still run there."""
        self.launch_node(name)
        self.wait(f"node {name}", lambda: self.is_up(name))

    @abstractmethod
    def cancel_one(self) -> str:
        """End one running job by the engine's own means; its name there, empty if none runs."""

    def resume(self) -> int:
        """Bring back what the engine took out or what ended by itself; how many there were.

        That is what an administrator does, or the service manager of a real node.
        """
        return 0

    def restart_controller(self) -> None:
        """Kill the head, and start it again."""
        self.kill_head()
        self.start_head()

    def small_disk(self, name: str, megabytes: int) -> None:
        """Give the work folder of a node, which must be empty, a small disk of its own.

        Raises:
            UserError: this user may not do that, and not by `sudo` without a password either.
        """
        work = self.work_of(name)
        mount = (
            *AS_ROOT,
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"size={megabytes}m,mode=777",
            "none",
            str(work),
        )
        disk = self.start(f"disk-{name}", mount, remove=work)
        self.wait("the disk", lambda: work.is_mount() or bool(disk.log.read_text()))
        if not work.is_mount():
            raise UserError(f"mount: {disk.log.read_text().strip()}")

    def fill_disk(self, name: str) -> None:
        """Fill the small disk of a node to its last byte."""
        file = os.open(self.work_of(name) / FILLER, os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while os.write(file, bytes(2**16)):
                pass
        os.close(file)

    def free_disk(self, name: str) -> None:
        """Undo that."""
        (self.work_of(name) / FILLER).unlink(missing_ok=True)

    def run(self, *command: str) -> str:
        """Standard output of a client of the engine."""
        return subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def end(self) -> None:
        """End all processes."""
        for daemons in reversed(self.daemons.values()):
            for daemon in daemons:
                daemon.end()

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: dict[str, str] | None = None,
        remove: Path | None = None,
    ) -> Daemon:
        """Start a daemon of a node, or of the head."""
        daemon = Daemon(command, self.folder / f"{name}.log", environment, remove)
        self.daemons.setdefault(name, []).append(daemon)
        return daemon

    def wait(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until something is so.

        Raises:
            UserError: it takes too long.
        """
        deadline = time.monotonic() + READY
        while not is_so():
            if time.monotonic() > deadline:
                raise UserError(f"{self.engine}: {what} did not come; see {self.folder}/*.log")
            time.sleep(PAUSE)


C = TypeVar("C", bound=Cluster)


@contextlib.contextmanager
def running(cluster: C) -> Iterator[C]:
    """Start a cluster; end all its processes at the end."""
    try:
        cluster.start_head()
        for name in cluster.nodes:  # in turn, as two of Ray that start at once meet on one socket
            cluster.start_node(name)
        yield cluster
    finally:
        cluster.end()


def free_port() -> int:
    """A port of this machine that nobody listens at now, one of `PORTS`."""
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise UserError(f"no port of {PORTS.start} to {PORTS.stop} is free")
