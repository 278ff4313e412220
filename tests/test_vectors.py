"""Word vectors that are counted before training."""

import numpy as np
import pytest
from pydantic import ValidationError

from unroll.core.datasets import Part
from unroll.core.tokens import FIRST, UNKNOWN
from unroll.models import architectures
from unroll.models.inputs import Inputs
from unroll.models.parameters import Classifier
from unroll.models.stacks import Data
from unroll.models.vectors import DEVIATION, counted

# Words 0 to 3 stand between the same neighbors 8 and 9, words 4 to 7 between 10 and 11.
KINDS, NEIGHBORS = ([0, 1, 2, 3], [4, 5, 6, 7]), ((8, 9), (10, 11))
SIZE = FIRST + 12


def texts(count: int = 60) -> Part:
    rng = np.random.default_rng(0)
    rows = []
    for i in range(count):
        before, after = NEIGHBORS[i % 2]
        middle = rng.choice(KINDS[i % 2], 10)
        rows.append(np.ravel([(before, word, after) for word in middle]) + FIRST)
    ends = np.cumsum([len(row) for row in rows])
    return Part(np.concatenate(rows).astype(np.int32), np.arange(count) % 2, ends)


def vectors(part: Part, size: int) -> np.ndarray:
    assert part.ends is not None
    found = counted([(part.x, part.ends)], SIZE, size)
    assert found is not None
    return found


def cosine(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / norms) @ (vectors / norms).T


def test_words_with_the_same_neighbors_have_like_vectors():
    part = texts()
    found = vectors(part, 4)
    assert found.shape == (SIZE, 4)
    assert found.dtype == np.float32
    assert not found[:FIRST].any()
    assert found[FIRST:].std() == pytest.approx(DEVIATION, rel=1e-5)
    near = cosine(found[FIRST : FIRST + 8])
    assert near[:4, :4].min() > 0.9
    assert near[4:, 4:].min() > 0.9
    assert near[:4, 4:].max() < 0.5
    np.testing.assert_array_equal(found, vectors(part, 4))


def test_words_of_different_texts_are_no_neighbors():
    one = np.array([FIRST, FIRST + 1], np.int32)
    assert counted([(one, np.array([1, 2]))], FIRST + 2, 2) is None
    assert counted([(np.repeat(one, 2), np.array([2, 4]))], FIRST + 2, 2) is not None


def test_a_small_vocabulary_has_vectors_of_the_size_that_is_asked_for():
    part = texts(4)
    found = vectors(part, 64)
    assert found.shape == (SIZE, 64)
    assert not found[:, SIZE:].any()


@pytest.mark.parametrize("x", [np.full(8, UNKNOWN), np.empty(0, int)], ids=["unknown", "none"])
def test_without_known_neighbors_there_are_no_vectors(x):
    assert counted([(x, np.array([len(x)]))], SIZE, 4) is None


def inputs() -> Inputs:
    data = Data(30, None, SIZE, 2, False)
    return Inputs("a", "text", data, False, [f"w{i}" for i in range(12)], 0, np.arange(SIZE), 4)


def test_rows_that_are_not_learned_from_change_no_vector():
    part, learnt = texts(), np.arange(40)
    one, other = inputs(), inputs()
    one.learn(part, learnt)
    part.x[np.repeat(np.arange(60) >= 40, part.lengths)] = FIRST
    other.learn(part, learnt)
    assert one.data.vectors is not None
    np.testing.assert_array_equal(one.data.vectors, other.data.vectors)
    other.learn(part, np.arange(60))
    assert other.data.vectors is not None
    assert not np.array_equal(one.data.vectors, other.data.vectors)


@pytest.mark.parametrize("words", [1, 100, 250])
def test_the_neighbors_of_some_texts_at_a_time_are_those_of_all(monkeypatch, words):
    whole, found = inputs(), inputs()
    whole.learn(texts(), np.arange(3, 40))
    monkeypatch.setattr("unroll.models.vectors.WORDS", words)
    blocks = [len(ends) for _, ends in found._texts(texts(), np.arange(3, 40))]
    assert sum(blocks) == 37
    assert len(blocks) > 3
    found.learn(texts(), np.arange(3, 40))
    assert found.data.vectors is not None
    assert whole.data.vectors is not None
    np.testing.assert_allclose(found.data.vectors, whole.data.vectors, atol=1e-6)


def test_a_model_begins_with_them():
    given = inputs()
    given.learn(texts(), np.arange(40))
    block = {"architecture": "lstm", "embedding": 4, "units": 2, "vectors": "counted"}
    parameters = Classifier.model_validate(block)
    model = architectures.find("lstm").build(parameters, given.data, "m")
    np.testing.assert_array_equal(model.get_layer("embedding").get_weights()[0], given.data.vectors)


def test_other_vectors_are_refused():
    with pytest.raises(ValidationError, match=r"'random' or 'counted'"):
        Classifier.model_validate({"architecture": "lstm", "vectors": "borrowed"})
