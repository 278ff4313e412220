"""What `dvc.yaml` and `pyproject.toml` declare is what the code uses."""

import re
import sys
import tomllib
from importlib import metadata

import pytest
from conftest import ROOT
from imports import imported, reached

from harness.core.yaml import read_yaml
from harness.stages import versions

PIPELINE = read_yaml(ROOT / "dvc.yaml")["stages"]
# What a package computes with, though no module of ours imports it.
BELOW = {
    "keras": {"h5py"},
    "jax": {"jaxlib"},
    "matplotlib": {"pillow"},  # writes its PNG files
    "scikit-learn": {"scipy"},
}
DISTRIBUTION = {"PIL": "pillow", "sklearn": "scikit-learn"}
# They read parameters, show progress, set limits, or download what has a digest; no result passes
# through them.
HARMLESS = {"ray", "requests", "ruamel", "threadpoolctl", "tqdm"}


def body_of(stage: str) -> dict:
    return PIPELINE[stage].get("do", PIPELINE[stage])


def used_by(stage: str) -> tuple[set[str], set[str]]:
    files, packages = reached(f"stages/{stage.replace('-', '_')}.py")
    if "train" in body_of(stage).get("params", []):
        more_files, more_packages = reached("unroll/models/backend.py")
        files, packages = files | more_files, packages | more_packages
    if stage == "fetch":  # finds the adapters by the names of their sources
        for adapter in ("imdb", "mnist"):
            more_files, more_packages = reached(f"unroll/corpora/{adapter}.py")
            files, packages = files | more_files, packages | more_packages
    names = {DISTRIBUTION.get(package, package) for package in packages - HARMLESS}
    return files, names.union(*(BELOW.get(name, set()) for name in names))


def test_the_stages_are_the_ten():
    assert list(PIPELINE) == [
        *("fetch", "preprocess", "baseline", "train-rnn", "train-lstm", "train-ae"),
        *("evaluate", "plot", "behavior", "bias"),
    ]


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_stage_depends_on_just_the_modules_that_it_reaches(stage):
    """A room, which is a folder, stands for all modules in it."""
    code = ("harness/", "stages/", "unroll/")
    declared = {dep for dep in body_of(stage)["deps"] if dep.startswith(code)}
    rooms = {
        file
        if file.startswith("stages/")
        else next((dep for dep in declared if file == dep or file.startswith(f"{dep}/")), file)
        for file in used_by(stage)[0]
    }
    assert declared == rooms


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


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (("harness", "stages", "unroll"), ["jax", "ray"]),
        (("bench", "tests"), ["jax", "dev", "ray"]),
    ],
    ids=["product", "development"],
)
def test_every_package_that_is_imported_is_declared(folders, extras):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    requirements = [*project["dependencies"], *(one for extra in extras for one in optional[extra])]
    declared = {re.split(r"[\[<>=;~ ]", one)[0].lower() for one in requirements}
    names = {
        name
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for name in imported(path)
    }
    providers = metadata.packages_distributions()
    packages = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    undeclared = [
        package
        for package in sorted(packages & set(providers) - {"harness", "stages", "unroll"})
        if not declared & {name.lower() for name in providers[package]}
    ]
    assert undeclared == []
