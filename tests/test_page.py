"""The pages of `dvc plots show`, `dvc plots diff` and the report, in a real browser."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import browser
import pages
import pytest

from unroll.plotting.titles import title

pytestmark = pytest.mark.slow

MODELS = ("rnn", "lstm", "tickets_gru", "ae_lstm", "ae_bilstm")
BASELINES = ("imdb_words", "imdb_nb-trigrams", "mnist_pca-2", "tickets_words")
CHARTS = {"show": 25, "diff": 25, "report": 1, "foreign": 1}
PICTURES = {"show": 20, "diff": 40, "report": 2, "foreign": 2}
VIEWS = [
    *(("show", width, scheme) for width in (390, 1440) for scheme in ("light", "dark")),
    *(("diff", 390, "dark"), ("diff", 1440, "light")),
    *(("report", 390, "light"), ("report", 1440, "dark")),
    *(("foreign", 390, "dark"), ("foreign", 1440, "light")),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """The pages by kind.

    plain: before the page was set up; show: after; diff and report: against the main branch, after
    a change of three models; foreign: the report of a project that is not ours.
    """
    folder = pages.results(tmp_path_factory.mktemp("project"))
    found = {"plain": pages.plots(folder, "plain", "show")}
    pages.set_up(folder)
    found["show"] = pages.plots(folder, "show", "show")
    pages.changed(folder)
    found["diff"] = pages.plots(folder, "diff", "diff", "main")
    found["report"] = pages.report_of(folder)
    found["foreign"] = pages.report_of(pages.foreign(tmp_path_factory.mktemp("foreign")), "foreign")
    return found


@pytest.fixture(scope="module")
def chromium():
    found = browser.started()
    if not found and os.environ.get("UNROLL_BROWSER") == "required":
        pytest.fail(browser.LACK)
    if not found:
        pytest.skip(browser.LACK)
    yield found
    found.quit()


@dataclass(frozen=True)
class View:
    """A page as the browser shows it, and what happened meanwhile."""

    kind: str
    width: int
    scheme: str
    facts: dict[str, Any]
    console: list[str]
    requests: list[str]


# Facts about the page, in the browser's own words.
FACTS = """
const seen = (element) => !element.closest("details:not([open])") || element.closest("summary");
const box = (element) => element.getBoundingClientRect();
const color = (value) => {
  const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d");
  pixel.fillStyle = value;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)];
};
const style = (element, property) => color(getComputedStyle(element)[property]);
const charts = [...document.querySelectorAll("main .chart")];
return {
  charts: charts.map((chart) => ({
    name: chart.getAttribute("aria-label"),
    marks: [...chart.querySelectorAll("svg .role-mark > *")]
      .filter((mark) => box(mark).width + box(mark).height > 2).length,
    clipped: [...chart.querySelectorAll("svg text")].map((text) => text.textContent && box(text))
      .filter(({ left, right }) => right > box(chart).right + 1 || left < box(chart).left - 1)
      .length,
    ink: [...chart.querySelectorAll(".role-axis-label text")].map((text) => style(text, "fill")),
    ticks: [...(chart.querySelector(".role-axis-label")?.querySelectorAll("text") ?? [])]
      .filter((text) => getComputedStyle(text).opacity !== "0").map((text) => text.textContent),
  })),
  images: [...document.images].map((image) => ({
    name: image.alt, loaded: image.complete && image.naturalWidth > 0, source: image.src,
  })),
  over: [...document.querySelectorAll("body *")].filter(seen)
    .filter((element) => box(element).right > innerWidth + 0.5 || box(element).left < -0.5)
    .map((element) => element.outerHTML.slice(0, 80)),
  width: document.documentElement.scrollWidth,
  ink: style(document.body, "color"),
  paper: style(document.body, "backgroundColor"),
  card: style(document.querySelector(".card"), "backgroundColor"),
  headings: [...document.querySelectorAll("h1, h2")].map((heading) => heading.textContent),
  tables: Object.fromEntries([...document.querySelectorAll("main section")].map((section) => [
    section.id,
    [...section.querySelectorAll("tbody tr")].map(
      (row) => [...row.children].map((cell) => cell.innerText.replaceAll("\\n", " "))),
  ])),
  captions: [...document.querySelectorAll("table")].map((table) => table.caption?.textContent),
};
"""


Look = Callable[..., View]


@pytest.fixture(scope="module")
def look(chromium, made) -> Look:
    """A function that shows a page of a kind, each view once."""

    @cache
    def show(kind: str, width: int, scheme: str, media: str = "screen") -> View:
        browser.show(chromium, made[kind], width, scheme, media)
        facts = chromium.execute_script(FACTS)
        if folder := os.environ.get("UNROLL_SCREENSHOTS"):
            path = Path(folder) / f"{kind}-{width}-{scheme}-{media}.png"
            browser.photograph(chromium, path, width, 1700)
        console = [entry["message"] for entry in chromium.get_log("browser")]
        log = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
        requests = [
            event["params"]["request"]["url"]
            for event in log
            if event["method"] == "Network.requestWillBeSent"
        ]
        return View(kind, width, scheme, facts, console, requests)

    return show


@pytest.fixture(scope="module", params=VIEWS, ids=lambda view: "-".join(map(str, view)))
def view(request, look) -> View:
    return look(*request.param)


def contrast(one: list[int], other: list[int]) -> float:
    """The ratio of the Web Content Accessibility Guidelines; 4.5 is enough for small text."""

    def luminance(color: list[int]) -> float:
        parts = [c / 255 for c in color]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_every_chart_has_drawn_marks_and_lettering_that_is_whole(view):
    assert len(view.facts["charts"]) == CHARTS[view.kind]
    for chart in view.facts["charts"]:
        assert chart["marks"], chart["name"]
        assert not chart["clipped"], chart["name"]


def test_every_picture_has_loaded(view):
    assert len(view.facts["images"]) == PICTURES[view.kind]
    assert [image["name"] for image in view.facts["images"] if not image["loaded"]] == []


def test_no_request_leaves_the_machine_and_the_console_stays_empty(view):
    assert [url for url in view.requests if not url.startswith(("file:", "data:"))] == []
    known = "Infinite extent"  # DVC's own template has a layer for the mouse, empty at first
    assert [line for line in view.console if view.kind != "foreign" or known not in line] == []


def test_nothing_overflows(view):
    assert view.facts["over"] == []
    assert view.facts["width"] <= view.width


def test_text_stands_out_from_its_ground_in_light_and_dark(view):
    facts = view.facts
    assert (sum(facts["paper"]) < 200) == (view.scheme == "dark")
    assert contrast(facts["ink"], facts["paper"]) > 7
    lettering = [ink for chart in facts["charts"] for ink in chart["ink"]]
    assert min(contrast(ink, facts["card"]) for ink in lettering) > 7


def test_the_epochs_named_on_an_axis_are_at_even_steps(view):
    for chart in view.facts["charts"]:
        if "Loss per epoch" in chart["name"]:
            steps = {int(b) - int(a) for a, b in itertools.pairwise(chart["ticks"])}
            assert len(steps) == 1, chart["ticks"]


def test_charts_pictures_and_tables_have_names(view):
    names = [item["name"] for item in view.facts["charts"] + view.facts["images"]]
    assert all(names)
    assert len(set(names)) == len(names)
    assert all(view.facts["captions"])


def test_the_page_has_a_section_a_model_with_all_metrics(look, made):
    facts = look("show", 1440, "light").facts
    assert facts["headings"] == ["Results", "Overview", *map(title, (*MODELS, *BASELINES))]
    for model in MODELS:
        committed = pages.git(made["show"].parents[2], "show", f"main:metrics/{model}.json")
        text = " ".join(cell for row in facts["tables"][model] for cell in row)
        for name, value in json.loads(committed).items():
            if isinstance(value, float):
                assert f"{value:.4f}" in text or str(value) in text, (model, name)
            elif name.endswith("_interval"):
                assert f"{value['low']:.4f} to {value['high']:.4f}" in text, (model, name)


def test_a_difference_is_shown_as_a_number_and_in_a_report_called_better_or_worse(look):
    wanted = {
        ("rnn", "AUC"): ("+0.0007", " intervals overlap, unpaired"),
        ("rnn", "balanced accuracy"): ("−0.0200", " worse, unpaired"),  # noqa: RUF001
        ("rnn", "loss"): ("+0.0100", " worse without interval"),
        ("ae_lstm", "loss"): ("−0.0100", " better without interval"),  # noqa: RUF001
        ("rnn", "threshold"): ("same", ""),
        ("lstm", "AUC"): ("same", " interval changed"),
    }
    for kind, words in (("diff", slice(1)), ("report", slice(2))):
        tables = look(kind, 1440, "light" if kind == "diff" else "dark").facts["tables"]
        found = {(model, row[0]): row[-1] for model in tables for row in tables[model]}
        for place, parts in wanted.items():
            assert found[place] == "".join(parts[words]), (kind, place)


def test_captions_speak_of_intervals_where_there_are_any(look):
    captions = look("report", 1440, "dark").facts["captions"]
    _, overview, rnn, ae_lstm, lstm = captions  # the first is that of the parameters
    assert "AUC: higher is better; loss: lower is better." in overview
    assert ["overlap" in text for text in (rnn, ae_lstm, lstm)] == [True, False, True]


def test_in_print_the_page_is_light_whatever_the_screen(look):
    facts = look("show", 800, "dark", media="print").facts
    assert facts["paper"] == facts["card"] == [255, 255, 255]
    assert contrast(facts["ink"], facts["paper"]) > 7
    assert facts["over"] == []


def test_before_it_is_set_up_the_page_says_how_to_do_without_the_web(chromium, look):
    view = look("plain", 390, "light")
    notice = chromium.find_element("css selector", ".notice[role=status]").text
    assert "python -m harness page" in notice
    assert [url for url in view.requests if url.startswith("https:")]  # the log would show one
    assert view.facts["headings"] == ["Results", "Overview", *MODELS, *BASELINES]
    assert view.facts["tables"]["rnn"]
    assert view.facts["over"] == []


def test_the_page_needs_no_file_but_its_pictures(made):
    for kind in ("show", "diff", "report", "foreign"):
        markup = re.sub(r"<script>.*?</script>", "", made[kind].read_text(), flags=re.DOTALL)
        sources = [s for s in re.findall(r'(?:src|href)="([^"]*)"', markup) if s[0] != "#"]
        assert all(s.startswith(("data:", "static/")) for s in sources)
        files = [s for s in sources if s.startswith("static/")]
        assert len(files) == (PICTURES[kind] if kind in ("show", "diff") else 0)
        assert all((made[kind].parent / s).is_file() for s in files)
