"""What goes wrong on clusters, done to a real one while a sweep runs there, and mended again.

A fault is a generator: it breaks something, yields what it broke, and mends it when it goes on.
Nothing else is repaired by hand.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil
from cluster_base import Cluster
from cluster_project import Project, Store

LONGEST = 1800.0  # seconds, of a sweep on a busy machine


@dataclass
class Scene:
    """A sweep that runs on a cluster.

    Attributes:
        driver: the one process of it that somebody waits for.
        resumed: nodes that the engine took out or that ended by themselves, and somebody had to
            bring back.
    """

    project: Project
    cluster: Cluster
    store: Store
    rng: random.Random
    driver: subprocess.Popen[bytes] = field(init=False)
    resumed: int = 0

    def __post_init__(self) -> None:
        self.driver = self.project.drive()

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; the driver must not end before."""

        def looked() -> bool:
            # After its controller was killed, Slurm may take a node out for a "Duplicate jobid";
            # on a busy machine, Ray may end while it starts.
            self.resumed += self.cluster.resume()
            return is_so()

        self.project.wait(looked, self.driver)

    def end(self) -> int:
        """Wait until the driver ends; its exit code."""
        deadline = time.monotonic() + LONGEST
        while (code := self.driver.poll()) is None:
            assert time.monotonic() < deadline, self.project.log.read_text()
            self.resumed += self.cluster.resume()
            time.sleep(0.5)
        return code

    def done(self) -> int:
        """The last epoch that every setting has trained that trains at all."""
        last: dict[int, int] = {}
        for width, epoch, _ in self.project.trained():
            last[width] = max(epoch, last.get(width, 0))
        return min(last.values(), default=0)

    def working(self) -> bool:
        """Whether a job works in a clone of its own on any node."""
        return any(map(self.jobs, self.cluster.nodes))

    def busy_node(self) -> str:
        """A node on which a job runs, or else any."""
        busy = [name for name in self.cluster.nodes if self.jobs(name)]
        return self.rng.choice(busy or list(self.cluster.nodes))

    def jobs(self, name: str) -> list[psutil.Process]:
        """The processes of jobs on a node that work in a clone of their own."""
        found = []
        for process in self.cluster.processes(name):
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                if "harness" in words and "job" in words:
                    found.append(process)
        return found


Fault = Callable[[Scene], Iterator[str]]


def node(scene: Scene) -> Iterator[str]:
    """`kill -9` of a node with its jobs; started again later."""
    name = scene.busy_node()
    scene.cluster.kill_node(name)
    yield name
    scene.cluster.start_node(name)


def daemon(scene: Scene) -> Iterator[str]:
    """`kill -9` of a node's daemon, while its jobs live on; started again later."""
    name = scene.busy_node()
    scene.cluster.kill_node(name, jobs=False)
    yield name
    scene.cluster.start_node(name)


def driver(scene: Scene) -> Iterator[str]:
    """`kill -9` of the driver; the same command later."""
    scene.driver.kill()
    scene.driver.wait()
    yield "the driver"
    scene.driver = scene.project.drive()


def head(scene: Scene) -> Iterator[str]:
    """`kill -9` of Slurm's controller, or of Ray's head; started again later."""
    scene.cluster.kill_head()
    yield "the head"
    scene.cluster.start_head()


def store(scene: Scene) -> Iterator[str]:
    """`kill -9` of the S3 server; started again later."""
    scene.store.leave()
    yield "the store"
    scene.store.come_back()


def cancel(scene: Scene) -> Iterator[str]:
    """A running job ended by hand, by the engine's own command."""
    yield f"job {scene.cluster.cancel_one() or '(none ran)'}"


def job(scene: Scene) -> Iterator[str]:
    """`kill -9` of a job's main process, as for want of memory."""
    name = scene.busy_node()
    jobs = scene.jobs(name)
    for process in jobs[:1]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    yield f"a job on {name}" if jobs else "(none ran)"


def disk(scene: Scene) -> Iterator[str]:
    """The disk of a node is full; later it has room again."""
    name = scene.cluster.nodes[0]
    scene.cluster.fill_disk(name)
    yield f"the disk of {name}"
    scene.cluster.free_disk(name)


FAULTS: tuple[Fault, ...] = (node, daemon, driver, head, store, cancel, job, disk)
