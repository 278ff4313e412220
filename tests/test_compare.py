"""Experiments of the small project, with DVC's own commands, as the README promises them."""

import copy
import json


def test_an_experiment_runs_what_it_changes_and_becomes_a_branch(clone, tmp_path):
    other = copy.copy(clone)
    other.folder = tmp_path / "other"
    clone.run("git", "clone", "-q", str(clone.folder), str(other.folder))
    cache = clone.folder / ".dvc/cache"
    (other.folder / ".dvc/config.local").write_text(f"[cache]\n    dir = {cache}\n")
    change = ("-n", "sixty", "-S", "evaluate.resamples=60", "evaluate@lstm")
    output = other.run("dvc", "exp", "run", "--temp", *change)
    assert [line for line in output.splitlines() if line.startswith("Running stage")] == [
        "Running stage 'baseline@imdb':",
        "Running stage 'evaluate@lstm':",
    ]
    assert not (other.folder / "scratch/downloads").exists()  # all else came from the cache
    assert other.run("git", "status", "--porcelain") == ""
    shown = json.loads(other.run("dvc", "exp", "show", "--json"))
    [head] = [revision for revision in shown if revision["rev"] != "workspace"]
    [experiment] = head["experiments"]
    assert experiment["name"] == "sixty"
    before, after = (
        revision["data"]["metrics"]["metrics/lstm.json"]["data"]
        for revision in (head, experiment["revs"][0])
    )
    assert before["loss"] == after["loss"]
    other.run("dvc", "exp", "branch", "sixty", "more")
    assert "+  resamples: 60" in other.run("git", "diff", "main", "more", "--", "params.yaml")
