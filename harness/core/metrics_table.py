"""The metrics of a model as a table, one per row, as `dvc plots` and the report show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TABLE = "figures.csv"  # among the points of the model
COLUMNS = ("model", "figure", "value", "low", "high")


def rows(model: str, metrics: Mapping[str, Any]) -> list[tuple[str, str, float, object, object]]:
    """The single metrics of a model, in the order of its file.

    Args:
        metrics: the content of a file of `metrics/`; of its groups, only the 95% intervals are
            in the table, in the row of their metric.

    Returns:
        One row of `COLUMNS` per metric; `low` and `high` are empty where there is no interval.
    """
    return [
        (model, name, value, *(metrics.get(f"{name}_interval", {}).get(e, "") for e in COLUMNS[3:]))
        for name, value in metrics.items()
        if not isinstance(value, Mapping)
    ]
