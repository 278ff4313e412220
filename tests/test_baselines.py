"""Baselines against scikit-learn's own tools and plain counts, on corpora made up here."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from harness.core.files import read_json
from harness.core.params import Declared
from stages import baseline
from unroll.baselines.linear import naive_bayes
from unroll.baselines.texts import Baseline, methods
from unroll.core import paths
from unroll.core.datasets import read, training
from unroll.core.tokens import UNKNOWN
from unroll.corpora.blocks import Series, Split, Text
from unroll.metrics import beside
from unroll.predicting.linear import LinearScorer
from unroll.preprocessing.corpus import prepare

PARAMS = {
    "protocol": "holdout",
    "baseline": {"last": 5, "min_count": 2, "neighbors": 3, "codes": [2, 100]},
    "evaluate": {"resamples": 20},
}
ALLOWED = ["protocol", "baseline", "evaluate.resamples"]


def corpus_of_texts(classes: str = "ab") -> list[str]:
    """A prepared corpus `a`; its training texts in order."""
    draw = np.random.default_rng(0)
    words = np.array(["so", "not", "good", "bad", "dull", "fine", "film", "plot"])
    rows = []
    for i in range(160):
        c = i % len(classes)
        picked = draw.choice(words, 9, p=np.roll([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05], c))
        text = " ".join(picked) + ("!" if c else ".")
        rows.append((text, classes[c], "test" if i >= 120 else "train"))
    with Path("a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label", "part"), *rows])
    split = Split(column="part")
    prepare("a", Text(kind="text", path="a.csv", label="label", split=split, validation=0.2))
    return [text for text, _, part in rows if part == "train"]


def run() -> dict:
    baseline.main(Declared(PARAMS, ALLOWED, "baseline@a"), "a")
    return read_json(paths.baseline_metrics("a"))


@pytest.mark.parametrize(("name", "most"), [("words", 1), ("bigrams", 2)])
def test_tfidf_is_that_of_scikit_learn(folder, name, most):
    texts = corpus_of_texts()
    run()
    whole, learnt, _, _ = training("a", "holdout")
    learnt_texts = [texts[i] for i in learnt]
    tool = TfidfVectorizer(
        ngram_range=(1, most),
        min_df=2,
        sublinear_tf=True,
        token_pattern=r"[\w']+",  # noqa: S106
    )
    model = LogisticRegression(C=10, solver="liblinear", random_state=0)
    model.fit(tool.fit_transform(learnt_texts), whole.y[learnt])
    expected = model.predict_proba(tool.transform(texts))[:, 1]
    ours = LinearScorer(paths.baselines("a") / name)(texts)
    assert ours == pytest.approx(expected, abs=1e-5)
    scores = np.load(paths.baselines("a") / name / "validation_scores.npy")
    assert scores == pytest.approx(np.delete(ours, learnt), abs=1e-5)


def test_ratios_are_those_of_smoothed_counts():
    from scipy.sparse import csr_array

    counts, y = csr_array(np.array([[2.0, 0, 1], [1, 1, 0], [0, 3, 0]])), np.array([1, 1, 0])
    ours = naive_bayes(counts, y, 2).factors[0]
    positive, negative = np.array([3, 2, 2]) / 7, np.array([1, 2, 1]) / 4
    assert ours == pytest.approx(np.log(positive / negative))


@pytest.mark.parametrize("classes", ["ab", "abc"])
def test_contributions_add_up_to_the_log_odds(folder, classes):
    corpus_of_texts(classes)
    found = run()
    assert {"majority", *methods(5)} == set(found)
    for name in ("nb-trigrams", "bigrams", "words-5"):
        fitted = Baseline.load(paths.baselines("a") / name)
        scorer = LinearScorer(paths.baselines("a") / name)
        text = "So good, not bad! film? film"
        given = scorer.contributions(text)
        ids = [scorer._ids.get(word, UNKNOWN) for word, _ in given]
        part = scorer._part([np.array(ids)])
        logits = fitted.linear.logits(fitted.ngrams.counts(part))[0]
        output = logits.argmax()
        total = sum(share for _, share in given)
        assert total == pytest.approx(logits[output] - fitted.linear.bias[output], abs=1e-6)
        assert [word for word, _ in given][-2:] == (
            ["film", "film"] if name != "nb-trigrams" else ["?", "film"]
        )


def test_flipped_test_labels_change_no_fitted_baseline(folder):
    corpus_of_texts()
    run()
    files = sorted(paths.baselines("a").rglob("*.npy"))
    before = {path: path.read_bytes() for path in files}
    y = read("a", "test").y
    np.save(paths.prepared("a") / "y_test.npy", 1 - y)
    found = run()
    assert {path: path.read_bytes() for path in files} == before
    assert found["words"]["auc"] < 0.5


@pytest.mark.parametrize("label", ["label", None])
def test_series_are_told_apart_and_rebuilt(folder, label):
    draw = np.random.default_rng(0)
    rows: list[tuple] = [("s", "t", "v", "label")]
    for s in range(60):
        wave = np.sin(np.arange(6) * (1 + s % 2)) + draw.normal(0, 0.1, 6)
        rows += [(s, t, f"{v:.3f}", "xy"[s % 2]) for t, v in enumerate(wave)]
    with Path("a.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    prepare(
        "a", Series(kind="series", path="a.csv", series="s", step="t", values=["v"], label=label)
    )
    found = run()
    told = {"majority", "linear", "neighbors"} if label else set()
    assert set(found) == told | {"mean", "pca-2"}  # six numbers have no code of 100
    assert found["pca-2"]["mse"] < found["mean"]["mse"] / 10
    if label:
        assert found["linear"]["auc"] == found["neighbors"]["auc"] == 1
        assert found["majority"]["auc"] == 0.5
    json.dumps(found)


def test_the_best_baseline_is_chosen_by_validation():
    said = {
        "a": {"auc": 0.9, "validation": {"auc": 0.7}},
        "b": {"auc": 0.8, "validation": {"auc": 0.8}},
    }
    assert beside.best(said | {"mean": {"validation": {"loss": 1}}}) == "b"
    assert beside.best({"mean": {}, "pca-2": {}}, latent=2) == "pca-2"
    assert beside.best({"mean": {}, "pca-2": {}}, latent=3) == "mean"
