"""What we read of a `dvc.yaml` is what DVC reads: every legal file, and one line for any other."""

import os
from pathlib import Path

import pytest
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from harness.core.errors import UserError
from harness.stages import dvc_file
from harness.stages.run import declared

PARAMS = {
    "seed": 7,
    "rate": 1e-3,
    "exact": True,
    "names": ["a", "b"],
    "models": {"rnn": {"units": 8}, "lstm": {"units": 16}},
}
OTHER = {"regions": [1, 3], "areas": {"north": {"id": 1, "tags": ["x", "y"]}}}
# Templates that every stage may use, and texts with none.
TEXTS = ["${seed}", "v${rate}", "${exact}", "${models.rnn.units}", "${names[1]}", "plain", "a b"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository of DVC without any stage; the process is in it."""
    folder = tmp_path_factory.mktemp("project")
    Repo.init(str(folder), no_scm=True).close()
    for name in ("sub", "sub/deep"):
        (folder / name).mkdir()
        write(folder / name / "params.yaml", PARAMS)
    write(folder / "params.yaml", PARAMS)
    write(folder / "other.yaml", OTHER)
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def write(path: Path, body: object) -> None:
    with path.open("w") as file:
        YAML(typ="safe").dump(body, file)


Read = tuple[set[str], dict[str, set[str]], set[str]]  # dependencies, parameters, outputs


def read_by_dvc(folder: Path) -> dict[str, Read]:
    def named(item) -> str:
        return Path(os.path.relpath(item.fs_path, folder)).as_posix()

    found = {}
    with Repo(str(folder)) as repo:
        for stage in repo.index.stages:
            params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
            files = [dep for dep in stage.deps if dep not in params and dep.protocol == "local"]
            found[stage.addressing] = (
                {named(dep) for dep in files},
                {named(dep): set(dep.params) for dep in params},
                {named(out) for out in stage.outs if out.protocol == "local"},
            )
    return found


def read_by_us() -> dict[str, Read]:
    return {
        name: (
            set(stage.deps),
            {file: set(entries) for file, entries in stage.params.items()},
            set(stage.outs),
        )
        for name, stage in dvc_file.stages().items()
    }


scalars = st.sampled_from([1, 2.5, True, False, "a", "b c", "x.y"])
items = st.one_of(
    scalars,
    st.dictionaries(st.sampled_from(["id", "kind"]), scalars, min_size=1),
    st.lists(scalars, min_size=1, max_size=2),
)
axes = st.one_of(
    st.lists(items, min_size=1, max_size=3), st.sampled_from(["${names}", "${regions}"])
)
loops = st.one_of(
    st.lists(items, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(["a", "b", "1"]), items, min_size=1),
    st.sampled_from(
        ["${names}", "${models}", "${regions}", "${areas}", "${own}", "${areas.north}"]
    ),
)


@st.composite
def definitions(draw, texts):
    """The part of a stage that says what it reads and writes."""
    text = st.sampled_from(texts)
    paths = st.builds("{}/{}".format, st.sampled_from(["data", "./in//x", "../data"]), text)
    here = {} if draw(st.booleans()) else {"wdir": draw(st.sampled_from(["sub", "sub/./deep"]))}
    flags = st.sampled_from([{"cache": False}, {}])
    outs = st.lists(
        st.one_of(paths, st.dictionaries(paths, flags, min_size=1, max_size=2)), max_size=3
    )
    entries = st.lists(
        st.one_of(
            st.sampled_from(["seed", "models.rnn", "models.${names[0]}"]),
            st.just({"../other.yaml" if here else "other.yaml": None}),
            st.just({"params.yaml": ["rate", "names"]}),
        ),
        max_size=3,
    )
    deps = st.lists(st.one_of(paths, st.just("s3://bucket/file")), max_size=3)
    body = {"cmd": "echo ${seed}", "deps": draw(deps), "params": draw(entries), **here}
    if not here:
        body["vars"] = [{"mine": 3}]
        body["plots"] = ["plots/${mine}.csv"]
    return body | {"outs": draw(outs), "metrics": draw(outs)}


@st.composite
def pipelines(draw):
    """Legal files with stages of every kind."""
    stages = {}
    for i in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["plain", "matrix", "foreach"]))
        if kind == "plain":
            stages[f"s{i}"] = draw(definitions(TEXTS))
        elif kind == "foreach":
            # A list has no keys, and an item need not be a text.
            stages[f"s{i}"] = {"foreach": draw(loops), "do": draw(definitions(TEXTS))}
        else:
            axis = st.dictionaries(st.sampled_from(["u", "v", "w"]), axes, min_size=1)
            body = {"matrix": draw(axis), **draw(definitions([*TEXTS, "k${key}"]))}
            stages[f"s{i}"] = body
    files = draw(st.sampled_from([["other.yaml"], ["other.yaml:regions,areas"]]))
    return {"vars": [*files, {"own": {"k": {"id": 1}}}], "stages": stages}


@settings(max_examples=40, deadline=None)
@given(pipeline=pipelines())
def test_of_every_legal_file_we_read_what_dvc_reads(project, pipeline):
    write(project / "dvc.yaml", pipeline)
    assert read_by_us() == read_by_dvc(project)


TEMPLATES = """\
vars:
- regions.yaml
- parts: {x: {kind: one}, y: {kind: two}}
stages:
  axes:
    matrix: {side: [1, 2.5], color: "${colors}", set: [{id: 3}]}
    cmd: run
    deps: ["in-${item.set.id}"]
    outs: ["${item.color}-${item.side}-${seed}"]
  loop:
    foreach: [a, b]
    do: {cmd: run, outs: ["${item}"]}
  mapping:
    foreach: ${parts}
    do: {cmd: run, outs: ["${key}-${item.kind}"]}
  other:
    foreach: ${regions}
    do: {cmd: run, wdir: sub, params: [{my.yaml: }], outs: ["r${item}"]}
"""


def test_all_that_templates_can_say_is_read(folder):
    (folder / "dvc.yaml").write_text(TEMPLATES)
    (folder / "params.yaml").write_text("seed: 7\ncolors: [red, blue]\n")
    (folder / "regions.yaml").write_text("regions: [1, 3]\n")
    found = dvc_file.stages()
    assert list(found) == [
        *("axes@1-red-set0", "axes@1-blue-set0", "axes@2.5-red-set0", "axes@2.5-blue-set0"),
        *("loop@a", "loop@b", "mapping@x", "mapping@y", "other@1", "other@3"),
    ]
    assert found["axes@2.5-blue-set0"].outs == ("blue-2.5-7",)
    assert found["axes@2.5-blue-set0"].deps == ("in-3",)
    assert found["mapping@y"].outs == ("y-two",)
    assert found["other@3"].outs == ("sub/r3",)
    assert found["other@3"].params == {"sub/my.yaml": ()}


def test_a_change_of_any_file_that_the_stages_depend_on_is_noticed(folder):
    (folder / "dvc.yaml").write_text(TEMPLATES)
    (folder / "params.yaml").write_text("seed: 7\ncolors: [red, blue]\n")
    (folder / "regions.yaml").write_text("regions: [1, 3]\n")
    assert "other@3" in dvc_file.stages()
    (folder / "regions.yaml").write_text("regions: [1, 4]\n")
    assert "other@4" in dvc_file.stages()
    (folder / "params.yaml").write_text("seed: 7\ncolors: [red, pink]\n")
    assert "axes@1-pink-set0" in dvc_file.stages()


def test_a_stage_that_reads_all_of_a_file_may_use_each_entry(folder):
    (folder / "params.yaml").write_text("seed: 7\nmodels: {rnn: {units: 8}}\n")
    (folder / "dvc.yaml").write_text("stages: {all: {cmd: run, params: [{params.yaml: }]}}\n")
    assert declared("all").seed == 7
    assert declared("all").models["rnn"]["units"] == 8


BROKEN = {
    "no YAML": ("stages: [", "dvc.yaml"),
    "a list": ("- stages", "dvc.yaml"),
    "stages in a list": ("stages: [a]", "dvc.yaml"),
    "a text": ("stages: {train: python train.py}", "stage train"),
    "no template": ("stages: {train: {cmd: a, deps: ['${nothing}']}}", "'stages.train.deps'"),
    "half a template": ("stages: {train: {cmd: a, deps: ['${a[}']}}", "'stages.train.deps'"),
    "no list": ("stages: {train: {foreach: '${seed}', do: {cmd: a}}}", "'stages.train.foreach'"),
    "an empty axis": ("stages: {train: {matrix: {a: 1}, cmd: a}}", "stage train"),
    "no body": ("stages: {train: {foreach: [a]}}", "stage train"),
    "numbers": ("stages: {train: {cmd: a, deps: [1]}}", "stage train"),
    "a loop": ("vars: [a.yaml]\nstages: {}", "'vars'"),
}


@pytest.mark.parametrize(("text", "place"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_be_read_is_one_line_with_the_stage_and_the_reason(folder, text, place):
    (folder / "dvc.yaml").write_text(text)
    (folder / "params.yaml").write_text("seed: 7\n")
    with pytest.raises(UserError) as error:
        dvc_file.stages()
    assert place in str(error.value)
    assert "dvc.yaml" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_stage_of_a_subfolder_is_refused_by_name(folder):
    with pytest.raises(UserError, match=r"sub/dvc.yaml:train: a stage of another dvc.yaml"):
        dvc_file.stage("sub/dvc.yaml:train")
