"""Two revisions, or two experiments, compared on the same rows, and what that allows to say.

How metrics are compared only the project knows: `compare` in `[tool.harness]`. The harness finds
the files that each side's `dvc.lock` names, in the cache of this machine; it downloads nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML, YAMLError

from harness import git, project
from harness.core.errors import UserError
from harness.core.paths import LOCK
from harness.dvc_private import objects_folder

Find = Callable[[Path], Path | None]
TEST, VALIDATION = "test", "validation"
BETTER, WORSE, SAME = "better", "worse", "no difference beyond chance"


class Difference(NamedTuple):
    """A metric of the second side minus that of the first, with its 95% interval and p."""

    value: float
    low: float
    high: float
    p: float

    def __str__(self) -> str:
        return f"{self.value:+.4f} ({self.interval})"

    @property
    def interval(self) -> str:
        """The interval and p."""
        chance = f"p {self.p:.3f}" if self.p >= 0.001 else "p < 0.001"
        return f"{self.low:+.4f} to {self.high:+.4f}, {chance}"

    def verdict(self, better: str) -> str:
        """Whether the second is better or worse, as far as the interval says it.

        Args:
            better: `higher` or `lower`, which way the metric gets better.
        """
        if self.low <= 0 <= self.high:
            return SAME
        return BETTER if (self.low > 0) == (better == "higher") else WORSE


def differences(name: str, first: str, second: str, part: str = TEST) -> dict[str, Difference]:
    """The metrics of a model that two revisions measured on the same rows, by name.

    Args:
        first, second: revisions; an empty one is the work tree.
        part: the rows, `TEST` or `VALIDATION`.

    Returns:
        None of them where the project cannot compare, or the files of a side are not here.
    """
    hook = project.read().compare
    if not hook:
        return {}
    found = project.function(hook)(name, files_of(first), files_of(second), part)
    return {metric: Difference(*values) for metric, values in found.items()}


def missing(name: str, first: str, second: str, part: str = TEST) -> set[str]:
    """The MD5s of what `differences` would read and this machine does not have.

    Once these are here, it may read more.
    """
    hook, lacking = project.read().compare, set[str]()
    if hook:
        sides = (files_of(revision, lacking) for revision in (first, second))
        project.function(hook)(name, *sides, part)
    return lacking


def rows_of(place: str) -> tuple[str, str]:
    """The model that metrics of the name `place` are of, and the part of the rows."""
    folder = Path(project.read().validation).name
    is_validation = bool(folder) and place.startswith(f"{folder}/")
    return (place.partition("/")[2], VALIDATION) if is_validation else (place, TEST)


def outs_of(revision: str) -> dict[str, str]:
    """The MD5 of every output in a revision's `dvc.lock`, by path; none where it has no such file.

    Args:
        revision: an empty one is the work tree.
    """
    try:
        text = git.git("show", f"{revision}:./{LOCK}") if revision else LOCK.read_text("utf-8")
        stages = YAML(typ="safe").load(text)["stages"].values()
        return {o["path"]: o["md5"] for s in stages for o in s.get("outs", ()) if "md5" in o}
    except (UserError, OSError, YAMLError, KeyError, TypeError, AttributeError):
        return {}


def files_of(revision: str, lacking: set[str] | None = None) -> Find:
    """A function from the path of an output, or of a file in one, to its file in the cache.

    Args:
        revision: whose `dvc.lock` counts; an empty one is the work tree.
        lacking: filled with the MD5s of those that the cache does not have.
    """
    outs, objects = outs_of(revision), objects_folder()

    def stored(md5: str) -> Path:
        return objects / md5[:2] / md5[2:]

    def find(path: Path) -> Path | None:
        for above in (path, *path.parents):
            md5 = outs.get(above.as_posix(), "")
            if md5.endswith(".dir") and stored(md5).exists():
                md5 = _listed(stored(md5)).get(path.relative_to(above).as_posix(), "")
            if md5 and stored(md5).is_file():
                return stored(md5)
            if md5 and lacking is not None:
                lacking.add(md5)
        return None

    return find


def _listed(folder: Path) -> dict[str, Any]:
    """The MD5 of each file of a folder, by its path in it."""
    return {entry["relpath"]: entry["md5"] for entry in json.loads(folder.read_text("utf-8"))}
