"""Mistakes in `corpora.yaml`."""

import pytest
from conftest import ROOT, output_of
from ruamel.yaml import YAML

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from harness.stages import overlay
from unroll.schema import corpora

DIGITS = "String should match pattern '^[0-9a-f]{64}$'"
NPM = "imdb.sources.npm"
URL = "mnist.sources.official.url"


@pytest.fixture
def project(folder):
    """A folder with the pipeline and the file; returns a function that changes an entry."""
    for name in ("dvc.yaml", "corpora.yaml", "params.yaml", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())

    def change(place: str, value: object) -> None:
        body = read_yaml(folder / "corpora.yaml")
        assert overlay.assign(body, {place: value}) == []
        YAML().dump(body, folder / "corpora.yaml")

    return change


def test_the_committed_file_is_valid(project):
    corpora.check()


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("imdb", {}, "imdb.content: Field required"),
        ("imdb.content", 5, "imdb.content: Input should be a valid string (is 5)"),
        ("imdb.sources", {}, "imdb.sources: should name a source: official, npm or both"),
        ("imdb.sources", {"nmp": {}}, "imdb.sources.nmp: unknown key; did you mean npm?"),
        (NPM, [1], f"{NPM}: Input should be a valid dictionary or instance of Npm (is a list)"),
        (f"{NPM}.sha256", "A" * 64, f"{NPM}.sha256: {DIGITS} (is 'AAAA"),
        (f"{NPM}.bytes", -1, f"{NPM}.bytes: Input should be greater than or equal to 1 (is -1)"),
        (f"{NPM}.package", "--x@1", f"{NPM}.package: String should match pattern"),
        (f"{NPM}.package", "x", f"{NPM}.package: String should match pattern"),
        (URL, "file:///etc/passwd", f"{URL}: String should match pattern"),
        (URL, "http://host/..", f"{URL}: String should match pattern"),
    ],
)
def test_a_mistake_is_one_line(project, place, value, line):
    project(place, value)
    with pytest.raises(UserError) as error:
        corpora.check()
    assert str(error.value).startswith(f"corpora.yaml: {line}")


@pytest.mark.parametrize(
    "command", [["harness.stages", "fetch@imdb"], ["harness", "repro"]], ids=" ".join
)
def test_a_command_ends_with_the_line_before_it_does_anything(project, folder, command):
    project("imdb.content", 5)
    before = sorted(folder.iterdir())
    start = ["python", "-m", *command]
    output = output_of(start, folder, {"PYTHONPATH": str(ROOT)}, 1)
    assert output == ("error: corpora.yaml: imdb.content: Input should be a valid string (is 5)\n")
    assert sorted(folder.iterdir()) == before
