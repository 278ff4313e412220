"""What a training reads row by row from the disk is what it would hold in memory."""

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter
from tiny import files

from harness.core.params import Declared
from unroll.core import parts, paths
from unroll.core.datasets import read
from unroll.core.parts import Late, Part
from unroll.corpora.blocks import Block
from unroll.preprocessing.corpus import prepare
from unroll.training import rows, train
from unroll.training.rows import Mapped

LIMIT = 70  # ids of words, the others are of marks


def part(seed: int = 0) -> Part:
    """Texts of 1 to 40 ids, at least one of a word."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 41, 50)
    x = draw.integers(2, 100, lengths.sum()).astype(np.uint16)
    x[np.cumsum(lengths) - 1] = 2
    return Part(x, draw.integers(0, 2, 50), np.cumsum(lengths))


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_a_part_without_some_ids_reads_as_its_copy_without_them(monkeypatch, block):
    monkeypatch.setattr(parts, "BLOCK", block)
    whole, some = part(), np.array([3, 49, 0, 3])
    copied = whole.below(LIMIT)
    monkeypatch.setattr(parts, "COPIED", 100)
    found = whole.below(LIMIT)
    assert isinstance(found, Late)
    assert not isinstance(copied, Late)
    assert len(found) == len(copied)
    assert found.lengths.tolist() == copied.lengths.tolist()
    for head in (0, 3):
        for chosen in (None, some):
            padded, expected = (each.padded(9, 0, chosen, head) for each in (found, copied))
            np.testing.assert_array_equal(padded, expected)
            assert padded.dtype == expected.dtype
    for last in (None, 5):
        one, two = found.take(some, last), copied.take(some, last)
        for of in ("x", "y", "lengths"):
            assert getattr(one, of).tolist() == getattr(two, of).tolist()


TEXT = {"vocabulary": 40, "length": 6, "embedding": 4, "units": 3}
MODELS = {
    "texts": {"architecture": "simple_rnn", **TEXT},
    "texts without padding": {"architecture": "lstm", "mask": True, **TEXT},
    "counted vectors": {"architecture": "gru", "vectors": "counted", **TEXT},
    "n-grams": {"architecture": "gated_ngrams", "length": 6, "units": 2, "least_count": 2},
    "series": {"architecture": "lstm", "length": 4, "units": 3, "mask": True},
    "images": {"architecture": "lstm_autoencoder", "units": 3},
}


def corpus(kind: str) -> None:
    """A corpus of 80 rows of two classes, that a model can learn."""
    draw = np.random.default_rng(0)
    y = np.arange(80) % 2
    block: dict[str, object]
    if kind == "images":
        x = draw.integers(0, 256, (80, 4, 3), np.uint8)
        np.savez("a.npz", allow_pickle=False, x=x, y=y)
        block = {"kind": kind, "path": "a.npz"}
    elif kind == "series":
        lines = [f"{i},{draw.normal()},{y[i]}" for i in range(80) for _ in range(1 + i % 6)]
        block = {"kind": kind, "path": "a.csv", "series": "s", "label": "label"}
        block |= {"values": ["v"]}
        with open("a.csv", "w") as file:
            file.write("\n".join(["s,v,label", *lines]) + "\n")
    else:
        texts = [" ".join(f"w{n}!" for n in draw.integers(0, 20, 1 + i % 12)) for i in range(80)]
        with open("a.csv", "w") as file:
            lines = [f"{text} {'pq'[y[i]]},{y[i]}" for i, text in enumerate(texts)]
            file.write("\n".join(["text,label", *lines]) + "\n")
        block = {"kind": "text", "path": "a.csv", "label": "label"}
    prepare("a", TypeAdapter(Block).validate_python(block | {"validation": 0.2}))


def learned(model: dict) -> dict[str, bytes]:
    """All that a training writes."""
    keras.utils.clear_session()  # as if each training had a process of its own
    keras.utils.set_random_seed(1)
    params = {
        "seed": 1,
        "protocol": "holdout",
        "train": {"backend": "tensorflow", "precision": "float32", "threads": 1},
        "models": {"m": {"epochs": 2, "batch": 16, **model}},
    }
    train.train("m", "a", Declared(params, list(params), "train"))
    found = files(paths.model("m")) | files(paths.validated("m"))
    return found | {"curves": paths.curves("m").read_bytes()}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_the_same_bytes_if_its_rows_are_held_and_if_they_are_not(
    folder, monkeypatch, name
):
    corpus(name if name in ("series", "images") else "text")
    held = learned(MODELS[name])
    monkeypatch.setattr(rows, "HELD", 0)
    monkeypatch.setattr(parts, "COPIED", 0)
    seen: list[bool] = []
    given = train.fit

    def fit(model, learnt, validation, *rest, **options):
        seen.extend(isinstance(each.x, Mapped) for each in (learnt, validation))
        given(model, learnt, validation, *rest, **options)

    monkeypatch.setattr(train, "fit", fit)
    assert learned(MODELS[name]) == held
    assert seen == [True, True]
    assert len(read("a", "train")) == 64
