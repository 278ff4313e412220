"""What differs between the work tree and another revision, as DVC reports it."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import resolve_rev
from dvc_render import ImageRenderer, VegaRenderer
from dvc_render.base import Renderer

from harness import dvc_private, git
from harness.core.errors import UserError, reason
from harness.core.metrics_table import TABLE
from harness.reporting import labels, pairs
from harness.reporting.markdown import shown
from harness.reporting.pairs import BETTER, SAME, WORSE, Difference

NOW = "workspace"
# Which way a metric changed, as surely as 95% intervals allow; in the order of the summary.
UNPAIRED = tuple(f"{word}, unpaired" for word in (BETTER, WORSE, "intervals overlap"))
VERDICTS = (
    *(BETTER, WORSE, SAME, *UNPAIRED),
    *("better without interval", "worse without interval", "interval changed"),
)


@dataclass(frozen=True)
class Value:
    """A metric, with its 95% interval where it has one, or a parameter; absent without a value."""

    value: Any = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "absent"
        interval = f" ({shown(self.low)} to {shown(self.high)})" if self.low is not None else ""
        return shown(self.value) + interval

    @property
    def is_number(self) -> bool:
        """Whether a difference makes sense."""
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)


# The values of each file by dotted names; the files are named by the model or another name.
Files = dict[str, dict[str, Value]]


@dataclass(frozen=True)
class Change:
    """A metric or a parameter that differs.

    Attributes:
        better: `higher` or `lower`, which way a metric gets better; empty where neither is.
        paired: the difference on the same rows, where both sides were measured on them.
    """

    place: str
    name: str
    before: Value
    after: Value
    better: str = ""
    paired: Difference | None = None

    @property
    def difference(self) -> str:
        """How far a number moved, as it is shown in a table; empty where a side is none."""
        if self.paired:
            return str(self.paired)
        if not (self.before.is_number and self.after.is_number):
            return ""
        difference = self.after.value - self.before.value
        if isinstance(difference, int):
            return f"{difference:+,}"
        sides = (shown(self.before.value), shown(self.after.value))
        return f"{difference:+.{max(len(side.partition('.')[2]) for side in sides)}f}"

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`; empty where the metric is neither better nor worse."""
        before, after = self.before, self.after
        if before.value == after.value:
            return "interval changed"
        if self.paired and self.better:
            return self.paired.verdict(self.better)
        if not (self.better and before.is_number and after.is_number):
            return ""
        word = BETTER if (after.value > before.value) == (self.better == "higher") else WORSE
        if before.low is None or before.high is None or after.low is None or after.high is None:
            return f"{word} without interval"
        overlap = before.low <= after.high and after.low <= before.high
        return f"{'intervals overlap' if overlap else word}, unpaired"


@dataclass(frozen=True)
class Picture:
    """A picture before and now, as PNG bytes; a side may be missing."""

    path: Path
    sides: dict[str, bytes]


@dataclass(frozen=True)
class Comparison:
    """All that differs between `revision` and the work tree.

    Attributes:
        tables: all metrics of the models that have any change, by revision.
        charts: the plots of tables whose rows changed, both revisions in each.
        pictures: the pictures whose bytes changed.
        labels: what the project says of metrics and pictures, as `labels.read` returns it.
    """

    revision: str
    metrics: list[Change]
    params: list[Change]
    tables: dict[str, Files]
    charts: list[VegaRenderer]
    pictures: list[Picture]
    labels: dict[str, Any]

    def __bool__(self) -> bool:
        return bool(self.metrics or self.params or self.charts or self.pictures)


def compare(revision: str) -> Comparison:
    """Compare the work tree with a revision of the repository in the current folder.

    Raises:
        UserError: git cannot read the repository, there is no such revision, or DVC cannot read
            one of the two sides.
    """
    git.head()
    sides = (revision, NOW)
    try:
        with Repo() as repo:
            metrics = repo.metrics.show(revs=list(sides), hide_workspace=False)
            params = repo.params.show(revs=list(sides), hide_workspace=False)
            renderers = dvc_private.renderers(repo, revision)
            commit = resolve_rev(repo.scm, revision)  # which may be the name of an experiment
    except DvcException as error:
        raise UserError(f"DVC cannot compare with {revision}: {reason(error)}") from None
    said = labels.read()
    before, after = (_files(metrics, side) for side in sides)
    names = _names({*before, *after})
    before, after = ({names[path]: file for path, file in f.items()} for f in (before, after))
    changes = list(_paired(_changes(before, after, said["metrics"]), commit))
    differing = [r for r in renderers if _points(r, revision) != _points(r, NOW)]
    charts = [r for r in differing if isinstance(r, VegaRenderer) and Path(r.name).name != TABLE]
    pictures = [_picture(r, sides) for r in differing if isinstance(r, ImageRenderer)]
    concerned = (
        {change.place for change in changes}
        | {pairs.rows_of(change.place)[0] for change in changes}
        | {chart.properties["title"].partition(":")[0] for chart in charts}
        | {picture.path.parent.name for picture in pictures}
    )
    tables = {
        side: {name: file for name, file in files.items() if name in concerned}
        for side, files in zip(sides, (before, after), strict=True)
    }
    settings = list(_changes(_files(params, revision), _files(params, NOW), {}))
    return Comparison(revision, changes, settings, tables, charts, pictures, said)


def _files(answer: dict[str, Any], side: str) -> Files:
    """What `dvc metrics show` or `dvc params show` found in one revision, by path; no matrices.

    Raises:
        UserError: a file could not be read.
    """
    found = {}
    for path, file in answer[side].get("data", {side: answer[side]}).items():
        if error := file.get("error"):
            raise UserError(f"{path}: DVC cannot read it in {side} ({reason(error)})")
        data = file["data"] if isinstance(file["data"], dict) else {"value": file["data"]}
        data = {name: group for name, group in data.items() if not _is_matrix(group)}
        flat = {str(name): of[0] for name, of in pd.json_normalize(data).to_dict("list").items()}
        found[path] = {
            name: Value(value, *(flat.get(f"{name}_interval.{end}") for end in ("low", "high")))
            for name, value in flat.items()
            if "_interval." not in name
        }
    return found


def _is_matrix(group: Any) -> bool:
    """Whether rows and columns have the same names, as those of confusions, which a chart shows."""
    rows = list(group.values()) if isinstance(group, dict) else []
    return bool(rows) and all(isinstance(r, dict) and r.keys() == group.keys() for r in rows)


def _names(paths: set[str]) -> dict[str, str]:
    """What each metrics file is called: its path without the folder that all are in and suffix."""
    folder = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    return {path: os.path.relpath(os.path.splitext(path)[0], folder or ".") for path in paths}


def _paired(changes: Iterable[Change], commit: str) -> Iterator[Change]:
    """The changes, with the paired difference of those that have one."""
    known: dict[str, dict[str, Difference]] = {}
    for change in changes:
        if (place := change.place) not in known:
            model, part = pairs.rows_of(place)
            known[place] = pairs.differences(model, commit, "", part)
        yield replace(change, paired=known[place].get(change.name))


def _changes(before: Files, after: Files, known: dict[str, Any]) -> Iterator[Change]:
    """All values that differ: by file, those of `known` in its order, then the others by name."""
    order = {name: place for place, name in enumerate(known)}
    for place in sorted({*before, *after}):
        was, now = before.get(place, {}), after.get(place, {})
        for name in sorted({*was, *now}, key=lambda name: (order.get(name, len(order)), name)):
            old, new = was.get(name, Value()), now.get(name, Value())
            if old != new:
                better = known.get(name.rpartition(".")[2], {}).get("better", "")
                yield Change(place, name, old, new, better)


def _points(renderer: Renderer, side: str) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in point.items() if key != "rev"}
        for point in renderer.datapoints
        if point["rev"] == side
    ]


def _picture(renderer: ImageRenderer, sides: tuple[str, str]) -> Picture:
    contents = {
        side: base64.b64decode(point["src"].partition(",")[2])
        for side in sides
        for point in _points(renderer, side)
    }
    return Picture(Path(renderer.name), contents)
