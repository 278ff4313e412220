"""Whether what a stage computes from can be tracked, is whole at the start, unchanged at the end.

DVC records what a stage's dependencies are once it has ended. It does not notice that one of them
changed while the stage ran, nor does a stage that is started by hand know whether what it reads is
what an earlier stage wrote.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from harness.core.paths import LOCK
from harness.dvc_private import UNSEEN, objects_folder
from harness.dvc_templates import read_params
from harness.stages import dvc_file, lock_file
from harness.stages.dvc_file import HERE, Stage
from harness.stages.hashing import Memory, digests, entry_of, listing

# DVC rewrites its lock file in place, so a stage beside others may see a part of it.
PATIENCE = 2.0


def parameter_names(stages: Iterable[Stage]) -> None:
    """Refuse the names of parameters that DVC does not see.

    Raises:
        UserError: a line for each entry that a stage reads, at any depth, with such a name.
    """
    read = {
        (file, name) for stage in stages for file in stage.params for name in stage.params[file]
    }
    read |= {(file, "") for stage in stages for file in stage.params if not stage.params[file]}
    bodies = {file: read_params(Path(file)) for file, _ in read}
    found = {(file, file) for file in bodies if file in UNSEEN}
    for file, name in read:
        value = entry_of(bodies[file], name) if name else bodies[file]
        # A declared name is one key to DVC, dots and all.
        found |= {(file, p) for p, key in ((name, name), *_places(value, name)) if key in UNSEEN}
    if found:
        raise UserError(
            "\n".join(
                f"{file}: rename {place}; DVC leaves {' and '.join(UNSEEN)} out of the key of its "
                "run-cache, so after a change an old result would come back"
                for file, place in sorted(found)
            )
        )


def _places(value: Any, above: str) -> Iterator[tuple[str, Any]]:
    """The dotted name and the key of every entry below a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            place = f"{above}.{key}" if above else str(key)
            yield place, key
            yield from _places(inner, place)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _places(inner, f"{above}.{i}")


def verify(stage: Stage, found: dict[str, str]) -> None:
    """Compare what `stage` reads with what the stages before it are recorded to have written.

    Args:
        found: what `hashing.digests` returned.

    Raises:
        UserError: one line for each file that is not as it was written.
    """
    writers = {out: name for name, other in dvc_file.stages().items() for out in other.outs}
    wanted = {dep: writers[dep] for dep in stage.deps if dep in writers}
    deadline = time.monotonic() + PATIENCE
    while wrong := _differing(wanted, found):
        if time.monotonic() > deadline:
            raise UserError("\n".join(wrong))
        time.sleep(0.1)


def _differing(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    lines = []
    recorded = lock_file.outputs() if wanted else {}
    for dep, writer in wanted.items():
        written = recorded.get(writer, {}).get(dep)
        if written is None:
            lines.append(f"{dep}: {LOCK} records no run of {writer}; run `dvc repro {writer}`")
        elif written != found[dep]:
            name = damaged(Path(dep), written)
            lines.append(f"{name}: not what {writer} wrote; run `dvc repro {writer}`")
    return lines


def damaged(path: Path, expected: str, root: Path = HERE) -> str:
    """The files that differ, if DVC's cache still knows what the folder `path` should hold."""
    before_file = objects_folder() / expected[:2] / expected[2:]
    try:
        before = {item["relpath"]: item["md5"] for item in json.loads(before_file.read_bytes())}
        now = {item["relpath"]: item["md5"] for item in json.loads(listing(root / path))}
    except (OSError, ValueError, TypeError, KeyError):
        return str(path)
    names = sorted(name for name in before | now if before.get(name) != now.get(name))
    return ", ".join(str(path / name) for name in names) or str(path)


def unchanged(stage: Stage, before: dict[str, str], memory: Memory | None = None) -> None:
    """Refuse a result if something that it was computed from has changed meanwhile.

    Args:
        before: what `hashing.digests` returned when the stage started.
        memory: what it filled then.

    Raises:
        UserError: naming what changed.
    """
    after = digests(stage, memory)
    names = dict.fromkeys([*before, *after])
    changed = [name for name in names if after.get(name) != before.get(name)]
    if changed:
        raise UserError(
            f"{', '.join(changed)} changed while {stage.name} ran, so the result is not recorded; "
            "run the same again"
        )
