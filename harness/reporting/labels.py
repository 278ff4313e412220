"""What a project says of its metrics and pictures: `usermeta` of `.dvc/plots/metrics.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.files import read_json

TEMPLATE = Path(".dvc/plots/metrics.json")


def read() -> dict[str, Any]:
    """The labels of the project in the current folder, or none where it has no such template.

    Returns:
        `metrics`, by the last part of a metric's name, in the order of the tables: its `label`;
        `better`, which is `higher` or `lower`, where one of them is; and `count`, true for the
        number of examples that the others were measured on. The entry `*` is that of every whole
        number that has none; `{}` in its label stands for the name. `pictures`, by the stem of the
        file: `heading` and `caption` of those that show what no chart does.
    """
    return read_json(TEMPLATE)["usermeta"] if TEMPLATE.exists() else {"metrics": {}}
