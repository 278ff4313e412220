"""The work tree against another revision, for a pull request: `unroll report [REV]`.

Writes `report/report.md`, with its pictures beside it, and `report/report.html`, one file that
needs no other.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import vl_convert
from dvc_render import VegaRenderer

from harness.core.files import replacing, write_text
from harness.reporting import markdown, page
from harness.reporting.comparison import NOW, VERDICTS, Change, Comparison, Picture, compare

FOLDER = Path("report")
IMAGES = Path("images")
# Pixels of a picture of a chart for each of its own, so that it is sharp on most screens.
SCALE = 1.5
NOTE = (
    "In brackets: 95% intervals. That of a change is of both sides on the same rows (paired), and "
    "decides whether it may be chance. Where the rows of a side are not here or differ, the "
    "comparison is unpaired: intervals that overlap then say little."
)


def summary(comparison: Comparison) -> str:
    """One line: what changed, and which way."""
    if not comparison:
        return (
            f"Nothing differs from {comparison.revision}: "
            "the metrics, parameters, curves and pictures are the same."
        )
    # Metrics in groups, such as the cells of a matrix, follow from the single ones.
    verdicts = [change.verdict for change in comparison.metrics if "." not in change.name]
    changed = (
        ("parameters", comparison.params),
        ("charts", comparison.charts),
        ("pictures", comparison.pictures),
    )
    counts = [(verdict, verdicts.count(verdict)) for verdict in VERDICTS]
    counts += [("other metrics", verdicts.count(""))]
    counts += [(noun, len(those)) for noun, those in changed]
    return f"Changes: {', '.join(f'{what} ({count})' for what, count in counts if count)}."


def text(comparison: Comparison) -> str:
    """The report as Markdown, for a comment; the names of its pictures are relative to it."""
    parts = [f"# Results against {comparison.revision}", summary(comparison)]
    single = [change for change in comparison.metrics if "." not in change.name]
    groups = [change for change in comparison.metrics if "." in change.name]
    if single:
        parts += ["## Metrics", NOTE, _metrics(comparison, single)]
    if groups:
        parts += _folded("Metrics in groups", _metrics(comparison, groups))
    if comparison.params:
        rows = [(change.place, f"`{change.name}`", *_sides(change)) for change in comparison.params]
        head = ("file", "parameter", comparison.revision, NOW)
        parts += ["## Parameters", markdown.table(head, rows)]
    if comparison.charts:
        parts += ["## Curves", "Both revisions in each."]
        parts += [f"![{_title(chart)}]({_chart_path(chart)})" for chart in comparison.charts]
    if comparison.pictures:
        heading = f"{len(comparison.pictures)} side by side"
        parts += ["## Pictures", *_folded(heading, _pictures(comparison))]
    return "\n\n".join(parts) + "\n"


def _metrics(comparison: Comparison, changes: Iterable[Change]) -> str:
    head = ("model", "metric", comparison.revision, NOW, "change", "")
    rows = [(f"`{c.place}`", c.name, *_sides(c), c.difference, c.verdict) for c in changes]
    return markdown.table(head, rows, numbers=(2, 3, 4))


def _sides(change: Change) -> tuple[str, str]:
    return str(change.before), str(change.after)


def _pictures(comparison: Comparison) -> str:
    sides = (comparison.revision, NOW)
    rows = []
    for picture in comparison.pictures:
        name = ": ".join(filter(None, (picture.path.parent.name, picture.path.stem)))
        images = (
            f"![{name}, {side}]({_picture_path(picture, side)})"
            if side in picture.sides
            else "absent"
            for side in sides
        )
        rows.append((name, *images))
    return markdown.table(("", *sides), rows)


def _folded(heading: str, body: str) -> list[str]:
    return [f"<details><summary>{heading}</summary>", body, "</details>"]


def _title(chart: VegaRenderer) -> str:
    return chart.properties["title"]


def _chart_path(chart: VegaRenderer) -> Path:
    return IMAGES / f"{re.sub(r'[^A-Za-z0-9]+', '_', chart.name)}.png"


def _picture_path(picture: Picture, side: str) -> Path:
    return IMAGES / ("now" if side == NOW else "before") / picture.path


def write_images(comparison: Comparison) -> None:
    """The charts and pictures that the Markdown names, and no others."""
    shutil.rmtree(FOLDER / IMAGES, ignore_errors=True)
    for chart in comparison.charts:
        drawn = vl_convert.vegalite_to_png(chart.get_filled_template(), scale=SCALE)
        _write(FOLDER / _chart_path(chart), drawn)
    for picture in comparison.pictures:
        for side, content in picture.sides.items():
            _write(FOLDER / _picture_path(picture, side), content)


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as partial:
        partial.write_bytes(content)


def main(revision: str) -> None:
    """Write both reports against a revision, and print the summary and where they are.

    Raises:
        UserError: git cannot read the repository, there is no such revision, or DVC cannot read
            one of the two sides.
    """
    comparison = compare(revision)
    said = summary(comparison)
    pages = {
        FOLDER / "report.md": text(comparison),
        FOLDER / "report.html": page.report(comparison, said),
    }
    write_images(comparison)
    for path, content in pages.items():
        write_text(path, content)
    print(said, *pages, sep="\n")
