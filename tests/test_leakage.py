"""The test split decides nothing, and what validates is not learned from."""

from pathlib import Path
from typing import Any

import keras
import pytest
from pydantic import TypeAdapter
from tiny import files

from harness.core.params import Declared
from unroll.core import paths
from unroll.corpora.blocks import Block
from unroll.preprocessing.corpus import prepare
from unroll.training import train
from unroll.training.rows import Rows

pytestmark = pytest.mark.slow

MODEL = {"architecture": "simple_rnn", "units": 3, "epochs": 1, "batch": 16}
MODEL |= {"vocabulary": 40, "length": 6, "embedding": 4}
PARAMS = {
    "seed": 1,
    "protocol": "holdout",
    "train": {"backend": "tensorflow", "precision": "float32", "threads": 1},
    "models": {"m": MODEL},
}
BLOCK = {
    "kind": "text",
    "path": "a.csv",
    "label": "label",
    "split": {"column": "part"},
    "validation": 0.2,
}


def texts(flipped: bool) -> None:
    """Each row has two words that no other has both, so that a row of ids tells which it is."""
    lines = ["text,label,part"]
    for i in range(80):
        is_test = i >= 60
        label = "ab"[(i + (flipped and is_test)) % 2]
        part = "test" if is_test else "train"
        lines.append(f"x{i // 10} y{i % 10} {'pq'[i % 2]},{label},{part}")
    Path("a.csv").write_text("\n".join(lines) + "\n")
    prepare("a", TypeAdapter(Block).validate_python(BLOCK))


def learned() -> dict[str, bytes]:
    """All that training writes, from the weights to the threshold, and what it learned from."""
    keras.utils.clear_session()  # as if each training had a process of its own
    keras.utils.set_random_seed(1)
    train.train("m", "a", Declared(PARAMS, list(PARAMS), "train"))
    found = {f"model {name}": body for name, body in files(paths.model("m")).items()}
    found |= {f"said {name}": body for name, body in files(paths.validated("m")).items()}
    found |= {f"data {name}": body for name, body in files(paths.prepared("a")).items()}
    found["metrics"] = paths.validation_metrics("m").read_bytes()
    left_out = ("data corpus.json", "data x_test.npy", "data y_test.npy", "data ends_test.npy")
    return {name: body for name, body in found.items() if name not in left_out}


def test_other_test_labels_change_nothing_of_a_model(folder):
    texts(False)
    labels = (paths.prepared("a") / "y_test.npy").read_bytes()
    before = learned()
    texts(True)
    assert (paths.prepared("a") / "y_test.npy").read_bytes() != labels
    assert learned() == before
    assert {"model model.weights.h5", "model task.json", "said scores.npy"} <= set(before)
    assert "data validation.npy" in before


def test_no_row_that_validates_or_tests_is_trained_on(folder, monkeypatch):
    texts(False)
    seen: list[Rows] = []

    def fit(model: Any, rows: Rows, validation: Rows, *_: Any, **__: Any) -> None:
        seen.extend((rows, validation))

    monkeypatch.setattr(train, "fit", fit)
    learned()
    trained, validated = ({tuple(row) for row in rows.x[:].tolist()} for rows in seen)
    assert (len(trained), len(validated)) == (48, 12)  # of 60 that are all different
    assert not trained & validated
