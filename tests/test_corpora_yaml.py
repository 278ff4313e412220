"""Mistakes in `corpora.yaml`."""

import pytest
from conftest import ROOT, output_of
from ruamel.yaml import YAML

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from unroll.schema import corpora

DIGITS = "String should match pattern '^[0-9a-f]{64}$'"
NPM = "sources.imdb.from.npm"
URL = "sources.mnist.from.official.url"
PLACE = {"url": "https://host/a.zip?b=c", "sha256": "0" * 64, "bytes": 1}
WHEEL = {"package": "aeon==1.6.0", "sha256": "0" * 64, "bytes": 1}


@pytest.fixture
def project(folder):
    """A folder with the pipeline and the file; returns a function that changes an entry."""
    for name in ("dvc.yaml", "corpora.yaml", "params.yaml", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())

    def change(place: str, value: object) -> None:
        body = read_yaml(folder / "corpora.yaml")
        *parents, key = place.split(".")
        section = body
        for parent in parents:
            section = section[parent]
        section[key] = value
        YAML().dump(body, folder / "corpora.yaml")

    return change


def test_the_committed_file_is_valid(project):
    corpora.check()


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("sources.imdb", {}, "sources.imdb.from: Field required"),
        ("sources.imdb.content", 5, "sources.imdb.content: Input should be a valid string (is 5)"),
        ("sources.imdb.from", {}, "sources.imdb.from: Dictionary should have at least 1 item"),
        ("sources.imdb.from", {"nmp": {}}, "sources.imdb.from.nmp.bytes: Field required"),
        (NPM, {**PLACE, "packge": 1}, f"{NPM}.packge: unknown key; did you mean package?"),
        (NPM, {**PLACE, **WHEEL}, f"{NPM}: should have either url or package"),
        ("sources", {"x": {"from": {"a": PLACE}, "content": "0" * 64}}, "sources: x has content, "),
        ("sources", {"x": {"from": {"a": WHEEL}}}, "sources.x: comes from a package, so "),
        ("sources.imdb.members", "*.csv", "sources.imdb: has content, which an adapter reads, so "),
        ("sources", {"../x": {"from": {"a": PLACE}}}, "sources.../x: String should match pattern"),
        ("corpora.imdb.kind", "txt", "corpora.imdb: Input tag 'txt' found using 'kind' does not "),
        ("corpora.imdb.validation", 2, "corpora.imdb.validation: Input should be less than 1"),
        ("corpora.imdb.textt", [], "corpora.imdb.textt: unknown key"),
        ("corpora.imdb.path", "data/raw/x", "corpora: imdb.path is data/raw/x, but there is no "),
        (NPM, [1], f"{NPM}: Input should be a valid dictionary or instance of Place (is a list)"),
        (f"{NPM}.sha256", "A" * 64, f"{NPM}.sha256: {DIGITS} (is 'AAAA"),
        (f"{NPM}.bytes", -1, f"{NPM}.bytes: Input should be greater than or equal to 1 (is -1)"),
        (f"{NPM}.package", "--x@1", f"{NPM}.package: String should match pattern"),
        (f"{NPM}.package", "x", f"{NPM}.package: String should match pattern"),
        (f"{NPM}.package", "a==b", f"{NPM}.package: String should match pattern"),
        (URL, "file:///etc/passwd", f"{URL}: String should match pattern"),
        (URL, "http://host/..", f"{URL}: String should match pattern"),
        (URL, "http://host/..?a=b", f"{URL}: String should match pattern"),
    ],
)
def test_a_mistake_is_one_line(project, place, value, line):
    project(place, value)
    with pytest.raises(UserError) as error:
        corpora.check()
    assert any(one.startswith(f"corpora.yaml: {line}") for one in str(error.value).splitlines())


def test_a_file_of_the_web_and_a_wheel_are_sources(project):
    project(
        "sources", {"x": {"from": {"a": PLACE}}, "y": {"from": {"pypi": WHEEL}, "members": "*"}}
    )
    project("corpora", {"x": {"kind": "series", "path": "data/raw/x", "values": ["a"]}})
    corpora.check()


@pytest.mark.parametrize(
    "command", [["harness.stages", "fetch@imdb"], ["harness", "repro"]], ids=" ".join
)
def test_a_command_ends_with_the_line_before_it_does_anything(project, folder, command):
    project("sources.imdb.content", 5)
    before = sorted(folder.iterdir())
    start = ["python", "-m", *command]
    output = output_of(start, folder, {"PYTHONPATH": str(ROOT)}, 1)
    assert output == (
        "error: corpora.yaml: sources.imdb.content: Input should be a valid string (is 5)\n"
    )
    assert sorted(folder.iterdir()) == before
