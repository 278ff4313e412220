import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from harness.core.errors import UserError
from unroll.metrics import classification, latent, reconstruction
from unroll.preprocessing.splits import stratified
from unroll.training.threshold import youden_threshold

Y = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.uint8)
SCORE = np.array([0.1, 0.2, 0.3, 0.8, 0.4, 0.7, 0.9, 0.6], np.float32)


def test_the_threshold_maximizes_tpr_minus_fpr():
    # from 0.4 on all four positives and one of four negatives: J = 1 - 0.25
    assert youden_threshold(Y, SCORE) == pytest.approx(0.4)


def test_the_threshold_of_useless_scores_calls_nothing_positive():
    assert youden_threshold(Y, np.where(Y, 0.1, 0.9)) == 1


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
    metrics = classification.measure(Y, SCORE, 0.4, resamples=200, seed=0)
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
        found = classification.measure(y, np.clip(score + 0.5, 0, 1), 0.5, resamples=300, seed=0)
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


def test_reconstruction_is_measured_as_by_hand():
    images = np.zeros((2, 28, 28), np.float32)
    images[1] = 1
    rebuilt = np.full((2, 28, 28), 0.25, np.float32)
    found = reconstruction.measure(images, np.array([3, 7]), rebuilt)
    zero, one = -np.log(0.75), -np.log(0.25)
    assert found["per_digit"]["3"] == {"loss": round(zero, 4), "mse": 0.0625}
    assert found["per_digit"]["7"] == {"loss": round(one, 4), "mse": 0.5625}
    assert found["loss"] == pytest.approx((zero + one) / 2, abs=1e-4)
    assert found["mse"] == pytest.approx(0.3125)
    assert found["images"] == 2


def test_a_perfect_reconstruction_has_a_finite_loss():
    images = np.array([[[0.0, 1.0]]], np.float32)
    assert reconstruction.cross_entropy(images, images) == pytest.approx([0], abs=1e-5)


def test_the_examples_are_one_row_of_each_digit():
    # row 2 holds a 1, as in the chapter; rows 3 and 1 hold no 0 and no 2
    assert reconstruction.examples(np.array([1, 0, 1, 2])).tolist() == [1, 2, 3]
    digits = np.arange(62) % 10
    digits[list(reconstruction.CHAPTER_ROWS)] = range(10)
    assert reconstruction.examples(digits).tolist() == list(reconstruction.CHAPTER_ROWS)


def test_rounded_means_are_black_and_white():
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 0], images[1, 0], images[2, 1] = 255, 100, 128
    means = reconstruction.rounded_means(images, np.array([0, 0, 1]))
    assert means[0, 0].tolist() == [1] * 28  # (255 + 100) / 2 is above the half
    assert means[0, 1:].sum() == 0
    assert means[1].sum() == 28


def test_neighbours_tell_separate_codes_apart_and_guess_on_noise():
    rng = np.random.default_rng(0)
    digits = np.arange(200) % 10
    accuracy = latent.neighbor_accuracy(digits[:, None], digits, digits[:, None], digits, 5)
    assert accuracy == 1
    noise = rng.random((200, 2))
    assert latent.neighbor_accuracy(noise, digits, rng.random((200, 2)), digits, 5) < 0.3


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_latent_space_of_any_size_is_laid_out_in_the_plane(size):
    codes = np.random.default_rng(0).random((60, size), np.float32)
    digits = np.arange(60) % 10
    rows = latent.sample(codes, digits, 50, seed=1)
    assert len(rows) == 50
    assert rows == latent.sample(codes, digits, 50, seed=1)
    if size == 2:
        assert (rows[0][0], rows[0][1]) in [
            (round(float(x), 3), round(float(y), 3)) for x, y in codes
        ]


def test_the_validation_part_keeps_the_mixture_and_the_copies_together():
    labels = np.repeat([0, 1], [400, 100])
    groups = np.arange(500) // 2  # pairs of copies
    chosen = stratified(labels, groups, 0.1, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [40, 10]
    assert set(groups[chosen]).isdisjoint(np.delete(groups, chosen))
    assert chosen.tolist() == stratified(labels, groups, 0.1, seed=1).tolist()
    assert chosen.tolist() != stratified(labels, groups, 0.1, seed=2).tolist()


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_part_that_leaves_a_class_empty_is_refused(share):
    with pytest.raises(UserError, match=r"examples of class 1"):
        stratified(np.repeat([0, 1], [400, 10]), np.arange(410), share, seed=0)
