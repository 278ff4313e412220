"""The crash test on a pipeline of quick stages."""

import re

import pytest
from pipelines import Pipeline

pytestmark = pytest.mark.slow  # each test runs DVC many times

STAGES = """\
stages:
  draw:
    matrix: {side: [1, 2]}
    cmd: python draw.py ${item.side} > ${item.side}.txt
    deps: [draw.py]
    outs: ["${item.side}.txt"]
  join:
    cmd: cat 1.txt 2.txt > data/joined
    deps: [1.txt, 2.txt]
    outs: [data/joined]
"""
DRAW = """\
import pathlib, sys
for i in range(100):
    pathlib.Path(f"scratch-{sys.argv[1]}").write_text(f"{i}\\n")
    print(i)
"""


def test_a_pipeline_that_is_killed_again_and_again_ends_with_the_same_bytes(tmp_path):
    one = Pipeline(tmp_path / "project", STAGES, **{"draw.py": DRAW, "data/.keep": ""})
    (one.folder / ".gitignore").write_text("/data/joined\n/scratch/\n/*.txt\n/scratch-*\n")
    one.commit()
    said = one.run("harness", "crash-test", "--kills", "3", "--seed", "3")
    found = re.fullmatch(r"(\d+) kills in (\d+) rounds, 0 problems", said.splitlines()[-1])
    assert found
    assert int(found[1]) >= 3
    assert int(found[2]) >= 1


def test_an_output_that_differs_from_the_undisturbed_run_is_found(tmp_path):
    stages = "stages: {chance: {cmd: echo $$ > data, outs: [data]}}\n"
    one = Pipeline(tmp_path / "project", stages)
    (one.folder / ".gitignore").write_text("/data\n/scratch/\n")
    one.commit()
    said = one.run("harness", "crash-test", "--kills", "0", code=1)
    assert "data: DIFFERENT" in said
    assert "1 problems" in said


def test_a_project_without_a_commit_is_one_line(tmp_path):
    said = Pipeline(tmp_path / "project", "stages: {}\n").run("harness", "crash-test", code=1)
    assert "error: " in said
    assert "Traceback" not in said
