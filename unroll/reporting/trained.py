"""The models that the pipeline trains: their corpora and tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.core.files import read_json
from harness.stages import dvc_file
from unroll.core import paths
from unroll.core.tasks import MANY, REBUILD, TWO


def corpora() -> dict[str, str]:
    """The corpus of each model, in the order of `dvc.yaml`.

    Raises:
        UserError: `dvc.yaml` cannot be read.
    """
    return {
        Path(out).name: Path(dep).name
        for stage in dvc_file.stages().values()
        for out in stage.outs
        for dep in stage.deps
        if Path(out) == paths.model(Path(out).name) and Path(dep) == paths.prepared(Path(dep).name)
    }


def measured(stage: str, path: Callable[[str], Path]) -> dict[str, Any]:
    """The metrics of each model that an instance of a stage measures, in the order of `dvc.yaml`.

    Args:
        path: from a model to the file.

    Raises:
        UserError: a file is missing.
    """
    names = [name.partition("@") for name in dvc_file.stages()]
    return {model: read_json(path(model)) for own, _, model in names if own == stage}


def task_of(metrics: dict[str, Any]) -> str:
    """The task of the model that these metrics are of."""
    if "auc" not in metrics:
        return REBUILD
    return TWO if "threshold" in metrics else MANY
