"""What one job computes: a setting of the sweep, a stage, or a stage with another seed."""

from __future__ import annotations

from dataclasses import dataclass

from harness import project
from harness.core.errors import UserError
from harness.core.paths import file_name
from harness.experiments import seeds, sweep_file
from harness.experiments.sweep_file import Setting


@dataclass(frozen=True)
class Task:
    """One job of a commit.

    Attributes:
        name: of the job; that of its experiment if it makes one.
        arguments: of the command `job`, after the commit.
    """

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """What is behind a task, as the files of its commit say it.

    Attributes:
        stage: that is run, after those before it.
        setting: what is changed before; None for the stage as it stands.
        cost: what counts the costs, as in `[tool.harness]`.
    """

    stage: str
    setting: Setting | None = None
    cost: str = ""


def of_setting(name: str) -> Task:
    """The task of a setting of `sweep.yaml`."""
    return Task(name, ("--setting", name))


def of_stage(stage: str) -> Task:
    """The task of a stage as it stands."""
    return Task(f"stage.{file_name(stage)}", ("--stage", stage))


def of_seed(stage: str, seed: int) -> Task:
    """The task of a stage with another seed."""
    name = f"{stage.partition('@')[2] or stage}-seed-{seed}"
    return Task(file_name(name), ("--stage", stage, "--seed", str(seed)))


def asked(setting: str | None, stage: str | None, seed: int | None) -> Task:
    """The task that a command line asks for.

    Raises:
        UserError: it asks for none, or for two.
    """
    if bool(setting) == bool(stage) or (seed is not None and not stage):
        raise UserError("say what the job is: `--setting NAME`, or `--stage NAME [--seed N]`")
    if setting:
        return of_setting(setting)
    return of_stage(str(stage)) if seed is None else of_seed(str(stage), seed)


def work(setting: str | None, stage: str | None, seed: int | None) -> Work:
    """What the task computes, by the files of the current folder.

    Raises:
        UserError: these have no such setting.
    """
    if not setting:
        changed = seeds.setting(str(stage), seed) if seed is not None else None
        return Work(str(stage), changed)
    last, every = sweep_file.declared()
    found = {one.name: one for one in every}.get(setting)
    if not found:
        raise UserError(f"{sweep_file.SWEEP}: there is no setting {setting}")
    return Work(last, found, project.read().cost)
