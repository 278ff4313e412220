"""What differs between the workspace and another revision, as DVC tells it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.render.match import match_defs_renderers
from dvc.repo import Repo
from dvc.scm import RevError, resolve_rev
from dvc_render import ImageRenderer, VegaRenderer
from dvc_render.base import Renderer

from harness.core import metrics_table
from harness.core.errors import UserError
from harness.core.files import read_json

NOW = "workspace"
OVERLAP = "intervals overlap"
# The template of the table says how each figure is called and which way it gets better.
FIGURES = Path(".dvc/plots/metrics.json")


@dataclass(frozen=True)
class Change:
    """A figure of a model, or a parameter of a file; `None` where a side does not have it."""

    place: str
    name: str
    before: Any
    after: Any

    @property
    def interval_of(self) -> str:
        """The figure of whose 95% interval this is an end; nothing where it is none."""
        figure, interval, _ = self.name.rpartition("_interval.")
        return figure if interval else ""

    @property
    def difference(self) -> float | None:
        """How far it moved, where both sides are numbers."""
        sides = (self.before, self.after)
        if all(isinstance(side, int | float) and not isinstance(side, bool) for side in sides):
            return self.after - self.before
        return None


@dataclass(frozen=True)
class Picture:
    """A picture before and now, as PNG bytes; a side may be missing."""

    path: Path
    sides: dict[str, bytes]


@dataclass(frozen=True)
class Comparison:
    """All that differs between `revision` and the workspace.

    Attributes:
        metrics: the figures that changed, those in groups by dotted names.
        tables: all figures of the models that have any change, by revision and model.
        charts: the plots of tables whose rows changed, both revisions in each.
        pictures: the pictures whose bytes changed.
    """

    revision: str
    metrics: list[Change]
    params: list[Change]
    tables: dict[str, dict[str, dict[str, Any]]]
    charts: list[VegaRenderer]
    pictures: list[Picture]

    def __bool__(self) -> bool:
        return bool(self.metrics or self.params or self.charts or self.pictures)

    @property
    def single(self) -> list[Change]:
        """The changes of figures in no group, and of intervals whose figure stayed the same."""
        names = {(change.place, change.name) for change in self.metrics}
        return [
            change
            for change in self.metrics
            if "." not in change.name
            or (change.interval_of and (change.place, change.interval_of) not in names)
        ]

    @property
    def groups(self) -> list[Change]:
        """The changes of figures in groups, such as a confusion matrix."""
        return [c for c in self.metrics if "." in c.name and not c.interval_of]

    def verdict(self, change: Change) -> str:
        """Which way a figure changed, as surely as its 95% intervals allow.

        Returns:
            `clearly better` or `clearly worse` where the intervals of both sides are apart,
            `OVERLAP` where they are not, plain `better` or `worse` where a side has none; nothing
            where neither can be said of the figure.
        """
        wanted = figures().get(change.name.split(".")[-1], {}).get("better")
        if not wanted or not change.difference:
            return ""
        word = "better" if (change.difference > 0) == (wanted == "higher") else "worse"
        key = f"{change.name}_interval"
        tables = [self.tables[side].get(change.place, {}) for side in (self.revision, NOW)]
        before, after = (table.get(key) for table in tables)
        if not before or not after:
            return word
        if before["low"] <= after["high"] and after["low"] <= before["high"]:
            return OVERLAP
        return f"clearly {word}"

    def table(self) -> VegaRenderer:
        """The figures of both revisions as the plot that the page makes its tables of."""
        rows = [
            {"rev": side} | dict(zip(metrics_table.COLUMNS, map(str, row), strict=True))
            for side, models in self.tables.items()
            for model, metrics in models.items()
            for row in metrics_table.rows(model, metrics)
        ]
        return VegaRenderer(
            rows, metrics_table.TABLE, template=FIGURES.stem, template_dir=str(FIGURES.parent)
        )


def compare(revision: str) -> Comparison:
    """Compare the workspace with a revision of the repository in the current folder.

    Raises:
        UserError: there is no such revision, or DVC cannot read one of the two sides.
    """
    with Repo() as repo:
        try:
            resolve_rev(repo.scm, revision)
        except RevError:
            raise UserError(
                f"there is no revision {revision}; `git branch --all` lists the branches, "
                f"`make report REV=NAME` takes any branch, tag or commit"
            ) from None
        try:
            metrics = _changes(repo.metrics.diff(a_rev=revision))
            params = _changes(repo.params.diff(a_rev=revision))
            shown = repo.metrics.show(revs=[revision, NOW], hide_workspace=False)
            plots = repo.plots.diff(revs=[revision])
            found = match_defs_renderers(plots, templates_dir=repo.plots.templates_dir)
        except DvcException as error:
            raise UserError(f"DVC cannot compare with {revision}: {error}") from None
    renderers = [entry.renderer for entry in found if _differs(entry.renderer, revision)]
    charts = [
        r
        for r in renderers
        if isinstance(r, VegaRenderer) and Path(r.name).name != metrics_table.TABLE
    ]
    pictures = [_picture(r, revision) for r in renderers if isinstance(r, ImageRenderer)]
    metrics = sorted(
        (Change(Path(c.place).stem, c.name, c.before, c.after) for c in metrics), key=_place
    )
    changed = (
        {change.place for change in metrics}
        | {chart.properties["title"].partition(":")[0] for chart in charts}
        | {picture.path.parent.name for picture in pictures}
    )
    tables = {
        side: {
            Path(path).stem: content["data"]
            for path, content in shown.get(side, {}).get("data", {}).items()
            if Path(path).stem in changed
        }
        for side in (revision, NOW)
    }
    return Comparison(revision, metrics, params, tables, charts, pictures)


@cache
def figures() -> dict[str, dict[str, str]]:
    """What is said of each figure: `label`, and `better`, `higher` or `lower`, where one is."""
    return read_json(FIGURES)["usermeta"]["figures"]


def _place(change: Change) -> tuple[str, int, str]:
    """Where a change stands: by model, then in the order of the table, then the groups."""
    order = list(figures())
    return (
        change.place,
        order.index(change.name) if change.name in order else len(order),
        change.name,
    )


def _changes(answer: dict[str, Any]) -> list[Change]:
    """The answer of `dvc metrics diff` or `dvc params diff`.

    Raises:
        UserError: a side could not be read.
    """
    for side, errors in answer.get("errors", {}).items():
        if not isinstance(errors, dict):
            raise UserError(f"DVC cannot read the figures or parameters of {side}: {errors}")
        path, error = next(iter(errors.items()))
        raise UserError(f"{path}: DVC cannot read it in {side} ({error}); `dvc repro` writes it")
    return [
        Change(path, name, values.get("old"), values.get("new"))
        for path, names in answer.get("diff", {}).items()
        for name, values in names.items()
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
