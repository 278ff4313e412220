"""What `dvc.yaml` declares is what the code uses."""

import pytest
from conftest import ROOT
from imports import reached

from unroll import versions
from unroll.base.yaml import read_yaml

PIPELINE = read_yaml(ROOT / "dvc.yaml")["stages"]
# What a package computes with, though no module of ours imports it.
BELOW = {
    "keras": {"h5py"},
    "jax": {"jaxlib"},
    "matplotlib": {"pillow"},  # writes its PNG files
    "scikit-learn": {"scipy"},
}
DISTRIBUTION = {"sklearn": "scikit-learn"}
# They read parameters, show progress, or set limits; no result passes through them.
HARMLESS = {"ruamel", "tqdm", "threadpoolctl"}


def body_of(stage: str) -> dict:
    return PIPELINE[stage].get("do", PIPELINE[stage])


def used_by(stage: str) -> tuple[set[str], set[str]]:
    files, packages = reached(f"stages/{stage.replace('-', '_')}.py")
    if "train" in body_of(stage).get("params", []):
        more_files, more_packages = reached("unroll/backend.py")
        files, packages = files | more_files, packages | more_packages
    names = {DISTRIBUTION.get(package, package) for package in packages - HARMLESS}
    return files, names.union(*(BELOW.get(name, set()) for name in names))


def test_the_stages_are_the_seven():
    assert list(PIPELINE) == [
        *("fetch", "preprocess", "train-rnn", "train-lstm", "train-ae", "evaluate", "plot")
    ]


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_depends_on_just_the_modules_that_it_reaches(stage):
    declared = {
        module.relative_to(ROOT).as_posix()
        for dep in body_of(stage)["deps"]
        if dep.startswith(("stages/", "unroll/"))
        # A folder stands for all modules in it.
        for module in ([ROOT / dep] if dep.endswith(".py") else (ROOT / dep).glob("[!_]*.py"))
    }
    assert declared == used_by(stage)[0]


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_depends_on_just_the_packages_that_it_reaches(stage):
    [declared] = [
        entry["versions.yaml"]
        for entry in body_of(stage)["params"]
        if isinstance(entry, dict) and "versions.yaml" in entry
    ]
    assert set(declared) == used_by(stage)[1]


def test_the_tracked_versions_are_the_locked_ones(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert (ROOT / "versions.yaml").read_text() == versions.locked()
