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
        UserError: `dvc.yaml` has no such stage, or it declares what `params.yaml` lacks.
    """
    params = read_yaml(PARAMS)
    name, _, instance = stage.partition("@")
    body = _stages().get(name)
    if body is None:
        raise UserError(f"{PIPELINE}: there is no stage {name}")
    return Declared(params, _names(body, instance), stage)


def trained_models() -> list[str]:
    """The names of the models that the pipeline trains: all `models.NAME` that stages declare."""
    names: list[str] = []
    for body in _stages().values():
        items = body.get("matrix", {})
        instances = next(iter(items.values())) if items else [""]
        for instance in instances:
            names += [
                entry.removeprefix("models.")
                for entry in _names(body, instance)
                if entry.startswith("models.")
            ]
    return list(dict.fromkeys(names))


def _stages() -> dict[str, Any]:
    try:
        return dict(read_yaml(PIPELINE)["stages"])
    except (KeyError, TypeError):
        raise UserError(f"{PIPELINE}: there are no stages") from None


def _names(body: dict[str, Any], instance: str) -> list[str]:
    """The entries of `params.yaml` that a stage declares, templates filled in."""
    # The one part of DVC's templates that these entries use is the instance's own name.
    entries = body.get("do", body).get("params", [])
    return [re.sub(r"\$\{[^}]*\}", instance, entry) for entry in entries if isinstance(entry, str)]
