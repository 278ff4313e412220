"""YAML read the way DVC reads it: version 1.2, where `on` is text and `1e-3` a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from harness.core.errors import UserError


def read_yaml(path: Path) -> Any:
    """The content of a YAML file as plain dictionaries, lists, texts and numbers.

    Raises:
        UserError: the file is missing or not YAML.
    """
    try:
        return YAML(typ="safe").load(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; run from the project's root") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
