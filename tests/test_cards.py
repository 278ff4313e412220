import json
import re
from pathlib import Path

import numpy as np
import pages
import pytest
from conftest import ROOT

from harness.core.errors import UserError
from harness.core.files import read_json, write_csv
from harness.core.yaml import read_yaml
from unroll.core import arrays, paths
from unroll.metrics import classification
from unroll.predicting import verdicts
from unroll.reporting import card_texts, cards
from unroll.schema.params import trained_models


def test_every_trained_model_is_an_artifact_with_a_name_that_registries_take(monkeypatch):
    monkeypatch.chdir(ROOT)
    artifacts = read_yaml(Path("dvc.yaml"))["artifacts"]
    assert [entry["path"] for entry in artifacts.values()] == [
        str(paths.model(name)) for name in trained_models()
    ]
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
    metrics = classification.measure(y_true, y_score, threshold, resamples=20, seed=0)
    points = classification.roc_points(y_true, y_score)
    write_csv(paths.points("toy") / "roc.csv", ("fpr", "tpr", "threshold"), points)
    lines = cards.wordings("toy", metrics).splitlines()[-6:]
    highest = np.inf
    for line, (wording, lowest) in zip(lines, verdicts.ranges(threshold), strict=True):
        rows = (y_score >= lowest) & (y_score < highest)
        right = (y_true[rows] == wording.endswith("positive")).mean()
        name, _, share, correct = line.strip("| ").split(" | ")
        assert name == wording
        assert int(share.strip("%")) == pytest.approx(100 * rows.mean(), abs=1)
        assert int(correct.strip("%")) == pytest.approx(100 * right, abs=2)
        highest = lowest


def test_a_wording_that_no_review_has_is_never_called_right(folder):
    metrics = {"threshold": 0.5, "confusion": {"tp": 3, "fn": 0, "tn": 5, "fp": 0}}
    points = [(0.0, 0.0, 1.0), (0.0, 1.0, 0.95), (0.04, 1.0, 0.05), (1.0, 1.0, 0.04)]
    write_csv(paths.points("toy") / "roc.csv", ("fpr", "tpr", "threshold"), points)
    lines = cards.wordings("toy", metrics).splitlines()[2:]
    shares = [line.strip("| ").split(" | ")[2:] for line in lines]
    assert shares == [["38%", "100%"], ["0%"], ["0%"], ["0%"], ["0%"], ["62%", "100%"]]


def test_a_card_counts_the_positive_reviews_of_its_own_test_split(folder):
    pages.results(folder)
    path = paths.metrics("rnn")
    metrics = read_json(path) | {
        "confusion": {"tn": 70, "fp": 5, "fn": 9, "tp": 16},
        "reviews": 100,
    }
    path.write_text(json.dumps(metrics))
    assert "On 100 test reviews, 25 of them positive." in cards.cards()[cards.FOLDER / "rnn.md"]


def test_a_model_without_a_recorded_run_has_no_card(folder):
    for name in ("dvc.yaml", "metrics", "plots"):
        (folder / name).symlink_to(ROOT / name)
    with pytest.raises(UserError, match=r"dvc\.lock: records no run"):
        cards.cards()


def test_the_baseline_of_the_images_is_that_of_the_mean_training_image(monkeypatch):
    from unroll.metrics.reconstruction import cross_entropy, squared_error

    monkeypatch.chdir(ROOT)
    folder = paths.prepared("mnist")
    if not folder.is_dir():
        pytest.skip("the prepared corpus is not here")
    train, test = (arrays.read_array(folder / f"x_{split}.npy") for split in ("train", "test"))
    images = (test / np.float32(255)).astype(np.float32)
    mean = np.broadcast_to((train.mean(axis=0) / 255).astype(np.float32), images.shape)
    assert cross_entropy(images, mean).mean() == pytest.approx(
        cards.BASELINE["autoencoder"]["loss"], abs=5e-5
    )
    assert squared_error(images, mean).mean() == pytest.approx(
        cards.BASELINE["autoencoder"]["mse"], abs=5e-5
    )
    least = cross_entropy(images, images).mean()
    assert f"even a perfect image has some: {least:.4f}" in card_texts.AUTOENCODER
