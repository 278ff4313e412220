"""What `dvc.lock` records of the last run of each stage. Each function reads the file once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from harness.core.paths import LOCK
from harness.core.yaml import read_yaml
from harness.stages.dvc_file import HERE, Stage
from harness.stages.hashing import value_digest


def entries(root: Path = HERE) -> dict[str, Any]:
    """The entries of `dvc.lock` by stage; none while it is missing or only partly written."""
    try:
        found = read_yaml(root / LOCK)["stages"]
    except (UserError, TypeError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}


def outputs(root: Path = HERE) -> dict[str, dict[str, str]]:
    """The MD5 of each output, by path, of the recorded run of each stage."""
    return {
        stage: {out["path"]: str(out["md5"]) for out in entry.get("outs", []) if "md5" in out}
        for stage, entry in entries(root).items()
    }


def is_recorded(stage: Stage, found: dict[str, str]) -> bool:
    """Whether `dvc.lock` holds a run of `stage` on just these inputs.

    Args:
        found: what `hashing.digests` returned.
    """
    entry = entries().get(stage.name, {})
    recorded = {dep.get("path"): dep.get("md5") for dep in entry.get("deps", [])}
    for file, values in entry.get("params", {}).items():
        recorded |= {f"{file}: {name}": value_digest(value) for name, value in values.items()}
    return recorded == found
