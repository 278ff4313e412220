import json
import re
from pathlib import Path

import made_up
import numpy as np
import pytest
from conftest import ROOT

from harness.core.errors import UserError
from harness.core.files import read_json, write_csv
from harness.core.yaml import read_yaml
from unroll.core import arrays, paths
from unroll.corpora.blocks import TAKEN
from unroll.metrics import classification, reconstruction
from unroll.plotting.titles import title
from unroll.predicting.wordings import ranges
from unroll.reporting import card_tables, card_texts, cards, trained
from unroll.schema import corpora
from unroll.schema.params import trained_models


def test_artifacts_are_trained_models_with_names_that_registries_take(monkeypatch):
    monkeypatch.chdir(ROOT)
    artifacts = read_yaml(Path("dvc.yaml"))["artifacts"]
    assert {entry["path"] for entry in artifacts.values()} <= {
        str(paths.model(name)) for name in trained_models()
    }
    for name, entry in artifacts.items():
        assert re.fullmatch(r"[a-z][a-z0-9-]*", name)
        assert entry["type"] == "model"
        assert entry["desc"]
        assert entry["labels"]


def test_how_often_a_wording_was_right_is_counted_on_the_test_reviews(folder):
    rng = np.random.default_rng(0)
    y_true = np.arange(20_000) % 2
    y_score = 1 / (1 + np.exp(-rng.normal(3 * y_true - 1.5, 2)))
    threshold = 0.45
    metrics = classification.measure(
        y_true,
        y_score,
        threshold,
        classes=["ham", "spam ham"],
        rows="mails",
        resamples=20,
        seed=0,
    )
    points = classification.roc_points(y_true, y_score)
    write_csv(paths.points("toy") / "roc.csv", ("fpr", "tpr", "threshold"), points)
    names = ("ham", "spam ham")
    lines = card_tables.wordings("toy", metrics, names, "mails").splitlines()[-6:]
    highest = np.inf
    for line, (wording, called, lowest) in zip(lines, ranges(threshold, names), strict=True):
        rows = (y_score >= lowest) & (y_score < highest)
        right = (y_true[rows] == (called == "spam ham")).mean()
        name, _, share, correct = line.strip("| ").split(" | ")
        assert name == wording
        assert int(share.strip("%")) == pytest.approx(100 * rows.mean(), abs=1)
        assert int(correct.strip("%")) == pytest.approx(100 * right, abs=2)
        highest = lowest


def test_a_wording_that_no_review_has_is_never_called_right(folder):
    metrics = {"threshold": 0.5, "confusion": {"tp": 3, "fn": 0, "tn": 5, "fp": 0}}
    points = [(0.0, 0.0, 1.0), (0.0, 1.0, 0.95), (0.04, 1.0, 0.05), (1.0, 1.0, 0.04)]
    write_csv(paths.points("toy") / "roc.csv", ("fpr", "tpr", "threshold"), points)
    lines = card_tables.wordings("toy", metrics, ("no", "yes"), "mails").splitlines()[2:]
    shares = [line.strip("| ").split(" | ")[2:] for line in lines]
    assert shares == [["38%", "100%"], ["0%"], ["0%"], ["0%"], ["0%"], ["62%", "100%"]]


def test_a_card_follows_from_the_task_and_speaks_of_its_own_corpus(folder):
    found = cards.cards() if made_up.results(folder) else {}
    assert [path.stem for path in found] == list(trained.corpora())
    film, ticket, digit = (
        found[cards.FOLDER / f"{m}.md"] for m in ("rnn", "tickets_gru", "ae_lstm")
    )
    assert film.count("Large Movie Review") == digit.count("CC BY-SA 3.0") == 1
    for line in (
        "Gated recurrent unit, two directions, 2 layers, on tickets.",
        "dvc get URL-OF-THIS-REPOSITORY models/tickets_gru",
        "On 1,260 test help tickets, 7.9% of them `bills 1`, the largest class.",
        "| category | AUC | precision | recall | test help tickets |",
        "- columns `subject`, `message`",
        "vocabulary 500, skip_top 0,",
    ):
        assert line in ticket
    for word in ("film", "review", "digit", "image", "threshold", "chapter |"):
        assert word not in ticket, word
    table = [line for line in ticket.splitlines() if line.endswith((" | 40 |", " | 100 |"))]
    assert len(table) == len(made_up.CATEGORIES)
    assert table[0].startswith("| bills 1 |")
    assert "reads images row by row into a code of 2 numbers" in " ".join(digit.split())
    assert "| 9 | 0.1" in digit


def test_a_card_counts_the_positive_rows_of_its_own_test_split(folder):
    made_up.results(folder)
    path = paths.metrics("rnn")
    metrics = read_json(path) | {
        "confusion": {"tn": 70, "fp": 5, "fn": 9, "tp": 16},
        "reviews": 100,
    }
    path.write_text(json.dumps(metrics))
    assert "On 100 test reviews, 25 of them `positive`." in cards.cards()[cards.FOLDER / "rnn.md"]


def test_a_series_without_classes_has_a_card(folder):
    made_up.results(folder)
    with Path("corpora.yaml").open("a") as file:
        file.write(
            "  ecg: {kind: series, path: data/raw/mnist/e.csv, values: [a, b], window: 9, "
            "normal: ok, group: patient, split: {test: 0.3, time: day}}\n"
        )
    place = paths.metrics("ae_lstm")
    loss = {"loss": 0.5, "mse": 0.5, "windows": 40, "largest_error": {"row": 7, "error": 9.5}}
    loss["beside"] = made_up.BESIDE["latent"]
    baselines = json.dumps(made_up.BASELINES["mnist"])
    paths.baseline_metrics("ecg").write_text(baselines)
    place.write_text(json.dumps(loss))
    pipeline = Path("dvc.yaml")
    pipeline.write_text(
        pipeline.read_text().replace("ae_lstm: {corpus: mnist", "ae_lstm: {corpus: ecg")
    )
    text = " ".join(cards.cards()[cards.FOLDER / "ae_lstm.md"].split())
    assert "reads windows step by step into a code" in text
    assert "The loss is the mean squared error." in text
    assert "it is largest, 9.5, in row 7 of the test split" in text
    assert "## By" not in text
    assert "- `data/raw/mnist/e.csv`, fetched from https://" in text
    assert "columns `a`, `b`" in text
    assert "the last 30% by `day` test" in text
    assert "rows of one `patient` are on one side" in text


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ('"path": "models/', r"dvc\.lock: records no run that wrote models/rnn"),
        ('"layers"', r"dvc\.lock: tickets_gru was trained with other parameters"),
    ],
)
def test_a_model_without_a_recorded_run_of_this_code_has_no_card(folder, lost, message):
    made_up.results(folder)
    lock = Path("dvc.lock")
    lock.write_text(lock.read_text().replace(lost, f"{lost[:-1]}x{lost[-1]}"))
    with pytest.raises(UserError, match=message):
        cards.cards()


def test_what_is_said_of_mnist_is_measured(monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = paths.prepared("mnist")
    if not folder.is_dir():
        pytest.skip("the prepared corpus is not here")
    train, test = (arrays.read_array(folder / f"x_{split}.npy") for split in ("train", "test"))
    images = (test / np.float32(255)).astype(np.float32)
    mean = np.broadcast_to((train.mean(axis=0) / 255).astype(np.float32), images.shape)
    said = (card_texts.CORPORA / "mnist.md").read_text()
    assert f"loss of {reconstruction.cross_entropy(images, mean).mean():.4f}" in said
    assert f"of {reconstruction.squared_error(images, mean).mean():.4f}." in said
    assert f"has a loss: {reconstruction.cross_entropy(images, images).mean():.4f}" in said


def test_no_metric_is_a_noun(folder):
    made_up.results(folder)
    own = [*made_up.CORPUS["nouns"].values(), "reviews", "images"]
    for model in trained.corpora():
        for name in read_json(paths.metrics(model)):
            assert name.startswith("per_") or name.endswith("_interval") or name in (*TAKEN, *own)
    made_up.add(
        Path("corpora.yaml"), "corpora", "more", made_up.CORPUS | {"nouns": {"rows": "auc"}}
    )
    with pytest.raises(UserError, match=r"corpora\.more\.nouns\.rows: is a metric [^\n]*$"):
        corpora.check()


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        ("lstm", "LSTM"),
        ("my_mails_gru", "my mails, GRU"),
        ("ecg_ae_lstm", "ecg, LSTM autoencoder"),
        ("best_one", "best_one"),
    ],
)
def test_a_model_is_called_after_the_end_of_its_name(model, heading):
    assert title(model) == heading
