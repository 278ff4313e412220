import re
import shlex
import subprocess
import sys

import pages
import pytest
from conftest import ROOT, output_of

from harness.core.errors import UserError
from unroll.reporting import readme

TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_table_follows_the_metrics(folder):
    pages.results(folder)
    for model, metrics in readme.CHAPTER.items():
        path = folder / f"metrics/{model}.json"
        body = ", ".join(f'"{name}": 0.12345' for name in metrics)
        path.write_text("{" + body + "}")
    assert readme.table().count("**0.1235**") + readme.table().count("**0.1234**") == 6
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
