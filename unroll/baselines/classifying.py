"""Every baseline that tells the classes of a corpus apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.files import read_json, write_json
from unroll.baselines import numbers
from unroll.baselines.rows import Rows
from unroll.baselines.texts import Baseline, counted, methods
from unroll.core import paths

Scores = tuple[np.ndarray, np.ndarray]


def every(corpus: str, rows: Rows, settings: dict[str, Any]) -> Iterator[tuple[str, Scores]]:
    """Each method, and the probabilities that it gives to the rows that validate and test.

    They are those of the second of two classes, float32 (n,), or of each class, (n, classes).
    Those of texts are saved beside, to be asked about other texts.

    Args:
        settings: the section `baseline` of `params.yaml`.
    """
    classes = len(rows.of.classes)
    shares = (np.bincount(rows.y, minlength=classes) / len(rows.y)).astype(np.float32)
    majority = shares if classes > 2 else shares[1]
    yield "majority", _both(np.array([majority] * n) for n in (len(rows.held), len(rows.test)))
    if rows.of.kind == "text":
        yield from _of_texts(paths.baselines(corpus), corpus, rows, settings)
        return
    x, *others = rows.flat()
    for name, scores in (
        ("linear", numbers.linear(x, rows.y, others)),
        ("neighbors", numbers.neighbors(x, rows.y, others, settings["neighbors"])),
    ):
        filled = [np.zeros((len(each), classes), np.float32) for each in scores]
        for one, each in zip(filled, scores, strict=True):
            one[:, np.unique(rows.y)] = each  # a class without a row to learn from has none
        yield name, _both(one[:, 1] if classes == 2 else one for one in filled)


def _of_texts(
    folder: Path, corpus: str, rows: Rows, settings: dict[str, Any]
) -> Iterator[tuple[str, Scores]]:
    vocabulary = read_json(paths.prepared(corpus) / paths.VOCABULARY)
    write_json(folder / paths.VOCABULARY, vocabulary)
    every = methods(settings["last"])
    tested = np.arange(len(rows.test))
    parts = (rows.whole, rows.learnt), (rows.other, rows.held), (rows.test, tested)
    for name, ngrams, counts in counted(every, vocabulary, parts, settings["min_count"]):
        learnt, *others = counts
        of = vocabulary, ngrams, learnt, rows.y, len(rows.of.classes)
        fitted = Baseline.fit(every[name], *of)
        fitted.save(folder / name)
        yield name, _both(map(fitted.linear.probabilities, others))


def _both(scores: Iterator[np.ndarray]) -> Scores:
    held, test = scores
    return held, test
