"""Models of n-grams: what is counted, what training reads and changes, and what is saved."""

import math
import os
import sys
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, output_of
from ngram_layers import LEARNT, SETTINGS, WORDS, built, scores, texts, trained
from pydantic import ValidationError

from harness.core.errors import UserError
from harness.core.files import write_json
from unroll.core.datasets import About, Part
from unroll.core.paths import TASK
from unroll.core.tasks import TWO
from unroll.core.tokens import FIRST, PAD
from unroll.models import saving
from unroll.models.inputs import check_fit
from unroll.models.ngrams.counting import Counter
from unroll.models.ngrams.inputs import NgramInputs
from unroll.models.ngrams.known import Known
from unroll.models.parameters import Ngrams
from unroll.predicting.inference import Network
from unroll.predicting.scorers import scorer_of
from unroll.training.adagrad import START, RowAdagrad


def learnt(part: Part) -> tuple[NgramInputs, Part]:
    inputs = NgramInputs("m", "a", Ngrams.model_validate(SETTINGS), WORDS)
    return inputs, inputs.learn(part, LEARNT)


def rows_of(part: Part) -> list[list[int]]:
    assert part.ends is not None
    return [part.x[a:b].tolist() for a, b in pairwise([0, *part.ends])]


def test_ratios_are_those_of_a_count_by_hand_without_the_text_itself():
    part = texts(1)
    inputs, read = learnt(part)
    having: dict[tuple[int, ...], set[int]] = {}
    ngrams = []  # of each text, step and length
    for row, text in enumerate(rows_of(part)):
        steps = [[tuple(text[i - n : i]) for n in (1, 2, 3)] for i in range(1, len(text) + 1)]
        ngrams.append(steps)
        for ngram in (g for step in steps for g in step if g and row in LEARNT):
            having.setdefault(ngram, set()).add(row)
    frequent = {ngram: rows for ngram, rows in having.items() if len(rows) >= 2}
    expected = []
    for row, steps in enumerate(ngrams):
        seen = set()
        for step in steps:
            for ngram in step:
                others = frequent.get(ngram, set()) - {row}
                ones = sum(part.y[other] == 1 for other in others)
                ratio = np.log(ones + 0.5) - np.log(len(others) - ones + 0.5)
                expected.append(0.0 if ngram in seen or not others else ratio)
                seen.add(ngram)
    assert inputs.data.rows == FIRST + len(frequent)
    found = inputs.data.ratios[read.x[:, 1:]].ravel()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found).max() > 1


def test_what_is_not_learnt_from_is_not_counted():
    part = texts(1)
    inputs, _ = learnt(part)
    other = Part(part.x.copy(), part.y.copy(), part.ends)
    assert part.ends is not None
    other.x[part.ends[49] :], other.y[50:] = FIRST, 1 - part.y[50:]
    again, _ = learnt(other)
    np.testing.assert_array_equal(inputs.data.ratios, again.data.ratios)
    np.testing.assert_array_equal(inputs._known.table.keys, again._known.table.keys)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_n_grams_have_the_same_counts_however_many_texts_are_counted_at_a_time(monkeypatch, block):
    part = texts(1)
    whole, _ = learnt(part)
    monkeypatch.setattr("unroll.models.ngrams.inputs.TEXTS", block)
    found, _ = learnt(part)
    np.testing.assert_array_equal(found.data.ratios, whole.data.ratios)
    np.testing.assert_array_equal(found._known.table.keys, whole._known.table.keys)


def test_counts_of_n_grams_with_an_error_are_too_high_by_at_most_it_and_take_less_memory():
    draw, error = np.random.default_rng(3), 0.01
    exact, bounded = Counter(), Counter(error)
    for block in range(60):
        keys, counts = np.unique(draw.pareto(0.8, 300).astype(np.int64), return_counts=True)
        keys, counts = np.append(keys, 10**9 + block), np.append(np.minimum(counts, 50), 1)
        order = np.argsort(keys)
        for counter in (exact, bounded):
            counter.add(keys[order], counts[order], texts=50)
    true = dict(zip(exact.keys.tolist(), exact.counts.tolist(), strict=True))
    found = dict(zip(bounded.keys.tolist(), bounded.counts.tolist(), strict=True))
    most = error * 60 * 50
    assert all(true[key] <= count <= true[key] + most for key, count in found.items())
    assert all(true[key] <= most for key in true.keys() - found.keys())
    assert len(found) < len(true) / 3
    assert bounded.keys.tolist() == sorted(found)


def test_of_a_long_text_the_first_third_and_the_end_are_read(folder):
    inputs, _ = learnt(texts(1))
    inputs.save(folder)
    known = Known.load(folder)
    words = [WORDS[i % len(WORDS)] for i in range(40)]
    ids = known.ids(words)
    long, short = known.encode([words, [*words[:2], "?"]])[:, :, 0].tolist()
    assert long == [*ids[:4], *ids[-8:]]
    assert short == [PAD] * 9 + [*ids[:2], 2]
    assert len(known.encode([])) == 0


def test_rows_are_updated_as_a_dense_update_would_and_others_are_not():
    rng, start = np.random.default_rng(0), np.ones((9, 3), np.float32)
    values, rows = rng.normal(size=(2, 4, 3)).astype(np.float32), [7, 0, 3, 4]
    tables = [keras.Variable(start, name="vectors") for _ in range(2)]
    for table, sparse in zip(tables, (True, False), strict=True):
        optimizer = RowAdagrad(0.1, {"vectors": 2.0}, 1.0)
        for value in values:
            gradient = tf.IndexedSlices(value, rows, (9, 3))
            optimizer.apply([gradient if sparse else tf.convert_to_tensor(gradient)], [table])
    sums, expected = np.full((9, 3), START, np.float32), start.copy()
    for value in values:
        sums[rows] += value**2
        expected[rows] -= 0.1 * 2.0 * value / np.sqrt(sums[rows])
    for table in tables:
        np.testing.assert_allclose(table.numpy(), expected, rtol=1e-5)


def test_a_killed_training_ends_as_if_it_had_not_been(folder):
    whole, _ = trained(folder / "curves.csv", unfinished=folder)
    (folder / "epoch-000003.npz").unlink()  # what is left is that of the second one of three
    model, _ = trained(folder / "curves.csv", unfinished=folder)
    for one, two in zip(whole.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_jax_trains_as_tensorflow_does(folder):
    changes = {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # compiles sooner
    }
    out = str(folder / "jax.npy")
    output_of([sys.executable, "tests/ngram_layers.py", out], ROOT, changes, code=0)
    expected = scores(folder / "curves.csv")
    np.testing.assert_allclose(np.load(out), expected, atol=1e-4)
    assert np.ptp(expected) > 0.3


@pytest.mark.parametrize(("gates", "memory"), [(True, True), (True, False), (False, False)])
def test_a_saved_model_gives_the_same_in_keras_and_onnx(folder, gates, memory):
    inputs, model, part = built(gates=gates, memory=memory)
    part.x[:, 1:] %= inputs.data.rows  # as texts that were not counted
    x = inputs.rows(part)
    expected = model(x).numpy()
    saving.save(model, folder)
    np.testing.assert_allclose(Network(folder)(x), expected, atol=1e-5)
    if memory:
        np.testing.assert_allclose(saving.predict(saving.load(folder), x), expected, atol=1e-5)


@pytest.mark.parametrize(("gates", "memory"), [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("words", [1, 9, 40])  # the model reads 12
def test_contributions_add_up_to_the_log_odds(folder, gates, memory, words):
    inputs, model, _ = built(gates=gates, memory=memory)
    saving.save(model, folder)
    inputs.save(folder)
    said = {"task": TWO, "kind": "text", "corpus": "a", "classes": ["n", "p"], "length": 12}
    write_json(folder / TASK, said)
    scorer = scorer_of(folder)
    rng = np.random.default_rng(words)
    text = " ".join(rng.choice([*WORDS, "unknown"], words))
    found = scorer.contributions(text)
    assert [word for word, _ in found] == text.split()
    score = float(scorer([text])[0])
    total = sum(share for _, share in found) + float(model.layers[-1].bias[0])
    assert total == pytest.approx(math.log(score / (1 - score)), abs=1e-4)
    assert any(share for _, share in found)


@pytest.mark.parametrize(
    ("kind", "classes", "said"),
    [("text", ["a", "b", "c"], "text of 3 classes"), ("series", ["a", "b"], "series of 2 classes")],
)
def test_other_corpora_are_refused_in_a_line(kind, classes, said):
    found = About(kind, classes, "rows", "label", (1, 9))
    with pytest.raises(UserError, match=f"tells two classes of texts apart; a has {said}"):
        check_fit("m", "a", Ngrams.model_validate(SETTINGS), found)


def test_memory_needs_gates():
    with pytest.raises(ValidationError, match="memory should be false where gates is false"):
        Ngrams.model_validate(SETTINGS | {"gates": False})
