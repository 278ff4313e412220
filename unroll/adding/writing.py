"""Adds entries to `corpora.yaml`, `params.yaml` and `dvc.yaml`: to all three of them, or to none.

Lines are inserted into the text, and no other byte changes: comments, anchors and the user's own
style stay as they are.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import ExitStack, chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, SequenceNode

from harness import project
from harness.core.errors import UserError
from harness.core.files import partial_prefix, replacing
from harness.core.paths import SCRATCH
from harness.core.yaml import read_yaml
from harness.stages import checks, dvc_file

END = "...\n"  # follows a value that is a document of its own


@dataclass(frozen=True)
class Entry:
    """What is added to a mapping in a file.

    Attributes:
        place: the keys that lead to the mapping; in a list, the key of an item.
        lines: the entry, as if the mapping stood at the left edge.
    """

    file: Path
    place: tuple[str, ...]
    name: str
    lines: list[str]


def block_lines(name: str, body: dict[str, Any]) -> list[str]:
    """A section as YAML, a line a key."""
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = True, 2**20
    lines = [f"{name}:"]
    for key, value in body.items():
        # The second way writes what does not print, which YAML would read as something else.
        for yaml.allow_unicode in (True, False):
            text = io.StringIO()
            yaml.dump(value, text)
            line = f"  {key}: {text.getvalue().removesuffix(END).strip()}"
            if line.isprintable():
                break
        lines.append(line)
    return lines


def write(entries: list[Entry], *, dry: bool) -> None:
    """Add the entries, one a file.

    Raises:
        UserError: a file has the entry already or is written in a way that allows no addition, or
            the project would not be valid afterwards. No file is changed then.
    """
    for entry in entries:
        read_yaml(entry.file)  # refuses what is no YAML
    before = {entry.file: entry.file.read_bytes() for entry in entries}
    after = {entry.file: _added(before[entry.file].decode(), entry).encode() for entry in entries}
    _check(after)
    if dry:
        return
    try:
        # All three are complete on the disk before the first takes its place.
        with ExitStack() as stack:
            for path, content in after.items():
                stack.enter_context(replacing(path)).write_bytes(content)
    except BaseException:
        for path, content in before.items():
            if path.read_bytes() != content:
                path.write_bytes(content)
        raise


def _added(text: str, entry: Entry) -> str:
    """The text of a file with an entry at the end of its mapping."""
    place = f"{entry.file}: {'.'.join(entry.place)}"
    key, node = _section(text, entry.place)
    if key is None:
        raise UserError(f"{place}: there is no such section; add it")
    if entry.name in (known := _keys(node)):
        raise UserError(f"{place}.{entry.name} is there already; take another name")
    column, row = key.start_mark.column + 2, key.end_mark.line
    if known:
        column, row = node.value[0][0].start_mark.column, _last_line(node, row)
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    lines[row] = lines[row].rstrip("\r\n") + end
    lines[row + 1 : row + 1] = [f"{' ' * column}{line}{end}" for line in entry.lines]
    after = "".join(lines)
    try:
        added = _keys(_section(after, entry.place)[1]) == [*known, entry.name]
    except YAMLError:
        added = False
    if not added:
        raise UserError(f"{place}: no line can be added to it; write it with an entry a line")
    return after


def _section(text: str, place: tuple[str, ...]) -> tuple[Any, Any]:
    """The nodes of the last key of `place` and of its value; None where there is none."""
    key, node = None, YAML(typ="safe", pure=True).compose(text)
    for name in place:
        items = node.value if isinstance(node, SequenceNode) else [node]
        pairs = [pair for item in items if isinstance(item, MappingNode) for pair in item.value]
        key, node = next((pair for pair in pairs if pair[0].value == name), (None, None))
    return key, node


def _keys(node: Any) -> list[str]:
    return [key.value for key, _ in node.value] if isinstance(node, MappingNode) else []


def _last_line(node: Any, line: int) -> int:
    """The number, from 0, of the last line of a node that follows something on `line`."""
    start, end = node.start_mark, node.end_mark
    if start.line < line or start.index == end.index:  # an alias of something above; nothing
        return line
    if isinstance(node, CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (node, last)
        return _last_line(value, key.start_mark.line)
    # A text of several lines ends where the next line begins.
    return end.line - (end.column == 0)


def _check(after: dict[Path, bytes]) -> None:
    """Ask what is asked before every run, in a folder where the files are as they would be."""
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=partial_prefix(), dir=SCRATCH) as name:
        folder = Path(name)
        for path in Path().iterdir():
            if path not in after:
                (folder / path.name).symlink_to(path.absolute())
        for path, content in after.items():
            (folder / path).write_bytes(content)
        with chdir(folder):
            project.read().check()
            checks.parameter_names(dvc_file.stages().values())
