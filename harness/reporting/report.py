"""The workspace against another revision, for a pull request: `unroll report [REV]`.

Writes `report/report.md`, with its pictures beside it, and `report/report.html`, one file that
needs no other.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import vl_convert
from dvc_render import ImageRenderer, VegaRenderer
from dvc_render.html import HTML

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
    "": "neither",
}


def shown(value: Any) -> str:
    """A figure or a parameter in a table."""
    if value is None:
        return "absent"
    if isinstance(value, float):
        return f"{value:.4f}" if round(value, 4) == value else f"{value:.6g}"
    return str(value)


def signed(change: Change) -> str:
    """How far a number moved; nothing for what is no number."""
    if change.difference is None:
        return ""
    if isinstance(change.difference, int):
        return f"{change.difference:+,}"
    digits = max(len(shown(side).partition(".")[2]) for side in (change.before, change.after))
    return f"{change.difference:+.{digits}f}"


def summary(comparison: Comparison) -> str:
    """One line: what changed, and which way."""
    if not comparison:
        return (
            f"Nothing differs from {comparison.revision}: "
            "the metrics, parameters, curves and pictures are the same."
        )
    # The cells of a matrix and the losses of each digit follow from the figures themselves.
    verdicts = [comparison.verdict(c) for c in comparison.single if not c.interval_of]
    figures = [f"{verdicts.count(v)} {words}" for v, words in VERDICTS.items() if v in verdicts]
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
    groups = (("Figures", figures), ("Changed", others))
    return " ".join(f"{name}: {', '.join(items)}." for name, items in groups if items)


# Markdown


def text(comparison: Comparison) -> str:
    """The report for a comment on a pull request; its pictures are named relative to it."""
    parts = [f"# Results against {comparison.revision}", summary(comparison)]
    if comparison.single:
        parts += ["## Metrics", _metrics(comparison, comparison.single)]
    if comparison.groups:
        heading = "Confusion matrices and losses of each digit"
        parts += [_folded(heading, _metrics(comparison, comparison.groups))]
    if comparison.params:
        parts += ["## Parameters", _params(comparison)]
    if comparison.charts:
        parts += ["## Curves", "Both revisions in each."]
        parts += [
            f"![{chart.properties['title']}]({_chart_path(chart)})" for chart in comparison.charts
        ]
    if comparison.pictures:
        heading = f"{len(comparison.pictures)} side by side"
        parts += ["## Pictures", _folded(heading, _pictures(comparison))]
    return "\n\n".join(parts) + "\n"


def _sides(change: Change) -> tuple[str, str]:
    return shown(change.before), shown(change.after)


def _metrics(comparison: Comparison, changes: Iterable[Change]) -> str:
    rows = [(f"`{c.place}`", c.name, *_sides(c), signed(c), comparison.verdict(c)) for c in changes]
    verdicts = {verdict for *_, verdict in rows}
    notes = []
    if OVERLAP in verdicts:
        notes.append("Where intervals overlap, a difference may be chance.")
    if verdicts & {"better", "worse"}:
        notes.append("Better or worse without “clearly”: no interval was measured.")
    head = ("model", "figure", comparison.revision, NOW, "change", "")
    return "\n\n".join(
        filter(None, (" ".join(notes), markdown.table(head, rows, numbers=(2, 3, 4))))
    )


def _params(comparison: Comparison) -> str:
    rows = [(change.place, f"`{change.name}`", *_sides(change)) for change in comparison.params]
    return markdown.table(("file", "parameter", comparison.revision, NOW), rows)


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


def _folded(heading: str, body: str) -> str:
    return f"<details><summary>{heading}</summary>\n\n{body}\n\n</details>"


def _chart_path(chart: VegaRenderer) -> Path:
    return IMAGES / f"{re.sub(r'[^A-Za-z0-9]+', '_', chart.name)}.png"


def _picture_path(picture: Picture, side: str) -> Path:
    return (
        IMAGES / ("now" if side == NOW else "before") / picture.path.parent.name / picture.path.name
    )


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


# HTML: the page of `dvc plots`, with what differs alone and two sections more.


def html(comparison: Comparison) -> str:
    """The report as one file: no picture, style or script is elsewhere."""
    document = HTML(page.offline())
    cards = [f"<p>{escape(summary(comparison))}</p>"]
    if comparison.params:
        cards.append(_params_table(comparison))
    inner = "".join(f"<div>{card}</div>" for card in cards)
    compared = escape(f"{NOW} against {comparison.revision}")
    document.with_element(
        f'<div id="changes" data-heading="What changed" data-compared="{compared}">{inner}</div>'
    )
    if comparison.tables[NOW]:
        document.with_element(comparison.table().generate_html())
    for chart in comparison.charts:
        document.with_element(chart.generate_html())
    for picture in comparison.pictures:
        points = [
            {
                "rev": side,
                "src": f"data:image/png;base64,{base64.b64encode(content).decode()}",
            }
            for side, content in picture.sides.items()
        ]
        document.with_element(ImageRenderer(points, str(picture.path)).generate_html())
    return document.embed()


def _params_table(comparison: Comparison) -> str:
    head = "".join(
        f'<th scope="col">{escape(text)}</th>' for text in ("parameter", comparison.revision, NOW)
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(change.name)}<small>{escape(change.place)}</small></th>'
        + "".join(f"<td>{escape(side)}</td>" for side in _sides(change))
        + "</tr>"
        for change in comparison.params
    )
    return (
        f'<div class="scroll"><table><caption>Parameters</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def write(revision: str) -> Comparison:
    """Write both reports against a revision.

    Raises:
        UserError: there is no such revision, or DVC cannot read one of the two sides.
    """
    comparison = compare(revision)
    write_images(comparison)
    write_text(FOLDER / "report.md", text(comparison))
    write_text(FOLDER / "report.html", html(comparison))
    return comparison


def main(revision: str) -> None:
    """Write both reports against a revision and print the summary."""
    print(summary(write(revision)), f"{FOLDER}/report.md", f"{FOLDER}/report.html", sep="\n")
