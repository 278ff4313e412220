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
from harness.reporting.comparison import NOW, OVERLAP, Change, Comparison, Picture, compare

FOLDER = Path("report")
IMAGES = Path("images")
# Pixels of a picture of a chart for each of its own, so that it is sharp on most screens.
SCALE = 1.5
# The verdicts in the order and the words of the summary.
VERDICTS = {
    "clearly better": "clearly better",
    "clearly worse": "clearly worse",
    OVERLAP: "with overlapping intervals",
    "better": "better without an interval",
    "worse": "worse without an interval",
    "": "neither better nor worse",
}


def summary(comparison: Comparison) -> str:
    """One line: what changed, and which way."""
    if not comparison:
        return (
            f"Nothing differs from {comparison.revision}: "
            "the metrics, parameters, curves and pictures are the same."
        )
    # Metrics in groups, such as the cells of a matrix, follow from the single ones.
    verdicts = [comparison.verdict(c) for c in comparison.single if not c.interval_of]
    metrics = [f"{verdicts.count(v)} {words}" for v, words in VERDICTS.items() if v in verdicts]
    intervals = {(c.place, c.interval_of) for c in comparison.single if c.interval_of}
    others = [
        f"{len(changed)} {noun}{'s' if len(changed) > 1 else ''}"
        for noun, changed in (
            ("interval", intervals),
            ("parameter", comparison.params),
            ("chart", comparison.charts),
            ("picture", comparison.pictures),
        )
        if changed
    ]
    groups = (("Metrics", metrics), ("Changed", others))
    return " ".join(f"{name}: {', '.join(items)}." for name, items in groups if items)


def text(comparison: Comparison) -> str:
    """The report as Markdown, for a comment; the names of its pictures are relative to it."""
    parts = [f"# Results against {comparison.revision}", summary(comparison)]
    if comparison.single:
        parts += ["## Metrics", *_metrics(comparison, comparison.single)]
    if comparison.groups:
        parts += _folded("Metrics in groups", *_metrics(comparison, comparison.groups))
    if comparison.params:
        rows = [(change.place, f"`{change.name}`", *change.sides) for change in comparison.params]
        head = ("file", "parameter", comparison.revision, NOW)
        parts += ["## Parameters", markdown.table(head, rows)]
    if comparison.charts:
        parts += ["## Curves", "Both revisions in each."]
        parts += [f"![{_title(chart)}]({_chart_path(chart)})" for chart in comparison.charts]
    if comparison.pictures:
        heading = f"{len(comparison.pictures)} side by side"
        parts += ["## Pictures", *_folded(heading, _pictures(comparison))]
    return "\n\n".join(parts) + "\n"


def _metrics(comparison: Comparison, changes: Iterable[Change]) -> list[str]:
    rows = [(f"`{c.place}`", c.name, *c.sides, c.signed, comparison.verdict(c)) for c in changes]
    verdicts = {verdict for *_, verdict in rows}
    notes = []
    if OVERLAP in verdicts:
        notes.append("Where intervals overlap, a difference may be chance.")
    if verdicts & {"better", "worse"}:
        notes.append("Better or worse without “clearly”: no interval was measured.")
    head = ("model", "metric", comparison.revision, NOW, "change", "")
    table = markdown.table(head, rows, numbers=(2, 3, 4))
    return [" ".join(notes), table] if notes else [table]


def _pictures(comparison: Comparison) -> str:
    sides = (comparison.revision, NOW)
    rows = []
    for picture in comparison.pictures:
        name = f"{picture.path.parent.name}: {picture.path.stem}"
        images = (
            f"![{name}, {side}]({_picture_path(picture, side)})"
            if side in picture.sides
            else "absent"
            for side in sides
        )
        rows.append((name, *images))
    return markdown.table(("", *sides), rows)


def _folded(heading: str, *parts: str) -> list[str]:
    return [f"<details><summary>{heading}</summary>", *parts, "</details>"]


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
