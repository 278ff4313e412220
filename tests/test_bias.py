"""The stage `bias`: swaps, word vectors, and where errors are."""

import h5py
import numpy as np
import pytest
from conftest import ROOT

from harness.core.files import write_json
from harness.core.yaml import read_yaml
from unroll.behavior import association, errors, swaps
from unroll.core.paths import VOCABULARY, WEIGHTS

WORDS = [["he", "she"], ["his", "her"], ["him", "~her"]]


def test_words_take_the_form_of_a_side():
    tokens = ["she", "saw", "him", "and", "his", "film"]
    assert swaps.sought(WORDS) == ["he", "she", "his", "her", "him"]
    assert swaps.swapped(tokens, WORDS, 0) == ["he", "saw", "him", "and", "his", "film"]
    assert swaps.swapped(tokens, WORDS, 1) == ["she", "saw", "her", "and", "her", "film"]


def test_the_words_of_the_file_fit_their_sides():
    said = read_yaml(ROOT / "bias.yaml")
    for of in said["groups"].values():
        assert {len(row) for row in [*of["words"], *of["people"]]} == {len(of["sides"])}
        found = swaps.sought(of["words"])
        assert len(set(found)) == len(found) > 1
    for sets in said["associations"].values():
        assert len(sets["of"]) == len(sets["and"]) <= association.MOST


def test_changes_are_those_against_the_first_side():
    scores = np.array([[0.4, 0.6, 0.2, 0.2], [0.6, 0.7, 0.2, 0.2], [0.4, 0.6, 0.2, 0.2]])
    found = swaps.changes(scores, ["a", "b", "c"], 0.5, 200, np.random.default_rng(0))
    assert (found["texts"], found["flips"], found["largest"]) == (4, 0.25, 0.2)
    assert found["change"]["b"]["mean"] == 0.075
    assert found["change"]["b"]["low"] < 0.075 < found["change"]["b"]["high"]
    assert found["change"]["c"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_the_association_of_word_vectors_is_found_and_only_where_it_is():
    rng = np.random.default_rng(0)
    towards = {"with": [1, 0, 0], "against": [0, 1, 0], "of": [1, 0, 1], "and": [0, 1, 1]}
    vectors: dict[str, np.ndarray] = {}
    sets: dict[str, list[str]] = {}
    for name, place in towards.items():
        sets[name] = [f"{name}{i}" for i in range(5)]
        for word in sets[name]:
            near = np.array(place) + rng.normal(0, 0.1, 3)
            vectors[word] = near / np.linalg.norm(near)
    found = association.association(vectors, sets) or {}
    assert found["effect"] > 1.5
    assert found["p"] == round(1 / 252, 4)  # of all ways to choose 5 of 10
    turned = association.association(vectors, sets | {"of": sets["and"], "and": sets["of"]}) or {}
    assert (turned["effect"], turned["p"]) == (-found["effect"], 1.0)
    assert association.association(vectors, sets | {"of": ["with0", "none"]}) is None
    assert sorted(association.neighbors(vectors, "with0", 4)) == sets["with"][1:]
    assert association.neighbors(vectors, "none") == {}


def test_vectors_are_those_of_the_words_that_the_model_knows(tmp_path):
    write_json(tmp_path / VOCABULARY, {"vocabulary": ["the", "good", "bad"], "skip_top": 1})
    with h5py.File(tmp_path / WEIGHTS, "w") as file:
        file["layers/embedding/vars/0"] = np.arange(14, dtype=np.float32).reshape(7, 2)
    found = association.vectors(tmp_path)
    assert list(found) == ["good", "bad"]
    assert found["bad"] == pytest.approx(np.array([12, 13]) / np.hypot(12, 13))
    with h5py.File(tmp_path / WEIGHTS, "w") as file:
        file["layers/other/vars/0"] = np.zeros(3)
    assert association.vectors(tmp_path) == {}


def test_rows_are_counted_once_by_length():
    found = errors.by_length(np.array([1, 128, 129, 300, 512]))
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "1 to 128": [True, True, False, False, False],
        "129 to 256": [False, False, True, False, False],
        "257 to 512": [False, False, False, True, True],
    }


def test_errors_of_each_class_are_told_apart():
    y, called = np.repeat([0, 1], 50), np.repeat([0, 1, 1, 0], 25)
    found = errors.rates(y, called, 200, np.random.default_rng(0))
    assert (found["rows"], found["error"]) == (100, 0.5)
    assert (found["false_positive"], found["false_negative"]) == (0.5, 0.5)
    assert found["low"] < 0.5 < found["high"]
    assert "false_negative" not in errors.rates(y[:9], called[:9], 9, np.random.default_rng(0))


def test_errors_that_keep_together_are_more_uneven_than_by_chance():
    y, rng = np.repeat([0, 1], 1000), np.random.default_rng(0)
    even, uneven = rng.random(2000) < 0.1, np.arange(2000) % 1000 < 100
    found = errors.by_block(y, y ^ uneven, 25, rng)
    assert found["deviation"] == 0.3
    assert found["by_chance"] < 0.08
    assert found["worst"] == 1
    found = errors.by_block(y, y ^ even, 25, rng)
    assert found["deviation"] == pytest.approx(found["by_chance"], abs=0.02)
    assert errors.by_block(y[:10], y[:10], 25, rng) == {}


def test_the_surest_mistakes_come_first():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    scores = np.array([0.9, 0.8, 0.1, 0.3, 0.95, 0.6, 0.2, 0.4])
    assert errors.surest(y, scores, 0.5) == [0, 1, 6, 7, 2, 3, 4, 5]


def test_an_excerpt_is_where_words_contribute_most():
    values = [0.5, 0, 0, -1, 0, 1, 0, 0]
    assert errors.excerpt(values, 3) == slice(3, 6)
    assert errors.excerpt(values, 99) == slice(0, 8)
