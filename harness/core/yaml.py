"""YAML read the way DVC reads it: version 1.2, where `on` is text and `1e-3` a number."""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from harness.core.errors import UserError, reason


def read_yaml(path: Path) -> Any:
    """The content of a YAML file as plain dictionaries, lists, texts and numbers.

    Raises:
        UserError: the file is missing or not YAML; with the line where that is known.
    """
    try:
        return copy.deepcopy(_parsed(path.read_bytes()))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; run from the project's root") from None
    # A value with a tag that it does not fit, such as `!!bool x`, raises a LookupError.
    except (YAMLError, ValueError, LookupError, RecursionError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", error)
        place = f"line {mark.line + 1}: " if mark else ""
        raise UserError(f"{path}: {place}not YAML ({reason(problem)})") from None


@lru_cache(maxsize=16)  # one run of a stage reads the same few files again and again
def _parsed(content: bytes) -> Any:
    return YAML(typ="safe").load(content)
