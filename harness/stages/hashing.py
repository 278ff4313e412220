"""What a stage computes from, by digest. The digests of files are DVC's own, so that they compare
with `dvc.lock`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from harness.core.files import missing
from harness.core.yaml import read_yaml
from harness.stages.dvc_file import Stage

# As in .dvcignore: what Python leaves beside the modules that it has read.
IGNORED = "__pycache__"


def digests(stage: Stage) -> dict[str, str]:
    """The digest of every dependency and parameter that `stage` declares, by its name.

    Raises:
        UserError: a dependency is missing.
    """
    found = {dep: digest(Path(dep)) for dep in stage.deps}
    for file, entries in stage.params.items():
        body = read_yaml(Path(file))
        for entry in entries:
            found[f"{file}: {entry}"] = value_digest(_entry(body, entry))
    return found


def digest(path: Path) -> str:
    """The MD5 of a file, or of a folder as DVC computes it: over the names and MD5s of its files.

    Raises:
        UserError: there is no such file or folder.
    """
    if not path.is_dir():
        return _md5(path)
    return hashlib.md5(listing(path).encode(), usedforsecurity=False).hexdigest() + ".dir"


def listing(folder: Path) -> str:
    """The names and MD5s of the files of a folder, in the JSON that DVC keeps in its cache."""
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file() and IGNORED not in path.relative_to(folder).parts
    ]
    items = [{"md5": _md5(path), "relpath": path.relative_to(folder).as_posix()} for path in files]
    return json.dumps(sorted(items, key=lambda item: item["relpath"]), sort_keys=True)


def fingerprint(stage: Stage, found: dict[str, str]) -> str:
    """A name for the computation: the same for the same stage, code, parameters and data."""
    return value_digest([stage.name, found])[:32]


def value_digest(value: Any) -> str:
    """The SHA-256 of a value of a YAML file; `1`, `1.0` and `true` are different values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _md5(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except FileNotFoundError:
        raise missing(path) from None


def _entry(body: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body
