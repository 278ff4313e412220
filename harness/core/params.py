"""What a stage may read of `params.yaml`: the entries that it declares in `dvc.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from harness.core.paths import PIPELINE


class Declared:
    """The parameters that a stage declares in `dvc.yaml`, by attribute; others are an error.

    Attributes:
        read: the dotted names of the declared entries that were used.
        unfinished: the folder in which an interrupted run of this very computation, on the same
            code, parameters and data, left what it had; None where that is not known.
    """

    unfinished: Path | None = None

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
