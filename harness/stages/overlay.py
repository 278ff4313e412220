"""Changes to `params.yaml` by dotted name: what `set FILE` applies, and what a sweep tries.

A value replaces the old one whole, so that a section can become another variant of itself.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from harness import project
from harness.core.errors import UserError
from harness.core.files import replacing
from harness.core.paths import PARAMS
from harness.core.yaml import read_yaml
from harness.stages import validation


def changed(body: Any, changes: dict[str, Any]) -> tuple[Any, list[str]]:
    """The content of a parameter file with changes, and one line per mistake in these."""
    body = copy.deepcopy(body)
    check = project.read().check_params
    lines = assign(body, changes) or (project.function(check)(body) if check else [])
    return body, lines


def assign(body: Any, changes: dict[str, Any]) -> list[str]:
    """Set entries in the content of a parameter file, in place; one line per unknown name."""
    unknown = []
    for name, value in changes.items():
        *parents, key = str(name).split(".")
        section = body
        for parent in parents:
            section = section.get(parent) if isinstance(section, dict) else None
        if not isinstance(section, dict) or key not in section:
            close = validation.nearest(str(name), list(_names(body)))
            unknown.append(f"{name}: {PARAMS} has no such parameter{close}")
        elif isinstance(old := section[key], dict) and isinstance(value, dict):
            for gone in old.keys() - value.keys():
                del old[gone]
            old.update(copy.deepcopy(value))  # in place, for the comments on the keys that stay
        else:
            section[key] = copy.deepcopy(value)
    return unknown


def write(path: Path, changes: dict[str, Any]) -> None:
    """Set entries of a parameter file; its comments and its order stay.

    Raises:
        UserError: the file has no such entry; nothing is written.
    """
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 4096, True
    body = yaml.load(path.read_bytes())
    validation.refuse(path, assign(body, changes))
    with replacing(path) as partial:
        yaml.dump(body, partial)


def main(file: Path) -> None:
    """Apply a file of changes to `params.yaml`.

    Raises:
        UserError: a name is unknown or a value not allowed; nothing is written.
    """
    before, changes = read_yaml(PARAMS), read_yaml(file)
    if not isinstance(changes, dict):
        raise UserError(f"{file}: expected parameters to change, such as `seed: 14`")
    after, lines = changed(before, changes)
    validation.refuse(file, lines)
    write(PARAMS, changes)
    print(f"{PARAMS}: {'unchanged' if after == before else f'changed as {file} says'}")


def _names(body: Any, above: str = "") -> Iterator[str]:
    for key, value in body.items() if isinstance(body, dict) else ():
        yield f"{above}{key}"
        yield from _names(value, f"{above}{key}.")
