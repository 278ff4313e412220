"""A copy of the project with fewer of its models, whose results take less time to make."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML


def keep(folder: Path, *models: str) -> None:
    """Remove all other models from dvc.yaml and params.yaml."""
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    others = [name for name in params["models"] if name not in models]
    for name in others:
        del params["models"][name]
    yaml.dump(params, folder / "params.yaml")
    names = "|".join(others)
    text = (folder / "dvc.yaml").read_text()
    text = re.sub(rf"\n    ({names}): \{{corpus: .*", "", text)
    text = re.sub(r"^(- \w+: &\w+)(?=\n\S)", r"\1 {}", text, flags=re.MULTILINE)  # none is left
    text = re.sub(rf"\n  [a-z0-9-]+:\n    path: models/({names})(\n    .*)+", "", text)
    (folder / "dvc.yaml").write_text(text)
