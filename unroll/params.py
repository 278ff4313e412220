"""What a stage may read of `params.yaml`: the entries that it declares in `dvc.yaml`."""

from __future__ import annotations

import re
from typing import Any

from unroll.errors import UserError
from unroll.paths import PARAMS, PIPELINE
from unroll.yaml import read_yaml


class Declared:
    """The parameters that a stage declares in `dvc.yaml`, by attribute; others are an error.

    `read` collects the dotted names of the declared entries that were used.
    """

    def __init__(self, section: Any, allowed: list[str], stage: str, place: str = "") -> None:
        self._section, self._allowed, self._stage, self._place = section, allowed, stage, place
        self.read: set[str] = set()

    def __getattr__(self, key: str) -> Any:
        place = f"{self._place}.{key}" if self._place else key
        value = self._section.get(key)
        for name in self._allowed:
            if place == name:
                self.read.add(name)
                return value
            if name.startswith(f"{place}."):
                inner = Declared(value, self._allowed, self._stage, place)
                inner.read = self.read
                return inner
        raise UserError(
            f"{PIPELINE}: stage {self._stage} reads the parameter {place} without declaring it; "
            f"add it to the stage's params"
        )

    def declares(self, name: str) -> bool:
        """Whether the stage declares the entry `name`."""
        return name in self._allowed

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)


def declared(stage: str) -> Declared:
    """The parameters of one stage, such as `train-lstm` or `evaluate@rnn`.

    Raises:
        UserError: `dvc.yaml` has no such stage.
    """
    entries = _entries().get(stage)
    if entries is None:
        raise UserError(f"{PIPELINE}: there is no stage {stage}")
    return Declared(read_yaml(PARAMS), entries, stage)


def trained_models() -> list[str]:
    """The models that the pipeline trains: each `models.NAME` that a stage declares."""
    names = [
        entry.removeprefix("models.")
        for entries in _entries().values()
        for entry in entries
        if entry.startswith("models.")
    ]
    return list(dict.fromkeys(names))


def _entries() -> dict[str, list[str]]:
    """The entries of `params.yaml` that each stage declares, with DVC's templates filled in."""
    pipeline = read_yaml(PIPELINE)
    try:
        variables = {key: value for part in pipeline.get("vars", []) for key, value in part.items()}
        return {
            name + suffix: [_fill(entry, values) for entry in entries if isinstance(entry, str)]
            for name, body in pipeline["stages"].items()
            for entries in [body.get("do", body).get("params", [])]
            for suffix, values in _instances(body, variables).items()
        }
    except (KeyError, TypeError, AttributeError):
        raise UserError(f"{PIPELINE}: not a pipeline that this project can read") from None


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
