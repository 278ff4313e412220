"""The models that the pipeline trains: their corpora and tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def task_of(metrics: dict[str, Any]) -> str:
    """The task of the model that these metrics are of."""
    if "confusion" not in metrics:
        return REBUILD
    return TWO if "threshold" in metrics else MANY
