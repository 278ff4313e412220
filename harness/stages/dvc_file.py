"""What `dvc.yaml` declares of each stage, with DVC's templates filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from harness.core.paths import PARAMS, PIPELINE
from harness.core.yaml import read_yaml

HERE = Path()


@dataclass(frozen=True)
class Stage:
    """One stage, or one instance of it, as DVC addresses it: `train-rnn`, `evaluate@rnn`.

    Attributes:
        params: the entries that it reads of each parameter file, as dotted names.
        outs: all that it writes, metrics and plot data included.
    """

    name: str
    deps: tuple[str, ...]
    params: dict[str, tuple[str, ...]]
    outs: tuple[str, ...]


def stages(root: Path = HERE) -> dict[str, Stage]:
    """All stages of the project in `root` by name, in the order of `dvc.yaml`.

    Raises:
        UserError: the file is missing or is no pipeline.
    """
    body = read_yaml(root / PIPELINE)
    try:
        variables = {key: value for part in body.get("vars", []) for key, value in part.items()}
        found = [
            _stage(name + suffix, entry.get("do", entry), values)
            for name, entry in body["stages"].items()
            for suffix, values in _instances(entry, variables).items()
        ]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise UserError(f"{PIPELINE}: not a pipeline that this project can read") from None
    return {stage.name: stage for stage in found}


def stage(name: str) -> Stage:
    """One stage.

    Raises:
        UserError: `dvc.yaml` has no such stage.
    """
    found = stages().get(name)
    if found is None:
        raise UserError(f"{PIPELINE}: there is no stage {name}")
    return found


def _stage(name: str, body: dict[str, Any], values: dict[str, str]) -> Stage:
    params: dict[str, list[str]] = {}
    for entry in body.get("params", []):
        places = entry if isinstance(entry, dict) else {str(PARAMS): [entry]}
        for file, names in places.items():
            params.setdefault(file, []).extend(_fill(key, values) for key in names)
    outs = [
        _fill(next(iter(out)) if isinstance(out, dict) else out, values)
        for kind in ("outs", "metrics", "plots")
        for out in body.get(kind, [])
    ]
    return Stage(
        name,
        tuple(_fill(dep, values) for dep in body.get("deps", [])),
        {file: tuple(names) for file, names in params.items()},
        tuple(outs),
    )


def _instances(body: dict[str, Any], variables: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What each instance of a stage adds to its name, and the templates that it fills."""
    if "matrix" in body:
        [(axis, values)] = body["matrix"].items()
        return {f"@{value}": {f"item.{axis}": value} for value in values}
    if "foreach" in body:
        items = variables[body["foreach"].strip("${}")]
        return {
            f"@{key}": {"key": key, **{f"item.{name}": value for name, value in item.items()}}
            for key, item in items.items()
        }
    return {"": {}}


def _fill(entry: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{([^}]*)\}", lambda match: values[match[1]], entry)
