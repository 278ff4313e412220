"""Finds the model that a command names."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import UserError
from harness.core.paths import PIPELINE
from unroll.core import paths


def folder(name: str) -> Path:
    """The folder of a model of `dvc.yaml`, or of one that was fetched from elsewhere.

    Raises:
        UserError: there is no such model, or it is not here.
    """
    path = Path(name) if "/" in name else paths.model(name)
    if path.is_dir():
        return path
    if "/" in name:
        raise UserError(f"{name}: there is no such folder")
    from harness.core.yaml import read_yaml  # takes 10 ms, and only a mistake needs it

    known = [Path(each["path"]).name for each in read_yaml(PIPELINE)["artifacts"].values()]
    if name not in known:
        raise UserError(f"--model is {name}, expected one of {', '.join(known)}, or a folder")
    raise UserError(
        f"{path}: this model is not here; `unroll repro` trains the models, "
        "`unroll pull` fetches trained ones"
    )
