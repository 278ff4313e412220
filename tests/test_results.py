"""`check-results`: the committed results belong to the committed code."""

import re
import shutil
from contextlib import chdir
from pathlib import Path

import made_up
import pages
import pytest
from conftest import ROOT
from dvc.repo import Repo

from harness.checking import results
from harness.core.errors import UserError
from unroll.reporting import cards, check_results, judged, readme

PIPELINE = """\
stages:
  draw:
    cmd: ./draw.sh
    deps: [draw.sh]
    params: [n]
    outs: [drawn]
  count:
    cmd: cp drawn scores.yaml
    deps: [drawn]
    metrics:
    - scores.yaml: {cache: false}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Path:
    """A project of two stages after one run."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "params.yaml").write_text("n: 3\n")
    (folder / "draw.sh").write_text("#!/bin/sh\nsed 's/n/drawn/' params.yaml > drawn\n")
    (folder / "draw.sh").chmod(0o755)
    with chdir(folder), Repo.init(no_scm=True) as repo:
        repo.reproduce()
    pages.commit(folder)
    return folder


@pytest.fixture
def project(ran, tmp_path, monkeypatch) -> Path:
    """A clone of it: what git has, with neither data nor cache."""
    shutil.copytree(ran, tmp_path / "clone", ignore=shutil.ignore_patterns("cache", "drawn", "tmp"))
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"


def test_a_clone_without_the_data_has_nothing_to_fix(project, capsys):
    results.main()
    assert capsys.readouterr().out.endswith("belong to this code and these parameters\n")


@pytest.mark.parametrize(
    ("name", "pattern", "text", "line"),
    [
        ("draw.sh", "$", "# a comment", r"draw: draw\.sh is not as dvc\.lock records it"),
        ("params.yaml", "3", "4", r"draw: params\.yaml: n is not as dvc\.lock records it"),
        ("dvc.yaml", "cp drawn", "cp -f drawn", r"count: command is not as dvc\.lock"),
        ("dvc.yaml", "params: .n.", "params: [n, m]", r"draw: params\.yaml: m is not as"),
        ("scores.yaml", "3", "4", r"count: scores\.yaml is not as .* \(modified\)"),
        ("scores.yaml", "", "", r"count: scores\.yaml is not as .* \(deleted\)"),
        ("dvc.yaml", r"(?s)  count:.*", "", r"dvc\.lock: records count, which is no stage"),
        (
            "dvc.lock",
            r"(?s)(path: drawn\n.*?md5: )(\w+)",
            r"\g<1>" + "f" * 32,
            r"count: dvc\.lock records that it read another drawn than was written",
        ),
    ],
)
def test_what_a_change_makes_untrue_is_named(project, name, pattern, text, line):
    path = project / name
    if pattern:
        path.write_text(re.sub(pattern, text, path.read_text(), count=1))
    else:
        path.unlink()
    with pytest.raises(UserError, match=rf"^{line}[^\n]*\nrun `python -m harness repro`"):
        results.main()


@pytest.fixture
def texts(folder) -> Path:
    """Made-up results, with texts that were made of them."""
    made_up.results(folder)
    for name in ("README.md", "sweep.yaml", "docs/sweep.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    readme.main()
    cards.main()
    judged.main()
    return folder


def test_texts_that_do_not_follow_from_the_metrics_are_named(texts):
    card = cards.FOLDER / "rnn.md"
    (texts / "README.md").write_text(
        re.sub(r"\| 0\.\d+", "| 0.9999", Path("README.md").read_text())
    )
    card.write_text(card.read_text() + "\n")
    shutil.copyfile(card, cards.FOLDER / "gru.md")
    Path("docs/sweep.md").write_text("| `default` | 0.5000 (")
    lines = "\n".join(check_results.mismatches())
    assert "README.md: not what metrics/ and dvc.lock give; run `unroll readme`" in lines
    assert "rnn.md: not what metrics/ and dvc.lock give; run `unroll readme`" in lines
    assert "gru.md: a card of no model; delete it" in lines
    assert "docs/sweep.md: not of these results; run `unroll sweep`" in lines
    assert re.search(r"README\.md: quotes 0\.\d+, .*, which docs/sweep\.md has not", lines)


def test_texts_as_they_are_written_are_right(texts):
    auc = cards.read_json(Path("metrics/lstm.json"))["auc"]
    sweep = Path("docs/sweep.md")
    sweep.write_text(re.sub(r"(`default` \| )0\.\d+", rf"\g<1>{auc:.4f}", sweep.read_text()))
    quoted = [line for line in check_results.mismatches() if "quotes" not in line]
    assert quoted == []
