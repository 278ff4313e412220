"""YAML files that people edit, read only if they are small, shallow and made of plain values.

Stages read the same files with `read_yaml`; what would take long to read, stand for more than it
says, or name something to be built is refused here, before any stage starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from harness.core.errors import UserError

# Many times what the project's own files take.
MOST_BYTES = 2**16
MOST_DEPTH = 10
MOST_VALUES = 2000
MOST_CHARACTERS = 1000  # of one value


class _Refused(Exception):
    """Why a file is not read, in one line, with the place."""


def read(path: Path) -> Any:
    """The content of a YAML file as plain dictionaries, lists, texts and numbers.

    Raises:
        UserError: the file is missing, is not YAML, or is none that a person would write; one
            line with the place.
    """
    try:
        text = _text(path)
        _refuse_absurd(text)
        return _load(text)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; run from the project's root") from None
    except _Refused as reason:
        raise UserError(f"{path}: {reason}") from None


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise _Refused("the file is no plain file")
    with path.open("rb") as file:
        body = file.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise _Refused(f"the file is too large, allowed: at most {MOST_BYTES} bytes")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise _Refused(f"line {line} is not UTF-8 text") from None


def _refuse_absurd(text: str) -> None:
    """Read `text` event by event, so that nothing of it is built; raise `_Refused`."""
    opened: list[tuple[str | None, int]] = []
    sizes: dict[str, int] = {}  # of what an alias stands for, in values
    values = 0
    for event in _events(text):
        kind = type(event).__name__
        place = f"line {event.start_mark.line + 1}"
        anchor = getattr(event, "anchor", None)
        if getattr(event, "tag", None):
            raise _Refused(f"{place} has the tag {shown(event.tag)}, allowed: plain values")
        if len(getattr(event, "value", "")) > MOST_CHARACTERS:
            raise _Refused(f"{place} is too long, allowed: {MOST_CHARACTERS} characters a value")
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            opened.append((anchor, values))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            anchor, before = opened.pop()
            sizes |= {anchor: values - before} if anchor else {}
        elif kind == "AliasEvent":
            if anchor not in sizes:
                raise _Refused(f"{place} refers to {shown(anchor)}, which is not complete there")
            values += sizes[anchor]
        elif kind == "ScalarEvent":
            values += 1
            sizes |= {anchor: 1} if anchor else {}
        if len(opened) > MOST_DEPTH or values > MOST_VALUES:
            raise _Refused(
                f"{place} is too much, allowed: at most {MOST_VALUES} keys and values, "
                f"nested {MOST_DEPTH} deep"
            )


def _events(text: str) -> Any:
    try:
        yield from YAML(typ="safe").parse(text)
    except YAMLError as error:
        raise _unreadable(text, error) from None


def _load(text: str) -> Any:
    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise _unreadable(text, error) from None
    except ValueError as error:
        raise _Refused(f"{_culprit(text)} ({error})") from None


def _unreadable(text: str, error: YAMLError) -> _Refused:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None:  # of a character that YAML does not know
        line, problem = text.count("\n", 0, getattr(error, "position", 0)) + 1, str(error)
        problem = problem.splitlines()[0]
    else:
        line = mark.line + 1
    return _Refused(f"line {line}: not YAML ({shown(problem or 'unknown reason')[1:-1]})")


def _culprit(text: str) -> str:
    """The line of a value that looks like a date and is none; the library does not tell it."""
    for event in _events(text):
        try:
            if type(event).__name__ == "ScalarEvent" and event.implicit[0]:
                YAML(typ="safe").load(event.value)
        except (YAMLError, ValueError):
            return f"line {event.start_mark.line + 1} is {shown(event.value)}, which is no value"
    return "the file holds what is no value"


def shown(value: Any) -> str:
    """A value of YAML in a few words on one line."""
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, (list, tuple, set)):
        return "a list"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    text = text if len(text) <= 80 else text[:77] + "..."
    return f"'{text}'" if isinstance(value, str) else text
