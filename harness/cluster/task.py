"""What one job computes: a setting of the sweep, or a stage as it is, with a seed or as a trial."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness import project
from harness.core.errors import UserError
from harness.core.paths import PARAMS, file_name
from harness.core.yaml import read_yaml
from harness.experiments import seeds, sweep_file
from harness.experiments.sweep_file import Setting
from harness.stages import overlay, validation


class Asked(NamedTuple):
    """The options of the command `job` that say what it computes.

    Attributes:
        setting: of `sweep.yaml`.
        stage: that is run, after those before it.
        seed: to run it with.
        changes: to run it with, values by dotted parameter as JSON, as the experiment `name`.
    """

    setting: str | None = None
    stage: str | None = None
    seed: int | None = None
    changes: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Task:
    """One job of a commit.

    Attributes:
        name: of the job; that of its experiment if it makes one, unless that is a trial.
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
        is_trial: whether a search waits for its validation curve.
    """

    stage: str
    setting: Setting | None = None
    cost: str = ""
    is_trial: bool = False


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


def of_changes(stage: str, changes: dict[str, Any], name: str) -> Task:
    """The task of a stage with changed parameters, as the experiment `name`.

    Another search may have had other changes under the same name, so the job's has their digest.
    """
    text = json.dumps(changes)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    arguments = ("--stage", stage, "--changes", text, "--name", name)
    return Task(f"{file_name(name)}.{digest}", arguments)


def task_of(asked: Asked) -> Task:
    """The task that a command line asks for.

    Raises:
        UserError: it asks for none, or for two.
    """
    setting, stage, seed, changes, name = asked
    is_one = bool(setting) != bool(stage) and (stage or seed is changes is name is None)
    if not is_one or (changes is None) != (name is None) or None not in (seed, changes):
        raise UserError(
            "say what the job is: `--setting NAME`, or `--stage NAME` and maybe `--seed N` or "
            "`--changes JSON --name NAME`"
        )
    if setting:
        return of_setting(setting)
    if changes is not None and name is not None:
        return of_changes(str(stage), _parsed(changes), name)
    return of_stage(str(stage)) if seed is None else of_seed(str(stage), seed)


def work(asked: Asked) -> Work:
    """What the task computes, by the files of the current folder.

    Raises:
        UserError: these have no such setting or parameter.
    """
    setting, stage, seed, changes, name = asked
    if changes is not None and name is not None:
        values = _parsed(changes)
        params, lines = overlay.changed(read_yaml(PARAMS), values)
        validation.refuse(PARAMS, lines)
        return Work(str(stage), Setting(name, values, params), project.read().cost, True)
    if not setting:
        changed = seeds.setting(str(stage), seed) if seed is not None else None
        return Work(str(stage), changed)
    last, every = sweep_file.declared()
    found = {one.name: one for one in every}.get(setting)
    if not found:
        raise UserError(f"{sweep_file.SWEEP}: there is no setting {setting}")
    return Work(last, found, project.read().cost)


def _parsed(changes: str) -> dict[str, Any]:
    try:
        found = json.loads(changes)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found:
        raise UserError(f'--changes {changes}: expected JSON such as {{"seed": 14}}')
    return found
