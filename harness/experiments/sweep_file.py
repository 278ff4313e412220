"""What a sweep tries: the settings of `sweep.yaml`, each a few changes to `params.yaml`."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from harness.core.paths import PARAMS
from harness.core.yaml import read_yaml
from harness.stages import dvc_file
from unroll.core.paths import metrics
from unroll.schema import params as schema

SWEEP = Path("sweep.yaml")
DEFAULT = "default"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EXPECTED = f"{SWEEP}: expected `model: NAME` and `settings:` with parameters to change by name"


@dataclass(frozen=True)
class Setting:
    """One experiment.

    Attributes:
        changes: values by dotted parameter name.
        params: the whole of `params.yaml` with the changes in it.
    """

    name: str
    changes: dict[str, Any] = field(hash=False)
    params: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Sweep:
    """The settings of one model, `default` first.

    Attributes:
        evaluator: the stage that writes the figures of the model.
        files: all that it and the stages before it compute from, parameters aside.
    """

    model: str
    settings: tuple[Setting, ...]
    evaluator: str
    files: tuple[str, ...]


def read(path: Path = SWEEP) -> Sweep:
    """The sweep of a file, every setting valid.

    Raises:
        UserError: one line for each mistake.
    """
    body = read_yaml(path)
    if not (
        isinstance(body, dict)
        and set(body) == {"model", "settings"}
        and isinstance(body["settings"], dict)
        and all(isinstance(changes, dict) and changes for changes in body["settings"].values())
    ):
        raise UserError(_EXPECTED)
    schema.check()
    params = read_yaml(PARAMS)
    classifiers = [key for key, section in params["models"].items() if "latent" not in section]
    name = body["model"]
    if name not in classifiers:
        raise UserError(f"{path}: model is {name!r}, allowed: {' or '.join(classifiers)}")
    writers = {out: stage.name for stage in dvc_file.stages().values() for out in stage.outs}
    evaluator = writers[str(metrics(name))]
    lines: list[str] = []
    settings = [Setting(DEFAULT, {}, params)]
    for key, changes in body["settings"].items():
        changed, wrong = _changed(params, changes)
        if not _NAME.fullmatch(str(key)) or key == DEFAULT:
            wrong = ["not a name, allowed: small letters, digits and single hyphens, not default"]
        lines += [f"{path}: settings.{key}: {line}" for line in wrong]
        settings.append(Setting(str(key), changes, changed))
    if lines:
        raise UserError("\n".join(lines))
    return Sweep(name, tuple(settings), evaluator, _files(evaluator, writers))


def _changed(params: dict[str, Any], changes: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The parameters with `changes`, and a line for each mistake in these."""
    changed = copy.deepcopy(params)
    for place, value in changes.items():
        if not assign(changed, str(place), value):
            return changed, [f"{PARAMS} has no parameter {place}"]
    return changed, schema.mistakes(changed)


def assign(body: Any, place: str, value: Any) -> bool:
    """Set an entry by its dotted name; whether there is such an entry."""
    *parents, key = place.split(".")
    for parent in parents:
        body = body.get(parent) if isinstance(body, dict) else None
    if not isinstance(body, dict) or key not in body:
        return False
    body[key] = value
    return True


def _files(evaluator: str, writers: dict[str, str]) -> tuple[str, ...]:
    every = dvc_file.stages()
    files: set[str] = {str(dvc_file.PIPELINE)}
    waiting, seen = [evaluator], set()
    while waiting:
        stage = every[waiting.pop()]
        seen.add(stage.name)
        files |= {dep for dep in stage.deps if dep not in writers}
        files |= {file for file in stage.params if file != str(PARAMS)}
        waiting += [name for dep in stage.deps if (name := writers.get(dep)) and name not in seen]
    return tuple(sorted(files))
