"""What `dvc.lock` records of the last run of each stage. Each function reads the file once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from harness.core.paths import LOCK
from harness.core.yaml import read_yaml
from harness.stages import dvc_file
from harness.stages.dvc_file import HERE, Stage
from harness.stages.hashing import value_digest


def entries(root: Path = HERE) -> dict[str, dict[str, Any]]:
    """The entries of `dvc.lock` by stage; none while it is missing or only partly written."""
    try:
        found = read_yaml(root / LOCK)["stages"]
        return {name: entry for name, entry in found.items() if isinstance(entry, dict)}
    except (UserError, AttributeError, TypeError, KeyError):
        return {}


def outputs(root: Path = HERE) -> dict[str, dict[str, str]]:
    """The MD5 of each output of the recorded run of each stage, by path relative to the root.

    Raises:
        UserError: `dvc.yaml`, which says what the recorded paths are relative to, cannot be read.
    """
    return _recorded("outs", root)


def inputs(root: Path = HERE) -> dict[str, dict[str, str]]:
    """The MD5 of each dependency, in the same way."""
    return _recorded("deps", root)


def _recorded(kind: str, root: Path) -> dict[str, dict[str, str]]:
    found = entries(root)
    stages = dvc_file.stages(root) if found else {}
    return {
        name: _digests(stages.get(name) or Stage(name, (), {}, ()), entry.get(kind))
        for name, entry in found.items()
    }


def is_recorded(stage: Stage, found: dict[str, str]) -> bool:
    """Whether `dvc.lock` holds a run of `stage` on just these inputs.

    Args:
        found: what `hashing.digests` returned.
    """
    entry = entries().get(stage.name, {})
    recorded = _digests(stage, entry.get("deps"))
    for file, values in entry.get("params", {}).items():
        names = {f"{stage.path(file)}: {name}": value_digest(v) for name, v in values.items()}
        recorded |= names
    return recorded == found


def _digests(stage: Stage, items: Any) -> dict[str, str]:
    """The MD5s of the files and folders of this machine among the recorded ones."""
    return {
        stage.path(item["path"]): str(item["md5"])
        for item in items or ()
        if "md5" in item and "://" not in item["path"]
    }
