"""What a trained model costs exactly, for the table and the chart of a sweep."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py

from harness.core.files import read_json
from unroll.core import paths


def cost(folder: Path, stage: str, params: dict[str, Any]) -> dict[str, int]:
    """What the classifier that a stage has measured holds and computes.

    Args:
        folder: the project in which the stage has run.
        stage: `evaluate@NAME`.
        params: the content of its `params.yaml`; not used.

    Returns:
        The number of parameters, and the multiply-adds of the recurrent and dense layers in one
        reading of one sequence of full length.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    model = folder / paths.model(stage.partition("@")[2])
    with h5py.File(model / paths.WEIGHTS) as file:
        file["layers"].visititems(
            lambda name, item: shapes.update({name: item.shape}) if hasattr(item, "shape") else None
        )
    # The weights of a recurrent cell serve once for each step; rows of tables are looked up.
    length = read_json(model / paths.TASK)["length"]
    multiply_adds = sum(
        math.prod(shape) * (length if "/cell/" in name else 1)
        for name, shape in shapes.items()
        if len(shape) == 2 and not name.startswith(("embedding", "gated_ngrams"))
    )
    parameters = sum(math.prod(shape) for shape in shapes.values())
    return {"parameters": parameters, "multiply-adds": multiply_adds}
