"""What a file says against a Pydantic model of it, told in lines that a user can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Literal, TypeGuard, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from harness.stages.small_yaml import shown

Place = tuple[str, ...]
UNKNOWN = ("extra_forbidden", "invalid_key")  # as Pydantic calls it


class Section(BaseModel):
    """A mapping; unknown keys and values of another type are mistakes.

    Numbers are bounded with `ge` and `le` and texts described, since the lines say what is allowed
    from just these.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )


def compare(model: type[Section], body: Any) -> tuple[list[str], dict[str, Any]]:
    """A line for each mistake of `body`, and the single values that are right, by dotted path."""
    errors: list[Any] = []
    try:
        model.model_validate(body)
    except ValidationError as refusal:
        errors = refusal.errors(include_url=False, include_context=False)
    unknown = [error["loc"] for error in errors if error["type"] in UNKNOWN]
    meant = {_name(place): _closest(model, place) for place in unknown}
    lines = [
        f"{name} is unknown" + (f"; did you mean {close}?" if close else "")
        for name, close in meant.items()
    ]
    for error in (error for error in errors if error["type"] not in UNKNOWN):
        name = _name(error["loc"])
        if error["type"] == "value_error":  # a rule on the section as a whole
            lines.append(f"{name} {error['msg'].removeprefix('Value error, ')}")
            continue
        missing = error["type"] == "missing"
        if missing and name in meant.values():  # it is misspelt and has its line already
            continue
        value = "missing" if missing else shown(error["input"])
        lines.append(f"{name} is {value}, allowed: {_allowed(model, error['loc'])}")
    wrong = {_name(error["loc"]) for error in errors}
    right = {place: value for place, value in _values(model, body) if place not in wrong}
    return lines, right


def _name(place: Place) -> str:
    return ".".join(shown(str(key))[1:-1] for key in place) or "the file"


def _is_section(kind: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _field(model: type[BaseModel], place: Place) -> FieldInfo:
    *above, key = place
    for name in above:
        section = model.model_fields[name].annotation
        assert _is_section(section)
        model = section
    return model.model_fields[key]


def _allowed(model: type[BaseModel], place: Place) -> str:
    """What the entry at `place` may be, in words."""
    field = _field(model, place) if place else None
    kind = field.annotation if field else model
    if _is_section(kind):
        return f"a section with the keys {', '.join(kind.model_fields)}"
    assert field is not None
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    if kind is str:
        return field.description or "a text"
    low = next(bound.ge for bound in field.metadata if isinstance(bound, Ge))
    high = next(bound.le for bound in field.metadata if isinstance(bound, Le))
    return f"a {'whole ' if kind is int else ''}number from {low} to {high}"


def _closest(model: type[BaseModel], place: Place) -> str | None:
    """The path of the entry that an unknown key may stand for, in its section or in another."""
    section = _field(model, place[:-1]).annotation if place[:-1] else model
    assert _is_section(section)
    for key in difflib.get_close_matches(str(place[-1]), section.model_fields, 1):
        return _name((*place[:-1], key))
    elsewhere = (".".join(path) for path in _places(model))
    return next((path for path in elsewhere if path.endswith(f".{place[-1]}")), None)


def _places(model: type[BaseModel], above: Place = ()) -> Iterator[Place]:
    for key, field in model.model_fields.items():
        yield (*above, key)
        if _is_section(field.annotation):
            yield from _places(field.annotation, (*above, key))


def _values(model: type[BaseModel], body: Any) -> Iterator[tuple[str, Any]]:
    for place in _places(model):
        value = body
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, dict):
            yield ".".join(place), value
