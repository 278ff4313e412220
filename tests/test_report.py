"""The report, in Markdown and without a browser; test_page.py looks at the one in HTML."""

import os
import re
import shutil
from pathlib import Path

import pages
import pytest

from harness import git
from harness.core.errors import UserError
from harness.core.files import read_json
from harness.reporting import markdown, report
from harness.reporting.comparison import VERDICTS


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """The Markdown of three reports, by kind."""
    folder = pages.results(tmp_path_factory.mktemp("results"))
    found = {"same": pages.report_of(folder, "same")}
    found["changed"] = pages.report_of(pages.changed(folder), "changed")
    found["foreign"] = pages.report_of(pages.foreign(tmp_path_factory.mktemp("foreign")))
    return {kind: path.with_suffix(".md") for kind, path in found.items()}


def test_a_report_says_what_changed_and_its_pictures_exist(made):
    text = made["changed"].read_text()
    verdicts = [verdict for _, verdict in pages.CHANGES.values()]
    counts = ", ".join(f"{verdict} (1)" for verdict in VERDICTS if verdict in verdicts)
    assert f"\n\nChanges: {counts}, parameters (1), charts (1), pictures (1).\n" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for (model, name), (change, verdict) in pages.CHANGES.items():
        metric = name.partition("_interval")[0]
        after = read_json(made["changed"].parents[2] / f"metrics/{model}.json")[metric]
        before = after if metric != name else after - change
        [row] = [row for row in rows if row.startswith(f"| `{model}` | {metric} |")]
        assert f"| {before:.4f}" in row
        assert f"| {after:.4f}" in row
        assert row.endswith(f" | {after - before:+.4f} | {verdict} |")
    assert "tickets_gru" not in text  # of which one of 900 cells changed, that a chart shows
    assert re.search(r"\| params.yaml \| `models.rnn.units` \| \d+ \| 7 \|", text)
    named = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    folder = made["changed"].parent
    found = sorted(folder.rglob("*.png"))
    assert sorted(named) == [path.relative_to(folder).as_posix() for path in found]
    assert "images/before/plots/figures/ae_lstm/examples.png" in named
    assert len(named) == 3
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found)


def test_a_report_without_any_difference_says_so(made):
    line = "Nothing differs from main: the metrics, parameters, curves and pictures are the same."
    assert made["same"].read_text() == f"# Results against main\n\n{line}\n"
    assert line in made["same"].with_suffix(".html").read_text()


def test_a_project_that_is_not_ours_has_a_report(made):
    text = made["foreign"].read_text()
    assert "Changes: other metrics (2), parameters (1), charts (1), pictures (1)." in text
    assert "| `scores` | hits | 3 | 4 | +1 |  |" in text
    assert "| `old/scores` | of.first | 0.3750 | 0.5000 | +0.1250 |  |" in text
    assert "| params.yaml | `n` | 3 | 4 |" in text


@pytest.mark.parametrize(
    ("lack", "message"),
    [
        ("no such revision", r"^DVC cannot compare with nowhere: unknown Git revision"),
        ("no commit", r"^the repository has no commit yet"),
        ("no git", r"^`git rev-parse` failed: not a git repository"),
        ("no DVC", r"^DVC cannot compare with main: you are not inside of a DVC repository"),
        ("damaged metrics", r"^scores\.json: DVC cannot read it in workspace"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_leaves_nothing(folder, lack, message):
    pages.foreign(folder)
    if lack.startswith("no commit"):
        pages.git(folder, "update-ref", "-d", "HEAD")
    elif lack == "no git":
        shutil.rmtree(".git")
    elif lack == "no DVC":
        shutil.rmtree(".dvc")
    elif lack == "damaged metrics":
        Path("scores.json").write_text("{")
    with pytest.raises(UserError, match=message) as caught:
        report.main("nowhere" if lack == "no such revision" else "main")
    assert "\n" not in str(caught.value)
    assert not Path("report").exists()


def test_a_repository_of_another_owner_is_one_line(folder, monkeypatch):
    pages.foreign(folder)
    changes = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    monkeypatch.setattr(git, "git_free_environment", lambda: os.environ | changes)
    with pytest.raises(UserError, match=r"dubious ownership.*safe\.directory"):
        report.main("main")


def test_a_cell_with_a_bar_stays_one_cell():
    table = markdown.table(("name", "size"), [("a|b", "1")], numbers=(1,))
    assert table == "| name | size |\n|---|---:|\n| a\\|b | 1 |"
