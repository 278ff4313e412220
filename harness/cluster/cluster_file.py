"""What `cluster.yaml` says: which engine runs the jobs, and what a node needs for them.

The file lies at the project's root and is committed, as the jobs read it, too. Without it, or
without an entry, the defaults hold.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pydantic import Field

from harness import project
from harness.core.errors import UserError
from harness.core.sections import Section
from harness.core.yaml import read_yaml
from harness.stages import validation

CLUSTER = Path("cluster.yaml")
LOCKED = "lock"


class Slurm(Section):
    """How jobs are submitted to Slurm; what is left out, the partition's defaults decide.

    Attributes:
        time: the limit of a job, such as `2:00:00`; a job that reaches it goes on in another.
        constraint: a feature that a node must have, such as one kind of processor.
        at_most: jobs of one sweep that run at once.
        setup: lines of bash that a job begins with, such as `module load python/3.12`.
    """

    partition: str | None = None
    time: str | None = None
    memory: str | None = None
    cpus: int = Field(default=1, ge=1)
    constraint: str | None = None
    at_most: int = Field(default=100, ge=1)
    setup: tuple[str, ...] = Field(default=(), strict=False)


class Ray(Section):
    """How jobs are submitted to Ray.

    Attributes:
        address: of the head, such as `10.0.0.5:6379`; by default that in `RAY_ADDRESS`.
        at_most: jobs of one sweep that Ray holds at once, waiting ones included.
        setup: lines of bash that a job begins with.
    """

    address: str | None = None
    cpus: int = Field(default=1, ge=1)
    at_most: int = Field(default=100, ge=1)
    setup: tuple[str, ...] = Field(default=(), strict=False)


class Cluster(Section):
    """The whole file.

    Attributes:
        git: the remote of git that nodes clone from, and push experiments to.
        remote: the remote of DVC; the default one for None.
        work: the folder on a node for clones, environments and the cache; the node's own
            environment variables and `~` are expanded there. By default `~/.cache/PROJECT`.
        environment: `lock` to install `requirements.txt` once a machine; or the path, on a node, of
            a Python that has the packages.
        checkpoint_seconds: how often what an unfinished stage has goes to the remote.
        here: stages, by name or pattern, that `repro --on` runs on this machine.
    """

    git: str = "origin"
    remote: str | None = None
    work: str = ""
    environment: str = LOCKED
    checkpoint_seconds: float = Field(default=60, gt=0)
    here: tuple[str, ...] = Field(default=(), strict=False)
    slurm: Slurm | None = None
    ray: Ray | None = None

    def keeps(self, stage: str) -> bool:
        """Whether `repro --on` runs a stage on this machine."""
        names = (stage, stage.partition("@")[0])
        return any(fnmatch(name, pattern) for name in names for pattern in self.here)

    def engine(self, asked: str | None) -> str:
        """The engine to use: the one that was asked for, or the only one that the file names.

        Raises:
            UserError: there is no such one.
        """
        named = [name for name in ("slurm", "ray") if getattr(self, name)]
        if asked or len(named) == 1:
            return asked or named[0]
        count = f"it names {' and '.join(named)}" if named else "it names no engine"
        raise UserError(f"{CLUSTER}: {count}; say which with `--on slurm` or `--on ray`")


def read() -> Cluster:
    """The file in the current folder, or the defaults.

    Raises:
        UserError: one line for each mistake.
    """
    body: Any = read_yaml(CLUSTER) if CLUSTER.exists() else {}
    body = {} if body is None else body
    validation.refuse(CLUSTER, validation.mistakes(Cluster, body))
    found = Cluster.model_validate(body)
    if found.work:
        return found
    name = project.read().command.split()[-1]
    return found.model_copy(update={"work": f"~/.cache/{name}"})


def expanded(work: str) -> Path:
    """The folder that `work` names on this machine.

    Raises:
        UserError: it names a variable that is not set here, or is not absolute.
    """
    folder = os.path.expanduser(os.path.expandvars(work))
    if "$" in folder or not os.path.isabs(folder):
        raise UserError(
            f"{CLUSTER}: work: {work} is {folder} on this machine; expected an absolute folder"
        )
    return Path(folder)
