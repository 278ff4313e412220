"""The validation curve of a training, for a search; the training writes it after every epoch."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from unroll.core import paths


def curve(folder: Path, stage: str, params: dict[str, Any]) -> list[float]:
    """The validation loss of the model that a stage measures, after each epoch but the last.

    Args:
        folder: the project in which the training runs or has run.
        stage: `evaluate@NAME`, or the training itself.
        params: the content of its `params.yaml`.
    """
    name = stage.partition("@")[2]
    try:
        with (folder / paths.curves(name)).open(newline="", encoding="utf-8") as file:
            losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    except FileNotFoundError:  # before the first epoch
        return []
    return losses[: params["models"][name]["epochs"] - 1]
