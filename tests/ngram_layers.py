"""A small model of n-grams, trained on made-up texts on the backend in use; writes its scores.

Run by tests/test_ngrams.py in a process of its own, as a backend is chosen once a process.
"""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from unroll.core.datasets import Part
from unroll.core.tokens import FIRST
from unroll.models.architectures import gated_ngrams
from unroll.models.ngrams.inputs import NgramInputs
from unroll.models.parameters import Ngrams
from unroll.training.loop import fit
from unroll.training.rows import Rows

LEARNT = np.arange(50)  # of 60 texts
WORDS = [f"w{i}" for i in range(12)]
SETTINGS = {
    "architecture": "gated_ngrams",
    **{"units": 2, "least_count": 2, "alpha": 0.5, "length": 12, "batch": 8, "epochs": 3},
    "schedule": {"name": "cosine", "warmup": 0.0},
}


def texts(seed: int, count: int = 60) -> Part:
    """Texts of 1 to 15 words, in which the class is in the order of two words."""
    rng = np.random.default_rng(seed)
    lengths, y = rng.integers(1, 16, count), rng.integers(0, 2, count).astype(np.uint8)
    rows = [rng.integers(FIRST, FIRST + len(WORDS), length) for length in lengths]
    for row, label in zip(rows, y, strict=True):
        if len(row) > 4:
            row[1:3] = (FIRST, FIRST + 1) if label else (FIRST + 1, FIRST)
    return Part(np.concatenate(rows).astype(np.uint16), y, np.cumsum(lengths))


def built(**changes: object) -> tuple[NgramInputs, Any, Part]:
    """The inputs, a model with random weights, and what it reads of 60 texts; 50 are counted."""
    parameters = Ngrams.model_validate(SETTINGS | changes)
    inputs = NgramInputs("m", "a", parameters, WORDS)
    read = inputs.learn(texts(1), LEARNT)
    keras.utils.set_random_seed(1)
    model = gated_ngrams.build(parameters, inputs.data, "m")
    values = np.random.default_rng(1)
    for weight in model.trainable_weights:  # the same on every backend
        weight.assign(values.normal(weight.name in ("vectors", "kernel"), 0.1, weight.shape))
    return inputs, model, read


def trained(curves: Path, unfinished: Path | None = None, **changes: object) -> tuple[Any, Any]:
    """The model after some epochs, and its rows of all texts."""
    inputs, model, part = built(**changes)

    def rows(chosen: np.ndarray) -> Rows:
        y = part.y[chosen, np.newaxis].astype(np.float32)
        return Rows(inputs.rows(part, chosen), y, part.lengths[chosen])

    fit(
        *(model, rows(LEARNT), rows(np.arange(50, 60))),
        Ngrams.model_validate(SETTINGS | changes).model_dump(),
        loss="binary_crossentropy",
        seed=1,
        curves=curves,
        prepare=inputs.prepare,
        unfinished=unfinished,
    )
    return model, inputs.rows(part)


def scores(out: Path) -> np.ndarray:
    """What a model scores that was trained without dropout, whose masks differ by backend."""
    model, x = trained(out, dropout_input=0, dropout_gates=0, dropout_output=0)
    return model.predict(x, verbose=0)


if __name__ == "__main__":
    np.save(sys.argv[1], scores(Path(sys.argv[1]).with_suffix(".csv")))
