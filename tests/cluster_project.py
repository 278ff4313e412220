"""The small training of epochs.py as it is on a cluster: clones, remotes, a driver, its results."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster_base import Cluster
from conftest import ROOT
from epochs import Training
from s3 import BUCKET, Server, serving
from tiny import IDENTITY, Tiny, environment

POLL = 1.0  # seconds between two questions to the engine, fewer than a user's command takes
DRIVER = f"""
import sys
from harness.cluster import driver
from harness.core.errors import user_errors
from harness.experiments import sweep

with user_errors():
    sweep.main(1, driver.sweeping(sys.argv[1], "--again" in sys.argv, poll={POLL}))
"""
LONG = 600.0  # seconds, for what a busy machine does sometime
PAUSE = 0.2
ALL = 1000  # epochs


class Store:
    """An S3 server that can be away for a while, at the same address and with the same keys."""

    def __init__(self, folder: Path, telling: bool = False) -> None:
        """`telling`: the log of the server has a line for each request."""
        self._folder, self._open = folder, contextlib.ExitStack()
        self.server = self._open.enter_context(serving(folder, telling=telling))

    def leave(self) -> None:
        """`kill -9` of the server."""
        self._open.close()

    def come_back(self) -> None:
        """Start it again."""
        port = int(self.server.url.rpartition(":")[2])
        self._open.enter_context(serving(self._folder, port, again=True))

    end = leave


class Project:
    """A clone that sweeps on a cluster; the git remote and the prefix in the store are its own."""

    def __init__(
        self,
        folder: Path,
        cluster: Cluster,
        server: Server,
        training: Training,
        seconds: float = 0.0,
        allowed: int = ALL,
        beat: float = 1.0,
    ) -> None:
        """Epochs take `seconds` each; only the first `allowed` of them run until `allow`.

        Jobs tell of themselves every `beat` seconds.
        """
        folder.mkdir(parents=True)
        self.folder, self.cluster = folder, cluster
        self.journal, self.origin = folder / "journal", folder / "origin.git"
        self.journal.touch()
        self.allow(allowed)
        setup = {
            "PYTHONPATH": ROOT,
            "JOURNAL": self.journal,
            "GATE": folder / "gate",
            "EPOCH_SECONDS": seconds,
            "DVC_NO_ANALYTICS": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        body = {
            "work": cluster.work,
            "environment": sys.executable,
            "checkpoint_seconds": beat,
            cluster.engine: {"setup": [f"export {name}={value}" for name, value in setup.items()]},
        }
        options = server.options() | {"url": f"s3://{BUCKET}/{folder.name}"}
        lines = ["[core]", "remote = store", "['remote \"store\"']"]
        lines += [f"{name} = {value}" for name, value in options.items()]
        contents = training.files() | {
            "cluster.yaml": json.dumps(body),
            ".dvc/config": "\n".join(lines) + "\n",
        }
        self.tiny = Tiny.made(folder / "clone", contents)
        self.tiny.git("init", "-q", "--bare", "-b", "main", str(self.origin))
        self.tiny.git("remote", "add", "origin", str(self.origin))
        self.tiny.git("push", "-q", "origin", "main")
        for name, value in zip(IDENTITY[1::2], IDENTITY[1::2], strict=True):
            self.tiny.git("config", name.partition("=")[0], value.partition("=")[2])
        self.log = folder / "driver.log"
        self._jobs = server.store / BUCKET / folder.name / "jobs"

    def allow(self, epoch: int = ALL) -> None:
        """Let all stages train up to an epoch."""
        partial = self.folder / "gate.partial"
        partial.write_text(str(epoch))
        partial.replace(self.folder / "gate")

    def allowed(self) -> int:
        """The last epoch that may be trained for now."""
        return int((self.folder / "gate").read_text())

    def drive(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `sweep --on`."""
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-c", DRIVER, self.cluster.engine, *arguments],
                cwd=self.tiny.folder,
                env=environment() | self.cluster.environment | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def trained(self) -> list[tuple[int, int, str]]:
        """Width, epoch and node of every epoch that was trained, in order."""
        entries = (line.split() for line in self.journal.read_text().splitlines())
        return [(int(width), int(epoch), node) for width, epoch, node in entries]

    def pushed(self, setting: str) -> int:
        """The last epoch whose checkpoint is in the store, with the list that makes it count."""
        sets = self._jobs.glob(f"*/{setting}/unfinished/*.json")
        found = [name for path in sets for name in json.loads(path.read_text())["files"]]
        return max((int(name[-3:]) for name in found), default=0)

    def wait(self, is_so: Callable[[], bool], driver: subprocess.Popen[bytes]) -> None:
        """Wait until something is so, while a driver runs."""
        deadline = time.monotonic() + LONG
        while not is_so():
            assert driver.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(PAUSE)

    def done(self) -> list[dict[str, Any]]:
        """What every finished job that has trained says of itself."""
        paths = sorted(self._jobs.glob("*/width-*/done.json"))
        return [json.loads(path.read_text()) for path in paths]

    def references(self) -> list[str]:
        """The names of the experiments in the git remote."""
        asked = ("ls-remote", str(self.origin), "refs/exps/*")
        lines = self.tiny.git(*asked).decode().splitlines()
        return [line.rpartition("/")[2] for line in lines]

    def results(self) -> dict[str, bytes]:
        """All that a sweep leaves: its table, and of each experiment what git has of its results.

        `dvc.lock` has the MD5 of every output; that the store has these is checked, too.
        """
        return results(self.tiny)


def results(tiny: Tiny) -> dict[str, bytes]:
    """See `Project.results`; of a sweep on one machine, too."""
    found = {"docs/sweep.md": (tiny.folder / "docs/sweep.md").read_bytes()}
    refs = tiny.git("for-each-ref", "--format=%(refname)", "refs/exps").decode().split()
    for ref in refs:
        for name in ("dvc.lock", "params.yaml", "metrics/model.json"):
            found[f"{ref.rpartition('/')[2]}: {name}"] = tiny.git("show", f"{ref}:{name}")
    return found


def on_one_machine(folder: Path, training: Training) -> dict[str, bytes]:
    """What the same sweep leaves that runs here, without a cluster."""
    tiny = Tiny.made(folder, training.files())
    for value in IDENTITY[1::2]:
        tiny.git("config", value.partition("=")[0], value.partition("=")[2])
    tiny.share("sweep", "--jobs", "2")
    return results(tiny)
