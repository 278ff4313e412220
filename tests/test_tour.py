"""The tour in docs/: it runs on the results of any run, and shows those that are committed."""

import itertools
import re

import nbformat
import pytest
import tour
from conftest import ROOT

from harness.core.files import read_json
from unroll.core import paths
from unroll.reporting import trained

NOTEBOOK = tour.read(ROOT)
CODE = {cell.id: cell for cell in NOTEBOOK.cells if cell.cell_type == "code"}
OUTPUTS = [output for cell in CODE.values() for output in cell.outputs]
RENEW = "the results are not those of the tour; run `make tour`"


def texts() -> list[str]:
    """What the outputs say, pictures left out."""
    data = [text for output in OUTPUTS for text in output.get("data", {}).items()]
    said = [text for kind, text in data if kind != "image/png"]
    return said + [output.text for output in OUTPUTS if output.output_type == "stream"]


def test_all_cells_run_on_other_results_and_twice_to_the_same_bytes(clone):
    changes = {"CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": "1", "TZ": "UTC"}
    first = tour.executed(clone.folder, changes)
    again = tour.executed(clone.folder, changes | {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"})
    assert nbformat.writes(first) == nbformat.writes(again)
    assert [cell.id for cell in first.cells if cell.get("outputs")] == [
        cell.id for cell in NOTEBOOK.cells if cell.get("outputs")
    ]
    assert clone.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("open('data/raw')", r"FileNotFoundError: .*data/raw'; `unroll repro` makes"),
        ("from harness.core.errors import UserError; raise UserError('run it')", "run it$"),
    ],
)
def test_a_cell_that_lacks_results_is_one_line_and_changes_no_file(folder, monkeypatch, line, said):
    monkeypatch.setattr(tour, "ROOT", folder)
    (folder / "docs").mkdir()
    (folder / "harness").symlink_to(ROOT / "harness")
    cells = [nbformat.v4.new_code_cell(line, id="only")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / tour.NOTEBOOK)
    before = (folder / tour.NOTEBOOK).read_bytes()
    with pytest.raises(SystemExit, match=rf"^error: docs/tour\.ipynb: {said}"):
        tour.main()
    assert [path.name for path in (folder / "docs").iterdir()] == ["tour.ipynb"]
    assert (folder / tour.NOTEBOOK).read_bytes() == before


def test_it_is_a_valid_notebook_that_any_editor_opens():
    nbformat.validate(NOTEBOOK)
    assert (NOTEBOOK.nbformat, NOTEBOOK.nbformat_minor) == (4, 5)
    assert NOTEBOOK.metadata == tour.METADATA
    assert all(re.fullmatch(r"[a-z-]+", cell.id) for cell in NOTEBOOK.cells)
    assert (ROOT / tour.NOTEBOOK).stat().st_size < 600_000


def test_it_is_committed_as_one_run_from_its_first_cell_to_its_last():
    counts = [cell.execution_count for cell in CODE.values()]
    assert counts == list(range(1, len(CODE) + 1))
    kinds = {output.output_type for output in OUTPUTS}
    assert kinds == {"stream", "display_data", "execute_result"}
    assert [o.text for o in OUTPUTS if o.output_type == "stream" and o.name == "stderr"] == []


def test_no_output_names_a_place_on_a_machine():
    assert len(texts()) > 10
    absolute = re.compile(r"(?<![\w.<])/[a-z]+/[\w.]|\b[A-Z]:\\", re.IGNORECASE)
    assert [found for text in texts() if (found := absolute.search(text))] == []


def test_the_page_is_what_the_notebook_renders_to():
    page, pictures = tour.rendered(NOTEBOOK)
    assert (ROOT / tour.PAGE).read_text("utf-8") == page, "run `make tour`"
    kept = {path.name: path.read_bytes() for path in (ROOT / tour.PICTURES).iterdir()}
    assert kept == pictures, "run `make tour`"


def test_what_it_links_to_exists():
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / tour.PAGE).read_text("utf-8"))
    assert len(links) > 10
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def rows_of(cell: str) -> dict[str, dict[str, str]]:
    """The table of a cell: by its first column, the others by their names."""
    [output] = CODE[cell].outputs
    rows = [
        re.findall(r"<t[hd]>(.*?)</t[hd]>", row)
        for row in re.findall(r"<tr.*?</tr>", output.data["text/html"], re.DOTALL)
    ]
    head = rows[0][1:]
    return {name: dict(zip(head, values, strict=True)) for name, *values in rows[1:]}


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize(
    ("cell", "corpus", "columns"),
    [
        ("texts", "imdb", ("auc", "balanced_accuracy")),
        ("digits", "mnist", ("loss", "mse")),
    ],
)
def test_the_tables_have_every_committed_figure(cell, corpus, columns):
    models = [name for name, of in trained.corpora().items() if of == corpus]
    measured = read_json(paths.baseline_metrics(corpus))
    measured |= {name: read_json(paths.metrics(name)) for name in models}
    expected = {
        name: {column: pytest.approx(figures[column], abs=1e-6) for column in columns}
        for name, figures in measured.items()
        if all(column in figures for column in columns)
    }
    shown = {
        name: {column: float(row[column]) for column in columns}
        for name, row in rows_of(cell).items()
    }
    assert shown == expected, RENEW


@pytest.mark.usefixtures("committed")
def test_the_differences_are_those_of_the_committed_figures():
    found = {
        name: read_json(paths.metrics(name))
        for name, corpus in trained.corpora().items()
        if corpus == "imdb"
    }
    rows = [list(row.values()) for row in rows_of("pairs").values()]
    shown = {(model, other): [float(number) for number in rest] for model, other, *rest in rows}
    pairs = itertools.pairwise(found)
    expected = {
        (after, before): pytest.approx(found[after]["auc"] - found[before]["auc"], abs=2e-4)
        for before, after in pairs
    }
    for name, metrics in found.items():
        for other, beside in metrics["beside"].items():
            ends = [beside["auc_interval"][end] for end in ("low", "high")]
            assert shown[name, other][1:] == ends, RENEW
            expected[name, other] = beside["auc"]
    assert {pair: first for pair, (first, *_) in shown.items()} == expected, RENEW


@pytest.mark.usefixtures("committed")
def test_the_figures_in_between_are_the_committed_ones():
    found = read_json(paths.metrics("lstm"))
    said = "".join(output.get("text", "") for output in OUTPUTS)
    assert f"balanced accuracy: {found['balanced_accuracy']}\n" in said, RENEW
    assert f"stored with the model: {found['threshold']:.4f}\n" in said, RENEW


@pytest.mark.usefixtures("committed")
def test_what_the_text_says_of_the_models_holds():
    baselines = read_json(paths.baseline_metrics("imdb"))
    lstm = read_json(paths.metrics("lstm"))["auc"]
    assert baselines["words-128"]["auc"] == pytest.approx(lstm, abs=0.005)
    texts = [name for name, corpus in trained.corpora().items() if corpus == "imdb"]
    beside = {name: read_json(paths.metrics(name))["beside"] for name in texts}
    better = [
        name
        for name, [of] in ((name, list(of.values())) for name, of in beside.items())
        if of["auc_interval"]["low"] > 0
    ]
    assert better == ["ngru"]
    losses = {name: read_json(paths.metrics(name))["beside"] for name in ("ae_bilstm", "ae_100")}
    assert losses["ae_bilstm"]["pca-100"]["loss_interval"]["low"] > 0
    assert losses["ae_100"]["pca-100"]["loss_interval"]["high"] < 0
