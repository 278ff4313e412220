"""What differs between the work tree and another revision, as DVC reports it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_render import ImageRenderer, VegaRenderer
from dvc_render.base import Renderer

from harness import dvc_private, git
from harness.core.errors import UserError, reason
from harness.core.metrics_table import TABLE
from harness.reporting import labels
from harness.reporting.markdown import shown

NOW = "workspace"
OVERLAP = "intervals overlap"


@dataclass(frozen=True)
class Change:
    """A metric or a parameter that differs; a side that does not have it is `None`.

    Attributes:
        place: the model, or another name of the metrics file; of a parameter, its file.
        name: dotted, where the metric or parameter is in a group.
    """

    place: str
    name: str
    before: Any
    after: Any

    @property
    def interval_of(self) -> str:
        """The metric of whose 95% interval this is an end; empty if it is none."""
        metric, interval, _ = self.name.rpartition("_interval.")
        return metric if interval else ""

    @property
    def sides(self) -> tuple[str, str]:
        """Both sides as they are shown in a table."""
        return shown(self.before), shown(self.after)

    @property
    def difference(self) -> float | None:
        """The change, where both sides are numbers."""
        sides = (self.before, self.after)
        if all(isinstance(side, int | float) and not isinstance(side, bool) for side in sides):
            return self.after - self.before
        return None

    @property
    def signed(self) -> str:
        """The difference as it is shown in a table; empty where a side is no number."""
        if self.difference is None:
            return ""
        if isinstance(self.difference, int):
            return f"{self.difference:+,}"
        digits = max(len(side.partition(".")[2]) for side in self.sides)
        return f"{self.difference:+.{digits}f}"


@dataclass(frozen=True)
class Picture:
    """A picture before and now, as PNG bytes; a side may be missing."""

    path: Path
    sides: dict[str, bytes]


@dataclass(frozen=True)
class Comparison:
    """All that differs between `revision` and the work tree.

    Attributes:
        metrics: the metrics that changed, those in groups by dotted names.
        tables: all metrics of the models that have any change, by revision and model.
        charts: the plots of tables whose rows changed, both revisions in each.
        pictures: the pictures whose bytes changed.
        labels: what the project says of metrics and pictures, as `labels.read` returns it.
    """

    revision: str
    metrics: list[Change]
    params: list[Change]
    tables: dict[str, dict[str, dict[str, Any]]]
    charts: list[VegaRenderer]
    pictures: list[Picture]
    labels: dict[str, Any]

    def __bool__(self) -> bool:
        return bool(self.metrics or self.params or self.charts or self.pictures)

    @property
    def single(self) -> list[Change]:
        """The changes of metrics in no group, and of intervals whose metric stayed the same."""
        names = {(change.place, change.name) for change in self.metrics}
        return [
            change
            for change in self.metrics
            if "." not in change.name
            or (change.interval_of and (change.place, change.interval_of) not in names)
        ]

    @property
    def groups(self) -> list[Change]:
        """The changes of metrics in groups, such as a confusion matrix."""
        return [c for c in self.metrics if "." in c.name and not c.interval_of]

    def verdict(self, change: Change) -> str:
        """Which way a metric changed, as surely as its 95% intervals allow.

        Returns:
            `clearly better` or `clearly worse` where the intervals of both sides are apart,
            `OVERLAP` where they are not, plain `better` or `worse` where a side has none; empty
            where the project does not say which way the metric gets better.
        """
        wanted = self.labels["metrics"].get(change.name.split(".")[-1], {}).get("better")
        if not wanted or not change.difference:
            return ""
        word = "better" if (change.difference > 0) == (wanted == "higher") else "worse"
        before, after = (
            self.tables[side].get(change.place, {}).get(f"{change.name}_interval")
            for side in (self.revision, NOW)
        )
        if not before or not after:
            return word
        if before["low"] <= after["high"] and after["low"] <= before["high"]:
            return OVERLAP
        return f"clearly {word}"


def compare(revision: str) -> Comparison:
    """Compare the work tree with a revision of the repository in the current folder.

    Raises:
        UserError: git cannot read the repository, there is no such revision, or DVC cannot read
            one of the two sides.
    """
    git.head()
    try:
        with Repo() as repo:
            changed = _changes(repo.metrics.diff(a_rev=revision))
            params = _changes(repo.params.diff(a_rev=revision))
            shown = repo.metrics.show(revs=[revision, NOW], hide_workspace=False)
            found = dvc_private.renderers(repo, revision)
    except DvcException as error:
        raise UserError(f"DVC cannot compare with {revision}: {reason(error)}") from None
    renderers = [renderer for renderer in found if _differs(renderer, revision)]
    charts = [r for r in renderers if isinstance(r, VegaRenderer) and Path(r.name).name != TABLE]
    pictures = [_picture(r, revision) for r in renderers if isinstance(r, ImageRenderer)]
    contents = {
        side: {path: file["data"] for path, file in shown[side]["data"].items()}
        for side in (revision, NOW)
    }
    names = _names({path for files in contents.values() for path in files})
    metrics = [Change(names[c.place], c.name, c.before, c.after) for c in changed]
    concerned = (
        {change.place for change in metrics}
        | {chart.properties["title"].partition(":")[0] for chart in charts}
        | {picture.path.parent.name for picture in pictures}
    )
    tables = {
        side: {names[path]: file for path, file in files.items() if names[path] in concerned}
        for side, files in contents.items()
    }
    said = labels.read()
    order = list(said["metrics"])
    metrics.sort(key=lambda c: (c.place, order.index(c.name) if c.name in order else len(order)))
    return Comparison(revision, metrics, params, tables, charts, pictures, said)


def _names(paths: set[str]) -> dict[str, str]:
    """What each metrics file is called: by its stem, or by its path where stems are alike."""
    stems = [Path(path).stem for path in paths]
    return {path: s if stems.count(s := Path(path).stem) == 1 else path for path in paths}


def _changes(answer: dict[str, Any]) -> list[Change]:
    """The answer of `dvc metrics diff` or `dvc params diff`.

    Raises:
        UserError: a side could not be read.
    """
    for side, errors in answer.get("errors", {}).items():
        if not isinstance(errors, dict):
            raise UserError(f"DVC cannot read the metrics or parameters of {side}: {errors}")
        path, error = next(iter(errors.items()))
        raise UserError(f"{path}: DVC cannot read it in {side} ({error}); `dvc repro` writes it")
    return [
        Change(path, name, values.get("old"), values.get("new"))
        for path, names in answer.get("diff", {}).items()
        for name, values in sorted(names.items())
    ]


def _differs(renderer: Renderer, revision: str) -> bool:
    before, after = (
        [{k: v for k, v in point.items() if k != "rev"} for point in _points(renderer, side)]
        for side in (revision, NOW)
    )
    return before != after


def _points(renderer: Renderer, side: str) -> list[dict[str, Any]]:
    return [point for point in renderer.datapoints if point["rev"] == side]


def _picture(renderer: ImageRenderer, revision: str) -> Picture:
    sides = {
        side: base64.b64decode(point["src"].partition(",")[2])
        for side in (revision, NOW)
        for point in _points(renderer, side)
    }
    return Picture(Path(renderer.name), sides)
