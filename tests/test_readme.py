import re
import shlex
import subprocess
import sys

import made_up
import pytest
from conftest import ROOT, output_of

from harness.core.errors import UserError
from harness.core.files import read_json
from unroll.reporting import readme

TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_table_follows_the_metrics(folder):
    made_up.results(folder)
    rows = readme.table().splitlines()[2:]
    chapter = [(model, name) for model, metrics in readme.CHAPTER.items() for name in metrics]
    for row, (model, name) in zip(rows, chapter, strict=False):
        value = read_json(folder / f"metrics/{model}.json")[name]
        assert row.startswith(f"| `{model}` |")
        assert f"| **{value:.4f}**" in row
        assert row.endswith(f"| {readme.CHAPTER[model][name]} |")
    accuracy = read_json(folder / "metrics/tickets_gru.json")["accuracy"]
    [more] = rows[len(chapter) :]  # the models of others
    assert more.startswith(f"| `tickets_gru` on `tickets` | accuracy | **{accuracy:.4f}** (")
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
    for path in re.findall(r"\]\(([^)h#][^)]*)\)", TEXT):
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
