"""The architectures, one file each: `Parameters`, and `build`, which makes plain Keras layers.

Not here: training, and what models of any architecture share, which is `parameters` and `stacks`.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from harness.core.errors import UserError


def names() -> list[str]:
    """The architectures that `params.yaml` may name: the files in this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(name: str) -> ModuleType:
    """The module of an architecture.

    Raises:
        UserError: there is no such file.
    """
    if name not in names():
        raise UserError(f"params.yaml: no architecture {name!r}; expected one of {names()}")
    return importlib.import_module(f"{__name__}.{name}")


def parameters_of(settings: dict[str, Any]) -> Any:
    """A model's block of `params.yaml` with all defaults, as its architecture has it.

    Raises:
        UserError: there is no such architecture.
    """
    return find(settings["architecture"]).Parameters.model_validate(settings)
