"""A YAML file against a Pydantic model of it: one line per mistake, with its place.

What a file may say is up to the project; nothing here knows one.
"""

from __future__ import annotations

import difflib
import reprlib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from harness.stages import dvc_file

# Errors, as Pydantic names them, of a section as a whole, whose value would say nothing.
OF_A_SECTION = ("missing", "value_error", "union_tag_invalid", "union_tag_not_found")


def check(path: Path, model: type[BaseModel]) -> None:
    """Validate a YAML file.

    Raises:
        UserError: the file cannot be read, or one line per mistake in it.
    """
    refuse(path, mistakes(model, read_yaml(path)))


def refuse(path: Path, lines: list[str]) -> None:
    """Raise `UserError` with the mistakes in a file, if there are any."""
    if lines:
        raise UserError("\n".join(f"{path}: {line}" for line in lines))


def mistakes(model: type[BaseModel], body: Any) -> list[str]:
    """One line per mistake in the content of a file: the dotted name, the reason, the value."""
    try:
        model.model_validate(body)
    except ValidationError as refusal:
        errors = refusal.errors(include_url=False, include_context=False)
        lines = {_line(model, body, error) for error in errors}
        return sorted(line if line.isprintable() else repr(line)[1:-1] for line in lines)
    return []


def declared(path: Path) -> list[str]:
    """The entries of a parameter file that stages declare in `dvc.yaml`, each once."""
    stages = dvc_file.stages().values()
    return list(dict.fromkeys(name for s in stages for name in s.params.get(str(path), ())))


def nearest(name: str, known: list[str]) -> str:
    """A question to end a message with, if a known name is close to a wrong one."""
    return "".join(
        f"; did you mean {close}?" for close in difflib.get_close_matches(name, known, 1)
    )


def _line(model: type[BaseModel], body: Any, error: Any) -> str:
    place: list[str] = []
    section, variant = body, ""
    for part in error["loc"]:
        if (isinstance(section, dict) and part in section) or (
            isinstance(section, list) and isinstance(part, int)
        ):
            section = section[part]
        elif error["type"] != "missing" or part != error["loc"][-1]:
            variant = f" for {part}"  # Pydantic puts the variants of a union among the keys
            continue
        place.append(str(part))
    text, value = error["msg"].removeprefix("Value error, "), error["input"]
    if error["type"] == "extra_forbidden":
        text = f"unknown key{variant}{nearest(place[-1], _absent(model, body, place[:-1]))}"
    elif error["type"] not in OF_A_SECTION:
        text += f" (is {_shown(value)})"
    return f"{'.'.join(place) or 'the file'}: {text}"


def _absent(kind: Any, body: Any, place: list[str]) -> list[str]:
    """The keys that a section may have, in any variant of it, and has not."""
    sections = _sections(kind)
    for key in place:
        fields = [section.model_fields.get(key) for section in sections]
        # None of them is a key of a free mapping, or a place in a list.
        sections = [s for f in fields if f for s in _sections(f.annotation)] or sections
        body = body[key] if isinstance(body, dict) else body[int(key)]
    return sorted({key for section in sections for key in section.model_fields} - body.keys())


def _sections(kind: Any) -> list[type[BaseModel]]:
    """The sections in a type, such as those of a union."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [section for part in get_args(kind) for section in _sections(part)]


def _shown(value: Any) -> str:
    """A value of YAML in a few words."""
    names = {dict: "a section", list: "a list", type(None): "empty"}
    if type(value) in names:
        return names[type(value)]
    return str(value).lower() if isinstance(value, bool) else reprlib.repr(value)
