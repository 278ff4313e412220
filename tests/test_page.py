"""The pages of `dvc plots show`, `dvc plots diff` and `make report`, in a real browser."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, output_of
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from harness.core.files import read_json
from harness.core.metrics_table import COLUMNS, rows
from unroll.plotting import pictures

MODELS = ("rnn", "lstm", "ae_lstm", "ae_bilstm")
CHARTS = {"show": 13, "diff": 13, "report": 1}
PICTURES = {"show": 16, "diff": 32, "report": 2}
CHANGES = (
    *(("rnn", "auc", 0.0007), ("rnn", "loss", 0.01), ("rnn", "balanced_accuracy", -0.02)),
    *(("ae_lstm", "loss", -0.01), ("lstm", "auc_interval.high", 0.0001)),
)
VERDICTS = ("intervals overlap", "worse", "clearly worse", "better", "")
VIEWS = [
    *(("show", width, scheme) for width in (390, 1440) for scheme in ("light", "dark")),
    *(("diff", 390, "dark"), ("diff", 1440, "light")),
    *(("report", 390, "light"), ("report", 1440, "dark")),
]


def command(folder: Path, *words: str, code: int = 0) -> str:
    """The output of `python -m WORDS` in a folder; it must end with `code`."""
    return output_of((sys.executable, "-m", *words), folder, {}, code)


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    output_of(("git", *identity, *words), folder, {}, 0)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A clone of the project with its real results, its pages of five kinds written.

    plain: before the page was set up; show: after; same: a report without any difference;
    diff and report: against the main branch, after a change of three models.
    """
    folder = tmp_path_factory.mktemp("project")
    listed = ("git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z")
    for name in filter(None, output_of(listed, ROOT, {}, 0).split("\0")):
        if not name.startswith(("bench/", "docs/", "tests/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "results")
    command(folder, "dvc", "plots", "show", "-o", "pages/plain")
    command(folder, "harness.reporting.page")
    command(folder, "dvc", "plots", "show", "-o", "pages/show")
    command(folder, "harness.reporting.report")
    shutil.move(folder / "report", folder / "pages/same")
    change_models(folder)
    command(folder, "dvc", "plots", "diff", "main", "-o", "pages/diff")
    command(folder, "harness.reporting.report", "main")
    shutil.move(folder / "report", folder / "pages/report")
    return folder


def change_models(folder: Path) -> None:
    """As if parameters had been changed: two models in figures, one in an interval alone."""
    edit(folder / "params.yaml", r"(?<=units: )\d+", "7")
    edit(folder / "plots/curves/rnn.csv", r"(?<=\n1,)[^,]+", "0.7")
    for model, name, change in CHANGES:
        path = folder / f"metrics/{model}.json"
        content = read_json(path)
        if name == "balanced_accuracy":  # and its interval with it, to where the two are apart
            for end in content[f"{name}_interval"]:
                move(content, f"{name}_interval.{end}", change)
        move(content, name, change)
        path.write_text(json.dumps(content))
        table = "\n".join(",".join(map(str, row)) for row in [COLUMNS, *rows(model, content)])
        (folder / f"plots/points/{model}/figures.csv").write_text(table + "\n")
    pictures = folder / "plots/figures"
    shutil.copyfile(pictures / "ae_bilstm/digits.png", pictures / "ae_lstm/digits.png")


def part(content: Any, place: list[str]) -> Any:
    """What stands at a place in the figures of a model."""
    for key in place:
        content = content[key]
    return content


def move(content: dict[str, Any], name: str, change: float) -> None:
    *place, key = name.split(".")
    group = part(content, place)
    group[key] = round(group[key] + change, 4)


def edit(path: Path, pattern: str, text: str) -> None:
    """Put `text` in the place of the first match."""
    content, count = re.subn(pattern, text, path.read_text(), count=1)
    assert count
    path.write_text(content)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium that finds no other machine and keeps a log of what it asks for."""
    programs = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    program, driver = next(filter(None, programs), None), shutil.which("chromedriver")
    if not program or not driver:
        lack = "no browser: `apt-get install chromium chromium-driver` installs one"
        if os.environ.get("UNROLL_BROWSER") == "required":
            pytest.fail(lack)
        pytest.skip(lack)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (
        *("--headless=new", "--hide-scrollbars", "--disable-dev-shm-usage"),
        "--no-sandbox",  # which root cannot have; the pages are our own
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    yield chromium
    chromium.quit()


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
const colour = (value) => {
  const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d");
  pixel.fillStyle = value;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)];
};
const style = (element, property) => colour(getComputedStyle(element)[property]);
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


def look(browser, page: Path, width: int, scheme: str, media: str = "screen") -> View:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page.as_uri())
    browser.execute_async_script("window.ready.then(arguments[0])")
    facts = browser.execute_script(FACTS)
    if folder := os.environ.get("UNROLL_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = f"{page.parent.name}-{width}-{scheme}-{media}.png"
        clip = {"x": 0, "y": 0, "width": width, "height": 1700, "scale": 1}
        shot = browser.execute_cdp_cmd(
            "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
        )
        (Path(folder) / name).write_bytes(base64.b64decode(shot["data"]))
    console = [entry["message"] for entry in browser.get_log("browser")]
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return View(page.parent.name, width, scheme, facts, console, requests)


def page_of(project: Path, kind: str) -> Path:
    name = "report" if kind in ("report", "same") else "index"
    return project / "pages" / kind / f"{name}.html"


@pytest.fixture(scope="module", params=VIEWS, ids=lambda view: "-".join(map(str, view)))
def view(request, browser, project) -> View:
    kind, width, scheme = request.param
    return look(browser, page_of(project, kind), width, scheme)


def contrast(one: list[int], other: list[int]) -> float:
    """The ratio of the Web Content Accessibility Guidelines; 4.5 is enough for small text."""

    def luminance(colour: list[int]) -> float:
        parts = [c / 255 for c in colour]
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


def test_no_request_leaves_the_machine(view):
    assert [url for url in view.requests if not url.startswith(("file:", "data:"))] == []


def test_the_console_stays_empty(view):
    assert view.console == []


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


@pytest.fixture(scope="module")
def shown(browser, project) -> View:
    return look(browser, page_of(project, "show"), 1440, "light")


def test_the_page_has_a_section_a_model(shown):
    names = [pictures.title(model) for model in MODELS]
    assert shown.facts["headings"] == ["Unroll: results", "Overview", *names]


def test_the_page_shows_all_figures_of_the_models(shown):
    for model in MODELS:
        text = " ".join(cell for row in shown.facts["tables"][model] for cell in row)
        for name, value in read_json(ROOT / f"metrics/{model}.json").items():
            if isinstance(value, float):
                assert f"{value:.4f}" in text or str(value) in text, (model, name)
            elif name.endswith("_interval"):
                assert f"{value['low']:.4f} to {value['high']:.4f}" in text, (model, name)


def test_a_change_is_called_better_or_worse_by_the_figure_it_is_of(browser, project):
    for kind in ("diff", "report"):
        tables = look(browser, page_of(project, kind), 1440, "light").facts["tables"]
        changes = {(model, row[0]): row[-1] for model in tables for row in tables[model]}
        assert changes["rnn", "AUC"] == "+0.0007 intervals overlap"
        assert changes["rnn", "balanced accuracy"] == "−0.0200 clearly worse"  # noqa: RUF001
        assert changes["rnn", "loss (nats)"] == "+0.0100 worse"
        assert changes["ae_lstm", "loss (nats)"] == "−0.0100 better"  # noqa: RUF001
        assert changes["rnn", "threshold"] == "same"
        assert changes["lstm", "AUC"] == "same interval changed"


def test_captions_speak_of_intervals_where_there_are_any_and_of_their_lack(browser, project):
    captions = look(browser, page_of(project, "report"), 1440, "light").facts["captions"]
    _, overview, rnn, ae_lstm, lstm = captions  # the first is that of the parameters
    assert ["overlap" in text for text in (rnn, ae_lstm, lstm)] == [True, False, True]
    lack = "Better or worse without “clearly”: no interval was measured."
    assert [lack in text for text in (overview, rnn, ae_lstm, lstm)] == [True, True, True, False]


def test_in_print_the_page_is_light_whatever_the_screen(browser, project):
    facts = look(browser, page_of(project, "show"), 800, "dark", media="print").facts
    assert facts["paper"] == facts["card"] == [255, 255, 255]
    assert contrast(facts["ink"], facts["paper"]) > 7
    assert facts["over"] == []


def test_before_it_is_set_up_the_page_says_how_to_do_without_the_web(browser, project):
    view = look(browser, page_of(project, "plain"), 390, "light")
    notice = browser.find_element("css selector", ".notice[role=status]").text
    assert "make venv" in notice
    assert [url for url in view.requests if url.startswith("https:")]  # the log would show one
    assert view.facts["tables"]["rnn"]
    assert view.facts["over"] == []


def test_the_page_needs_no_file_but_its_pictures(project):
    for kind in ("show", "diff", "report"):
        page = page_of(project, kind)
        markup = re.sub(r"<script>.*?</script>", "", page.read_text(), flags=re.DOTALL)
        sources = [s for s in re.findall(r'(?:src|href)="([^"]*)"', markup) if s[0] != "#"]
        assert all(s.startswith("data:" if kind == "report" else "static/") for s in sources)
        assert all((page.parent / s).is_file() for s in sources if s.startswith("static/"))


def test_the_markdown_report_says_what_changed_and_its_pictures_exist(project):
    folder = project / "pages/report"
    text = (folder / "report.md").read_text()
    figures = (
        "1 clearly worse, 1 with overlapping intervals, "
        "1 better without an interval, 1 worse without an interval"
    )
    assert f"# Results against main\n\nFigures: {figures}. Changed: 1 interval, 1 par" in text
    assert "overlap, a difference may be chance. Better or worse without “clearly”: no" in text
    for (model, name, change), verdict in zip(CHANGES, VERDICTS, strict=True):
        before = part(read_json(ROOT / f"metrics/{model}.json"), name.split("."))
        row = f"{before:.4f} | {before + change:.4f} | {change:+.4f} | {verdict} |"
        assert f"| `{model}` | {name} | {row}" in text
    assert re.search(r"\| params.yaml \| `models.rnn.units` \| \d+ \| 7 \|", text)
    named = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    found = sorted(folder.rglob("*.png"))
    assert sorted(named) == [path.relative_to(folder).as_posix() for path in found]
    assert "images/before/ae_lstm/digits.png" in named
    assert len(named) == 3
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found)


def test_a_report_without_any_difference_says_so(browser, project):
    line = "Nothing differs from main: the metrics, parameters, curves and pictures are the same."
    folder = project / "pages/same"
    assert (folder / "report.md").read_text() == f"# Results against main\n\n{line}\n"
    view = look(browser, page_of(project, "same"), 390, "light")
    assert line in browser.find_element("tag name", "main").text
    assert view.console == []


def test_a_report_against_no_revision_is_one_line(project):
    output = command(project, "harness.reporting.report", "nowhere", code=1)
    assert output.startswith("error: there is no revision nowhere;")
    assert output.count("\n") == 1
    assert not (project / "report").exists()
