"""Sets up the page of `dvc plots show` and `dvc plots diff`, and makes the one of the report.

`page.html` is DVC's template of that page, which `.dvc/config` names. As it is, the browser loads
the chart library from the web, as with DVC's own. `unroll page` writes a copy with the library and
the project's titles in it to `.dvc/page.html`, and makes `.dvc/config.local` name that one. Git
ignores both files, and they lie side by side: a clone has the two or none, and either way a page.
"""

from __future__ import annotations

import base64
import json
from dataclasses import astuple
from html import escape
from pathlib import Path
from typing import Any

import vl_convert
from dvc.config import Config
from dvc_render import ImageRenderer
from dvc_render.html import HTML

from harness import project
from harness.core.files import write_text
from harness.core.metrics_table import COLUMNS
from harness.reporting import pairs
from harness.reporting.comparison import NOW, Comparison

TEMPLATE = Path(__file__).with_name("page.html")
BUILT = Path(".dvc/page.html")
LIBRARY = "{scripts}"
TITLES = "{ /* titles */ }"
# The browser itself refuses whatever the page may ask of a network. Vega compiles its expressions.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "img-src 'self' file: data:"
)


def offline() -> str:
    """The template with the titles, and with Vega, Vega-Lite and Vega-Embed in it."""
    library = _in_script(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    titles = _in_script(json.dumps(project.read().all_titles()))
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    template = TEMPLATE.read_text("utf-8").replace(TITLES, titles)
    return template.replace(LIBRARY, f"{policy}\n<script>{library}</script>")


def _in_script(text: str) -> str:
    """A script without the only text that could end its element; what takes its place is equal."""
    return text.replace("</script", r"<\/script")


def main() -> None:
    """Write the template and make DVC use it in this clone."""
    write_text(BUILT, offline())
    with Config(dvc_dir=str(BUILT.parent)).edit("local") as config:
        config.setdefault("plots", {})["html_template"] = BUILT.name


def report(comparison: Comparison, summary: str) -> str:
    """The page with what differs alone, as one file: no picture, style or script is elsewhere.

    Args:
        summary: a line above all else.
    """
    document = HTML(offline())
    cards = [f"<p>{escape(summary)}</p>"]
    if comparison.params:
        cards.append(_params(comparison))
    inner = "".join(f"<div>{card}</div>" for card in cards)
    compared = escape(f"{NOW} against {comparison.revision}")
    document.with_element(
        f'<div id="changes" data-heading="What changed" data-compared="{compared}">{inner}</div>'
    )
    if comparison.tables[NOW]:
        table = {"usermeta": comparison.labels, "data": {"values": _rows(comparison)}}
        document.with_element(f"<script>vegaEmbed('', {_in_script(json.dumps(table))})</script>")
    for chart in comparison.charts:
        document.with_element(chart.generate_html())
    for picture in comparison.pictures:
        points = [
            {"rev": side, "src": f"data:image/png;base64,{base64.b64encode(content).decode()}"}
            for side, content in picture.sides.items()
        ]
        document.with_element(ImageRenderer(points, str(picture.path)).generate_html())
    return document.embed()


def _rows(comparison: Comparison) -> list[dict[str, str]]:
    """The metrics of both sides, as in the plots of their tables, and the verdicts on changes."""
    changes = {(change.place, change.name): change for change in comparison.metrics}
    rows = []
    for side, models in comparison.tables.items():
        for place, metrics in models.items():
            model, part = pairs.rows_of(place)
            for name, value in metrics.items():
                if "." in name:
                    continue
                change = changes.get((place, name))
                label = comparison.labels["metrics"].get(name, {}).get("label", name)
                figure = f"{label} ({part})" if model != place else name
                row = dict(zip(COLUMNS, map(_cell, (model, figure, *astuple(value))), strict=True))
                paired = change.paired.interval if change and change.paired else ""
                row |= {"rev": side, "verdict": change.verdict if change else "", "paired": paired}
                rows.append(row)
    return rows


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _params(comparison: Comparison) -> str:
    names = ("parameter", comparison.revision, NOW)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{escape(change.name)}<small>{escape(change.place)}</small></th>'
        + "".join(f"<td>{escape(side)}</td>" for side in map(str, (change.before, change.after)))
        + "</tr>"
        for change in comparison.params
    )
    return (
        f'<div class="scroll"><table><caption>Parameters</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
