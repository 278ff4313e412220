import re
import shlex
import subprocess
import sys

import made_up
import pytest
from conftest import ROOT, output_of

from harness.core.errors import UserError
from harness.core.files import read_json
from unroll.reporting import readme, standings, trained

TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_tables_follow_the_metrics_and_say_where_a_baseline_wins(folder):
    made_up.results(folder)
    text = standings.tables()
    rows = {row.split("`")[1]: row for row in text.splitlines() if row.startswith(("| `", "| **"))}
    for model in trained.corpora():
        measured = read_json(folder / f"metrics/{model}.json")
        first, second = standings.SHOWN[trained.task_of(measured)]
        assert f"| {measured[first]:.4f} | {measured[second]:.4f} |" in rows[model]
    assert "| -0.0200 (-0.0300 to -0.0100); `words` wins | 0.93 / 0.8544 |" in rows["lstm"]
    assert "| +0.0200 (+0.0100 to +0.0300) |" in rows["tickets_gru"]
    assert "| -0.0200 (-0.0300 to -0.0100) | 0.1782 |" in rows["ae_lstm"]
    assert rows["pca-2"].startswith("| `pca-2` | 0.2000 | 0.0500 |")
    for table in text.split("\n\n"):  # the best first
        values = [float(row.split("|")[2].split()[0]) for row in table.splitlines()[2:]]
        assert values == sorted(values, reverse="AUC" in table or "accuracy" in table)
    with pytest.raises(UserError, match="README"):
        readme.filled("no marks")


def predictions() -> list[tuple[list[str], str]]:
    """The arguments of each call of `unroll predict` that the README shows, and its answer."""
    [block] = re.findall(r"```console\n(\$ unroll predict.*?)```", TEXT, re.DOTALL)
    found = []
    for call in block.replace("\\\n", " ").split("$ unroll predict ")[1:]:
        command, _, answer = call.partition("\n")
        found.append((shlex.split(command, comments=True), answer))
    return found


@pytest.mark.skipif(not (ROOT / "models/lstm").exists(), reason="the trained models are not here")
@pytest.mark.parametrize(("arguments", "answer"), predictions())
def test_the_predictions_are_those_of_the_models(arguments, answer):
    said = output_of([sys.executable, "-m", "unroll", "predict", *arguments], ROOT, {}, 0)
    assert said.strip("\n").splitlines() == answer.splitlines()


def test_the_make_targets_of_the_texts_exist():
    makefile = (ROOT / "Makefile").read_text()
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"`make ([a-z0-9]+)", (ROOT / name).read_text("utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_files_that_the_readme_links_to_exist():
    for path in re.findall(r"\]\(([^)h#][^)#]*)[^)]*\)", TEXT):
        assert (ROOT / path).exists(), path


def test_no_host_of_a_package_registry_is_named():
    words = ["npm" + "js.", "py" + "pi.org", "python" + "hosted", "yarn" + "pkg", "deb." + "debian"]
    found = subprocess.run(
        ["git", "grep", "-l", "-i", "-F", *(part for word in words for part in ("-e", word))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (1, ""), found.stderr  # 1: searched, none found
