"""Branches and experiments of the small project, compared with DVC's own commands."""

import copy
import json
from pathlib import Path

import pytest

TARGETS = ("evaluate@lstm", "plot@lstm")


def beside(clone, folder: Path):
    """A git clone of the small project, with its cache and without its downloads."""
    other = copy.copy(clone)
    other.folder = folder
    clone.run("git", "clone", "-q", str(clone.folder), str(folder))
    cache = clone.folder / ".dvc/cache"
    (folder / ".dvc/config.local").write_text(f"[cache]\n    dir = {cache}\n")
    return other


def ran(output: str) -> list[str]:
    lines = output.splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage")]


@pytest.fixture(scope="module")
def branch(clone, tmp_path_factory):
    """A new git clone, without any cache, of a branch with one parameter changed."""
    folder = tmp_path_factory.mktemp("branch")
    other = beside(clone, folder / "other")
    other.run("git", "checkout", "-q", "-b", "ten")
    other.set("models.lstm.units", 10)
    # All else is in the cache; the reviews are not fetched again, and the images not at all.
    assert set(other.repro(*TARGETS)) <= {"train-lstm", *TARGETS}
    assert not (other.folder / "scratch/downloads").exists()
    other.commit("ten units")
    fresh = copy.copy(other)
    fresh.folder = folder / "fresh"
    other.run("git", "clone", "-q", str(other.folder), str(fresh.folder))
    return fresh


def test_branches_are_compared_with_no_file_of_the_cache(branch):
    metrics = json.loads(branch.run("dvc", "metrics", "diff", "origin/main", "--json"))
    assert set(metrics) == {"metrics/lstm.json"}
    assert metrics["metrics/lstm.json"]["loss"]["diff"] != 0
    params = json.loads(branch.run("dvc", "params", "diff", "origin/main", "--json"))
    assert params == {"params.yaml": {"models.lstm.units": {"old": 8, "new": 10, "diff": 2}}}
    folder = branch.folder / "dvc_plots"
    branch.run("dvc", "plots", "diff", "origin/main")
    page = (folder / "index.html").read_text("utf-8")
    assert '"rev": "origin/main"' in page
    assert '"rev": "workspace"' in page
    assert "lstm: loss per epoch" in page
    assert len(list((folder / "static").glob("*plots_figures_lstm_roc.png"))) == 2
    assert not (branch.folder / "models/lstm").exists()


@pytest.fixture(scope="module")
def tried(branch, clone, tmp_path_factory):
    """Two experiments beside each other: the project, and what ran for either."""
    other = beside(clone, tmp_path_factory.mktemp("experiments") / "other")
    run = ("dvc", "exp", "run")
    change = "evaluate.imdb.resamples=60"
    sixty = ran(other.run(*run, "--temp", "-n", "sixty", "-S", change, TARGETS[0]))
    ten = ran(other.run(*run, "-n", "ten", "-S", "models.lstm.units=10", *TARGETS))
    return other, ten, sixty


def test_an_experiment_runs_only_what_nobody_ran_before(tried):
    other, ten, sixty = tried
    assert ten == []  # the branch had the same parameters, and the cache is the same
    assert sixty == ["evaluate@lstm"]
    assert not (other.folder / "scratch/downloads").exists()


def test_experiments_are_in_one_table_and_become_branches(tried):
    other, *_ = tried
    shown = json.loads(other.run("dvc", "exp", "show", "--json"))
    [head] = [revision for revision in shown if revision["rev"] != "workspace"]
    found = {e["name"]: e["revs"][0]["data"] for e in head["experiments"]}
    assert set(found) == {"ten", "sixty"}
    before = head["data"]["metrics"]["metrics/lstm.json"]["data"]
    ten, sixty = (found[name]["metrics"]["metrics/lstm.json"]["data"] for name in ("ten", "sixty"))
    assert ten["loss"] != before["loss"]
    assert sixty["loss"] == before["loss"]
    parameters = found["sixty"]["params"]["params.yaml"]["data"]
    assert parameters["evaluate"]["imdb"]["resamples"] == 60
    other.run("dvc", "exp", "branch", "ten", "ten-units")
    difference = other.run("git", "diff", "main", "ten-units", "--", "params.yaml")
    assert "+    units: 10" in difference
