"""Two models on the same rows: the statistics, and what reports find of two revisions."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, roc_auc_score

from harness.core.files import read_json
from harness.experiments.means import difference
from unroll.core.arrays import read_array
from unroll.metrics import many_classes, paired
from unroll.reporting import seeds
from unroll.reporting.paired import Scored, differences, of_models


def two_models(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and the scores of two models that find the same rows hard; the second is better."""
    rng = np.random.default_rng(0)
    y = np.arange(rows) % 2
    shared = rng.normal(3 * y - 1.5, 2)
    noise = rng.normal(0, [[1.2], [0.3]], (2, rows))
    first, second = (1 / (1 + np.exp(-shared - noise))).astype(np.float32)
    return y, first, second


def test_differences_are_those_of_the_metrics():
    y, first, second = two_models(2000)
    found = paired.classifiers(y, (first, second), (0.4, 0.6), resamples=200)
    called = (first >= 0.4, second >= 0.6)
    wanted = {
        "auc": roc_auc_score(y, second) - roc_auc_score(y, first),
        "balanced_accuracy": balanced_accuracy_score(y, called[1])
        - balanced_accuracy_score(y, called[0]),
        "accuracy": accuracy_score(y, called[1]) - accuracy_score(y, called[0]),
        "loss": log_loss(y, second.astype(float)) - log_loss(y, first.astype(float)),
    }
    assert {name: difference.value for name, difference in found.items()} == pytest.approx(wanted)
    for low, high in ((d.low, d.high) for d in found.values()):
        assert low < high
    turned = paired.classifiers(y, (second, first), (0.6, 0.4), resamples=200)
    assert turned["auc"].low == pytest.approx(-found["auc"].high)
    assert turned["auc"].p == found["auc"].p


def test_a_paired_difference_is_clear_where_intervals_overlap():
    y, first, second = two_models(2000)
    one, other = (
        many_classes.bootstrap(y, np.c_[1 - s, s], (s >= 0.5).astype(int), 200, 0)[0]
        for s in (first, second)
    )
    assert np.percentile(one, 97.5) > np.percentile(other, 2.5)
    found = paired.classifiers(y, (first, second), (0.5, 0.5), resamples=200)["auc"]
    assert found.low > 0
    assert found.p < 0.05
    # DeLong's interval is as wide as that of resampling both models' rows together.
    reach = 1.96 * np.std(other - one)
    assert (found.high - found.low) / 2 == pytest.approx(reach, rel=0.2)


def test_the_mean_auc_of_many_classes_has_the_interval_of_its_resamples():
    rng, k = np.random.default_rng(1), 4
    y = np.arange(800) % k
    first = rng.random((800, k)) + 0.6 * np.eye(k)[y]
    second = first + 0.3 * rng.random((800, k))
    first, second = (s / s.sum(axis=1, keepdims=True) for s in (first, second))
    one, other = (many_classes.bootstrap(y, s, s.argmax(1), 300, 0)[0] for s in (first, second))
    found = paired.classifiers(y, (first, second), resamples=50)["auc"]
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * np.std(other - one), rel=0.2)


def test_decisions_are_compared_by_the_rows_that_one_model_alone_has_right():
    first = np.r_[np.ones(90), np.ones(8), np.zeros(2)]
    second = np.r_[np.ones(90), np.zeros(8), np.ones(2)]
    assert paired.mcnemar(first, second) == pytest.approx(0.109375)  # of 10 coins, 2 or fewer heads
    assert paired.mcnemar(first, first) == 1


def test_a_model_does_not_differ_from_itself():
    y, first, _ = two_models(100)
    for found in paired.classifiers(y, (first, first), (0.5, 0.5), resamples=20).values():
        assert found == (0, 0, 0, 1)


def test_the_intervals_of_models_that_are_alike_miss_0_as_rarely_as_they_should():
    rng, missed = np.random.default_rng(2), {"auc": 0, "loss": 0}
    for _ in range(200):
        y = np.arange(200) % 2
        shared = rng.normal(2 * y - 1, 1)
        first, second = 1 / (1 + np.exp(-shared - rng.normal(0, 0.5, (2, 200))))
        found = paired.classifiers(y, (first, second), (0.5, 0.5), resamples=100)
        for name in missed:
            missed[name] += not found[name].low <= 0 <= found[name].high
    for count in missed.values():
        assert 3 <= count <= 22  # of 200, for 95% intervals


@pytest.mark.skipif(not (ROOT / "data/evaluated/rnn").exists(), reason="the scores are not here")
@pytest.mark.usefixtures("committed")
def test_the_example_of_the_docs_is_what_the_models_say():
    measured = {name: read_json(Path(f"metrics/{name}.json")) for name in ("rnn", "lstm")}
    y = read_array(Path("data/prepared/imdb/y_test.npy"))
    for name, metrics in measured.items():
        scores = read_array(Path(f"data/evaluated/{name}/scores.npy"))
        if round(float(roc_auc_score(y, scores)), 4) != metrics["auc"]:
            pytest.skip("the scores here are of another kind of processor, or of other settings")
    text = Path("docs/experiments.md").read_text("utf-8")
    [shown] = re.findall(r"^'(\+.*)'$", text, re.MULTILINE)
    found = of_models("rnn", "lstm")["auc"]
    assert shown == "{:+.4f} ({:+.4f} to {:+.4f}), p {:.0e}".format(*found)
    intervals = [metrics["auc_interval"] for metrics in measured.values()]
    for i in intervals:
        assert f"({i['low']:.4f} to {i['high']:.4f})" in text
    assert intervals[0]["high"] > intervals[1]["low"]  # they overlap
    assert found.low > 0


def test_rows_that_are_not_the_same_are_not_compared():
    y, first, second = two_models(40)
    one = Scored((y,), y, first, None, 0.5)
    assert set(differences(one, Scored((y,), y, second, None, 0.4))) == {
        *("auc", "balanced_accuracy", "accuracy", "loss")
    }
    assert differences(one, Scored((1 - y,), 1 - y, second, None, 0.4)) == {}
    assert differences(one, Scored((y[:-1],), y[:-1], second[:-1], None, 0.4)) == {}
    assert differences(one, None) == {}
    rebuilt = Scored((y,), y, None, first, None)
    assert differences(rebuilt, one) == {}
    loss = differences(rebuilt, Scored((y,), y, None, first - 0.1, None))["loss"]
    assert loss.high < 0


def test_a_difference_counts_if_it_holds_over_seeds():
    # Of R. A. Fisher's sleep data, Welch's interval in the textbooks is -3.3655 to 0.2055.
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = difference(second, first)
    assert (found.low, found.high) == pytest.approx((-3.3654832, 0.2054832))
    assert not found.counts
    entries = {
        name: {"test": {"auc": {"values": [0.93 + shift, 0.931 + shift, 0.932 + shift]}}}
        for name, shift in (("lstm", 0), ("gru", 0.01))
    }
    better = seeds.held(entries, "gru", "lstm", "auc")
    assert better
    assert better.counts
    assert seeds.held(entries, "gru", "rnn", "auc") is None
    # Against a baseline, which has no seeds: the t-interval of the mean, 4.303 standard errors.
    alone = difference([0.5], [0.6, 0.61, 0.62])
    assert alone.high - alone.value == pytest.approx(4.302653 * 0.01 / 3**0.5)


@pytest.mark.parametrize(
    ("deviation", "said"),
    [(0.0012, "0.9357 ± 0.0012"), (0.00002, "0.93571 ± 0.00002"), (0.0, "0.9357 ± 0.0000")],
)
def test_a_small_deviation_is_not_shown_as_none(deviation, said):
    entries = {"a": {"test": {"auc": {"mean": 0.935712, "deviation": deviation}}}}
    assert seeds.shown(entries, "a", "auc") == said
