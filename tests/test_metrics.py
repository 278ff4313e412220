from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.metrics import roc_auc_score, roc_curve

from harness.core.errors import UserError
from unroll.metrics import (
    anomalies,
    classification,
    latent,
    many_classes,
    reconstruction,
    validation,
)
from unroll.metrics.threshold import smoothed_threshold, youden_threshold
from unroll.preprocessing.splits import in_blocks, stratified

Y = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.uint8)
SCORE = np.array([0.1, 0.2, 0.3, 0.8, 0.4, 0.7, 0.9, 0.6], np.float32)
TWO: Any = {"classes": ["negative", "positive"], "rows": "reviews", "seed": 0}
NAMES = ["b", "a", "per cent", "10"]
MANY: Any = {"classes": NAMES, "rows": "mails", "label": "sort", "resamples": 60, "seed": 0}


def test_the_threshold_maximizes_tpr_minus_fpr():
    # from 0.4 on all four positives and one of four negatives: J = 1 - 0.25
    assert youden_threshold(Y, SCORE) == pytest.approx(0.4)


def test_the_threshold_of_useless_scores_calls_nothing_positive():
    assert youden_threshold(Y, np.where(Y, 0.1, 0.9)) == 1


def test_the_smoothed_threshold_is_where_the_densities_cross():
    # Two normal distributions of logits, at -1 and 2: the densities are equal in the middle.
    draw = np.random.default_rng(0)
    y = np.repeat([0, 1], 4000)
    score = 1 / (1 + np.exp(-np.r_[draw.normal(-1, 1, 4000), draw.normal(2, 1, 4000)]))
    assert smoothed_threshold(y, score) == pytest.approx(1 / (1 + np.exp(-0.5)), abs=0.02)


@pytest.mark.parametrize(
    ("score", "least", "most"),
    [(Y, 0.01, 0.99), (np.where(Y, 0.1, 0.9), 1, 1), (np.full(8, 0.5), 1, 1), (SCORE, 0.3, 0.7)],
)
def test_the_smoothed_threshold_of_few_or_equal_scores(score, least, most):
    assert least <= smoothed_threshold(Y, score.astype(np.float32)) <= most


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=40))
def test_the_threshold_is_that_of_the_curve_of_scikit_learn(rows):
    # Few different scores, so that many are equal.
    y_true = np.array([0, 1, *(row[0] for row in rows)], np.uint8)
    y_score = np.array([0, 8, *(row[1] for row in rows)], np.float32) / 8
    fpr, tpr, thresholds = roc_curve(y_true, y_score, drop_intermediate=False)
    positives, negatives = y_true.sum(), (1 - y_true.astype(int)).sum()
    j = np.round((tpr - fpr) * positives * negatives)  # whole, so that equals are equal
    assert youden_threshold(y_true, y_score) == min(thresholds[np.argmax(j)], 1)


def test_a_classifier_is_measured_as_by_hand():
    metrics = classification.measure(Y, SCORE, 0.4, resamples=200, **TWO)
    assert metrics["confusion"] == {"tn": 3, "fp": 1, "fn": 0, "tp": 4}
    assert metrics["reviews"] == 8
    assert metrics["balanced_accuracy"] == (3 / 4 + 4 / 4) / 2
    assert metrics["accuracy"] == 7 / 8
    # of the 16 pairs of a positive and a negative, the negative at 0.8 beats 0.4, 0.7 and 0.6
    assert metrics["auc"] == round(13 / 16, 4)
    # precision at each positive from the top: 1/1, 2/3, 3/4, 4/5
    assert metrics["average_precision"] == round((1 + 2 / 3 + 3 / 4 + 4 / 5) / 4, 4)
    by_hand = -np.log(np.where(Y, SCORE, 1 - SCORE)).mean()
    assert metrics["loss"] == pytest.approx(by_hand, abs=1e-4)
    interval = metrics["auc_interval"]
    assert 0 <= interval["low"] <= metrics["auc"] <= interval["high"] <= 1


def test_bootstrapped_auc_agrees_with_scikit_learn_on_every_resample():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 60)
    score = np.round(rng.random(60), 1)  # many ties
    ours, balanced = classification.bootstrap(y, score, 0.5, 50, seed=3)
    rng = np.random.default_rng(3)
    order = np.argsort(score, kind="stable")
    for auc, accuracy in zip(ours, balanced, strict=True):
        rows = order[rng.integers(0, 60, 60)]
        assert auc == pytest.approx(roc_auc_score(y[rows], score[rows]))
        called = score[rows] >= 0.5
        by_hand = (called[y[rows] == 1].mean() + (~called)[y[rows] == 0].mean()) / 2
        assert accuracy == pytest.approx(by_hand)


def test_the_interval_covers_the_truth_and_narrows_with_more_reviews():
    rng = np.random.default_rng(0)

    def interval(n: int) -> tuple[float, float]:
        y = rng.integers(0, 2, n)
        score = (y + rng.normal(size=n)) / 10
        found = classification.measure(y, np.clip(score + 0.5, 0, 1), 0.5, resamples=300, **TWO)
        return found["auc_interval"]["low"], found["auc_interval"]["high"]

    # Of two normal distributions one deviation apart: Phi(1 / sqrt(2)).
    truth = 0.7602
    (low, high), (lower, higher) = interval(4000), interval(250)
    assert low < truth < high
    assert lower < truth < higher
    assert high - low < (higher - lower) / 2


def test_a_thinned_roc_curve_keeps_its_ends_and_its_area():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 20_000)
    score = y + rng.normal(size=20_000)
    points = np.array(classification.roc_points(y, score))
    assert len(points) <= classification.ROC_POINTS
    assert points[0, :2].tolist() == [0, 0]
    assert points[-1, :2].tolist() == [1, 1]
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(
        roc_auc_score(y, score), abs=1e-3
    )


def many(n: int = 400, classes: tuple[int, ...] = (0, 1, 2, 3)) -> tuple[np.ndarray, np.ndarray]:
    """Labels of some of four unequal classes, and scores in few steps, so that many are equal."""
    rng = np.random.default_rng(5)
    y = rng.choice(classes, n, p=np.arange(1, len(classes) + 1) / sum(range(len(classes) + 1)))
    score = np.round(rng.random((n, 4)), 1) + 0.1
    score[np.arange(n), y] += 0.3
    return y.astype(np.uint8), (score / score.sum(axis=1, keepdims=True)).astype(np.float32)


def test_many_classes_are_measured_as_by_scikit_learn():
    y, score = many()
    called = score.argmax(axis=1)
    found = many_classes.measure(y, score, **MANY)
    exact = score.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    precision, recall, _, rows = sk.precision_recall_fscore_support(y, called)
    wanted = {
        "auc": sk.roc_auc_score(y, score, multi_class="ovr"),
        "balanced_accuracy": sk.balanced_accuracy_score(y, called),
        "accuracy": sk.accuracy_score(y, called),
        "macro_f1": sk.f1_score(y, called, average="macro"),
        "loss": sk.log_loss(y, exact),
        "majority": np.bincount(y).max() / len(y),
    }
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=5.1e-5)
    for place, name in enumerate(NAMES):
        of = found["per_sort"][name]
        assert of["rows"] == rows[place]
        assert of["precision"] == pytest.approx(precision[place], abs=5.1e-5)
        assert of["recall"] == pytest.approx(recall[place], abs=5.1e-5)
        assert of["auc"] == pytest.approx(sk.roc_auc_score(y == place, score[:, place]), abs=5.1e-5)
    pairs = many_classes.confusion_pairs(found["confusion"])
    assert [count for *_, count in pairs] == sk.confusion_matrix(y, called).ravel().tolist()
    assert pairs[1][:2] == ("b", "a")
    assert found["mails"] == 400
    for name in ("auc", "balanced_accuracy", "accuracy", "macro_f1"):
        interval = found[f"{name}_interval"]
        assert interval["low"] < found[name] < interval["high"]


def test_bootstrapped_metrics_of_many_classes_agree_with_scikit_learn_on_every_resample():
    y, score = many(80)
    called = score.argmax(axis=1)
    aucs, confusions = many_classes.bootstrap(y, score, called, 30, seed=3)
    rng = np.random.default_rng(3)
    for auc, confusion in zip(aucs, confusions, strict=True):
        rows = rng.integers(0, 80, 80)
        by_class = [roc_auc_score(y[rows] == c, score[rows, c]) for c in np.unique(y[rows])]
        assert auc == pytest.approx(np.mean(by_class))
        by_hand = sk.confusion_matrix(y[rows], called[rows], labels=range(4))
        assert confusion.tolist() == by_hand.tolist()


def test_a_class_without_test_rows_counts_in_no_mean():
    y, score = many(classes=(0, 2, 3))
    found = many_classes.measure(y, score, **MANY)
    called = score.argmax(axis=1)
    own = [roc_auc_score(y == c, score[:, c]) for c in (0, 2, 3)]
    assert found["auc"] == pytest.approx(np.mean(own), abs=5.1e-5)
    f1 = sk.f1_score(y, called, average="macro", labels=[0, 2, 3])
    assert found["macro_f1"] == pytest.approx(f1, abs=5.1e-5)
    assert found["per_sort"]["a"] == {"precision": 0, "rows": 0}
    assert {name for *_, name in many_classes.roc_points(y, score, NAMES)} == {
        *("b", "per cent", "10")
    }


def test_a_test_split_of_one_class_is_refused():
    with pytest.raises(UserError, match=r"corpora.yaml: all 8 test rows are of class 'a'"):
        many_classes.measure(np.ones(8, np.uint8), np.full((8, 4), 0.25), **MANY)
    with pytest.raises(UserError, match=r"class 'negative'"):
        classification.measure(np.zeros(8, np.uint8), SCORE, 0.4, resamples=9, **TWO)


def test_roc_curves_of_thirty_classes_are_a_small_table():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(30), 200)
    score = rng.random((6000, 30)) + np.eye(30)[y]
    points = many_classes.roc_points(y, score, [str(c) for c in range(30)])
    assert len(points) <= many_classes.ROC_POINTS
    own = np.array([point[:2] for point in points if point[3] == "7"])
    area = np.trapezoid(own[:, 1], own[:, 0])
    assert area == pytest.approx(roc_auc_score(y == 7, score[:, 7]), abs=0.01)


def measured(images, rebuilt, **more):
    squared = reconstruction.squared_error(images, rebuilt)
    losses = reconstruction.cross_entropy(images, rebuilt)
    return reconstruction.measure(losses, squared, rows="images", **more)


@pytest.mark.parametrize("shape", [(28, 28), (8, 24), (3, 1)])
def test_reconstruction_is_measured_as_by_hand(shape):
    images = np.stack([np.zeros(shape, np.float32), np.ones(shape, np.float32)])
    rebuilt = np.full_like(images, 0.25)
    digits = [str(digit) for digit in range(10)]
    found = measured(images, rebuilt, y=np.array([3, 7]), classes=digits, label="digit")
    zero, one = -np.log(0.75), -np.log(0.25)
    assert found["per_digit"] == {
        "3": {"loss": round(zero, 4), "mse": 0.0625},
        "7": {"loss": round(one, 4), "mse": 0.5625},
    }
    assert found["loss"] == pytest.approx((zero + one) / 2, abs=1e-4)
    assert found["mse"] == pytest.approx(0.3125)
    assert found["images"] == 2
    assert measured(list(images), list(rebuilt)).items() <= found.items()  # no classes


def test_series_of_different_lengths_count_alike():
    series = [np.zeros((length, 2), np.float32) for length in (2, 50)]
    rebuilt = [series[0] + 1, series[1] + 3]
    assert reconstruction.squared_error(series, rebuilt).tolist() == [1, 9]


def test_a_perfect_reconstruction_has_a_finite_loss():
    images = np.array([[[0.0, 1.0]]], np.float32)
    assert reconstruction.cross_entropy(images, images) == pytest.approx([0], abs=1e-5)


def test_the_examples_are_one_row_of_each_class():
    wanted = (3, 2, 1)
    # row 2 holds a 1, as wanted; rows 3 and 1 hold no 0 and no 2
    assert reconstruction.examples(np.array([1, 0, 1, 2]), wanted).tolist() == [1, 2, 3]
    assert reconstruction.examples(np.array([1, 2, 1, 0]), wanted).tolist() == [3, 2, 1]
    assert reconstruction.examples(np.array([3, 0])).tolist() == [1, 0]
    assert reconstruction.examples(np.array([0, 1]), (-1, 99)).tolist() == [0, 1]


def test_without_classes_the_examples_go_from_the_smallest_error_to_the_largest():
    errors = np.array([5.0, 1, 4, 2, 3])
    assert reconstruction.spread(errors, 3).tolist() == [1, 4, 0]
    assert reconstruction.spread(errors, 9).tolist() == [1, 3, 4, 2, 0]


def test_means_of_images_are_black_and_white_and_of_series_as_they_are():
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 0], images[1, 0], images[2, 1] = 255, 100, 128
    means = reconstruction.class_means(images, np.array([0, 0, 1]), rounded=True)
    assert means[0, 0].tolist() == [1] * 28  # (255 + 100) / 2 is above the half
    assert means[0, 1:].sum() == 0
    assert means[1].sum() == 28
    series = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    means = reconstruction.class_means(series / 2, np.array([4, 4]), rounded=False)
    assert means.tolist() == [[[1, 1.5], [2, 2.5]]]


def test_anomalies_are_scored_by_their_error():
    found = anomalies.measure(SCORE, Y.astype(bool))
    assert found["anomaly_auc"] == round(sk.roc_auc_score(Y, SCORE), 4)
    precision = sk.average_precision_score(Y, SCORE)
    assert found["anomaly_average_precision"] == round(precision, 4)
    assert found["largest_error"] == {"row": 6, "error": 0.9}
    for unknown in (None, np.zeros(8, bool)):
        assert anomalies.measure(SCORE, unknown) == {"largest_error": found["largest_error"]}


@pytest.mark.parametrize(
    ("stride", "wanted"),
    [(2, [1, 1, 2.5, 2.5, 6.5, 6.5, 9, 9]), (5, [1] * 4 + [np.nan] + [4] * 4 + [np.nan] + [9] * 4)],
)
def test_the_error_of_a_step_is_the_mean_over_the_windows_that_cover_it(stride, wanted):
    windows = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    rebuilt = windows + np.array([1, 2, 3], np.float32)[:, None, None]
    marked = np.array([False, True, True])
    signal, error, spans = anomalies.over_time(windows, rebuilt, stride, marked)
    assert np.array_equal(error, wanted, equal_nan=True)
    assert signal[stride : stride + 2].tolist() == windows[1, :2].tolist()
    assert spans.tolist() == ([[4, 8]] if stride == 2 else [[5, 9], [10, 14]])
    assert not len(anomalies.over_time(windows, rebuilt, stride, None)[2])


def test_neighbors_tell_separate_codes_apart_and_guess_on_noise():
    rng = np.random.default_rng(0)
    digits = np.arange(200) % 10
    accuracy = latent.neighbor_accuracy(digits[:, None], digits, digits[:, None], digits, 5)
    assert accuracy == 1
    noise = rng.random((200, 2))
    assert latent.neighbor_accuracy(noise, digits, rng.random((200, 2)), digits, 5) < 0.3


def test_the_classes_that_codes_mix_up_are_named_by_their_shares():
    y = np.array([0, 0, 0, 0, 1, 1, 2, 3])
    called = np.array([0, 1, 1, 2, 1, 0, 2, 3])
    found = latent.mixed_up(y, called, ["a", "b", "c", "d"], most=2)
    assert found == {"a as b": 0.5, "b as a": 0.5}
    assert latent.mixed_up(y, y, ["a", "b", "c", "d"]) == {}


@pytest.mark.parametrize(("size", "count"), [(1, 50), (2, 50), (5, 50), (5, 2), (5, 1)])
def test_a_latent_space_of_any_size_is_laid_out_in_the_plane(size, count):
    codes = np.random.default_rng(0).random((60, size), np.float32)
    y = np.arange(60) % 4
    rows = latent.sample(codes, y, NAMES, count, seed=1)
    assert len(rows) == count
    assert rows == latent.sample(codes, y, NAMES, count, seed=1)
    if size == 2:
        at = np.argmin(np.abs(codes - rows[0][:2]).sum(axis=1))
        assert rows[0] == (*(round(float(x), 3) for x in codes[at]), NAMES[y[at]])
    assert {name for *_, name in latent.sample(codes, None, [], count, seed=1)} == {""}


def test_the_validation_part_keeps_the_mixture_and_the_copies_together():
    labels = np.repeat([0, 1], [400, 100])
    groups = np.arange(500) // 2  # pairs of copies
    chosen = stratified(labels, groups, 0.1, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [40, 10]
    assert set(groups[chosen]).isdisjoint(np.delete(groups, chosen))
    assert chosen.tolist() == stratified(labels, groups, 0.1, seed=1).tolist()
    assert chosen.tolist() != stratified(labels, groups, 0.1, seed=2).tolist()


def test_blocks_of_neighbors_validate_and_copies_follow_them():
    labels, groups = np.repeat([0, 1], 20), np.arange(40)
    groups[0] = 5
    chosen = in_blocks(labels, groups, 0.2, blocks=2)
    assert chosen.tolist() == [0, *(4, 5), *(14, 15), *(24, 25), *(34, 35)]
    with pytest.raises(UserError, match=r"5 blocks of 0\.1 of the 20 examples of class a"):
        in_blocks(labels, groups, 0.1, blocks=5, classes=["a", "b"])


def test_validation_figures_are_those_of_scikit_learn():
    draw = np.random.default_rng(0)
    y, score = draw.integers(0, 2, 300), draw.integers(1, 50, 300).astype(np.float32) / 50
    ours = validation.two_classes(y, score, 0.4)
    whole = classification.measure(y, score, 0.4, resamples=20, **TWO)
    assert ours == {name: whole[name] for name in ours}
    y, score = draw.integers(0, 3, 300), draw.dirichlet([1, 1, 1, 1], 300).astype(np.float32)
    ours = validation.many_classes(y, score)
    whole = many_classes.measure(
        y, score, classes=NAMES, **{k: MANY[k] for k in MANY if k != "classes"}
    )
    assert ours == {name: whole[name] for name in ours}


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_part_that_leaves_a_class_empty_is_refused(share):
    with pytest.raises(UserError, match=r"examples of class 1"):
        stratified(np.repeat([0, 1], [400, 10]), np.arange(410), share, seed=0)
