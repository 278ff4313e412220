"""What `dvc.yaml` declares of each stage; DVC's own resolver fills in the templates.

Stages in a `dvc.yaml` of a subfolder, which DVC allows, are out of scope; `wdir` does the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from harness.core.paths import PARAMS, PIPELINE
from harness.core.yaml import read_yaml
from harness.dvc_templates import resolved_stages

HERE = Path()


@dataclass(frozen=True)
class Stage:
    """One stage, or one instance of it, as DVC addresses it: `train-rnn@rnn`, `evaluate@rnn`.

    All paths are relative to the project's root, or absolute. What lies elsewhere, with a name like
    `s3://...`, is left to DVC.

    Attributes:
        params: the entries that it reads of each parameter file, as dotted names; none where it
            reads the whole file.
        outs: all that it writes, metrics and plot data included.
        wdir: the folder that its paths are relative to in `dvc.yaml` and `dvc.lock`.
    """

    name: str
    deps: tuple[str, ...]
    params: dict[str, tuple[str, ...]]
    outs: tuple[str, ...]
    wdir: str = ""

    def path(self, name: str) -> str:
        """A path of `dvc.yaml` or `dvc.lock` relative to the root."""
        return Path(os.path.normpath(os.path.join(self.wdir, name))).as_posix()


# The last answer for each folder, with the content of all files that it depends on: one run of a
# stage asks several times, and DVC's resolver takes 10 ms.
_known: dict[Path, tuple[dict[Path, bytes | None], dict[str, Stage]]] = {}


def stages(root: Path = HERE) -> dict[str, Stage]:
    """All stages of the project in `root` by name, in the order of `dvc.yaml`.

    Raises:
        UserError: the file is missing or DVC cannot read it; the line names the stage.
    """
    contents, found = _known.get(root.absolute(), ({}, {}))
    if contents and all(_content(path) == content for path, content in contents.items()):
        return found
    body = read_yaml(root / PIPELINE)
    if not isinstance(body, dict) or not isinstance(body.get("stages", {}), dict):
        raise UserError(f"{root / PIPELINE}: not a pipeline: there is no section `stages`")
    # What a command is and what a stage is for, DVC alone needs to know.
    plain = {name: _without_commands(stage) for name, stage in body.get("stages", {}).items()}
    resolved, files = resolved_stages(body | {"stages": plain}, root)
    found = {name: _stage(name, definition) for name, definition in resolved.items()}
    contents = {path.absolute(): _content(path) for path in (root / PIPELINE, *files)}
    _known[root.absolute()] = contents, found
    return found


def stage(name: str) -> Stage:
    """One stage.

    Raises:
        UserError: `dvc.yaml` has no such stage.
    """
    if ":" in name:
        raise UserError(
            f"{name}: a stage of another {PIPELINE} than the root's; declare it there, with `wdir`"
        )
    found = stages().get(name)
    if found is None:
        raise UserError(f"{PIPELINE}: there is no stage {name}")
    return found


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _without_commands(stage: Any) -> Any:
    if not isinstance(stage, dict):
        return stage
    kept = {key: value for key, value in stage.items() if key not in ("cmd", "desc", "meta")}
    return kept | {"do": _without_commands(kept["do"])} if "do" in kept else kept


def _stage(name: str, body: Any) -> Stage:
    try:
        stage = Stage(name, (), {}, (), str(body.get("wdir") or ""))
        return Stage(
            name,
            tuple(_paths(stage, body.get("deps"))),
            _params(stage, body.get("params")),
            tuple(
                path
                for key in ("outs", "metrics", "plots")
                for path in _paths(stage, body.get(key))
            ),
            stage.wdir,
        )
    except (AttributeError, TypeError) as error:
        raise UserError(
            f"{PIPELINE}: stage {name}: not a definition that DVC can read ({error})"
        ) from None


def _paths(stage: Stage, entries: Any) -> Iterator[str]:
    """The files and folders of this machine that a list of `dvc.yaml` names."""
    for entry in entries or ():
        for name in entry if isinstance(entry, dict) else [entry]:
            if "://" not in name:
                yield stage.path(name)


def _params(stage: Stage, entries: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    whole = set()
    for entry in entries or ():
        for file, names in (entry if isinstance(entry, dict) else {str(PARAMS): [entry]}).items():
            path = stage.path(file)
            found[path] = (*found.get(path, ()), *map(str, names or ()))
            whole |= set() if names else {path}
    return {path: () if path in whole else names for path, names in found.items()}
