"""How two models differ on the rows that they have in common; reports and sweeps ask here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.core.files import read_json
from unroll.core import paths
from unroll.core.arrays import read_array
from unroll.metrics import paired
from unroll.metrics.paired import Difference
from unroll.reporting import trained

# From the path of an output to the file that has its content, which may be in the cache.
Find = Callable[[Path], Path | None]


@dataclass(frozen=True)
class Scored:
    """What a model says of each row.

    Attributes:
        rows: what tells whether the rows of two models are the same.
        y: the numbers of their classes, (n,); None without classes.
        scores: (n,) or (n, k); None of a model that rebuilds its input.
        losses: (n,) of such a model; None of others.
        threshold: of the scores of class 1, where there are two classes.
    """

    rows: tuple[np.ndarray, ...]
    y: np.ndarray | None
    scores: np.ndarray | None
    losses: np.ndarray | None
    threshold: float | None


def compare(model: str, before: Find, after: Find, part: str) -> dict[str, Difference]:
    """The differences of the metrics of a model in two revisions; none where rows differ."""
    corpus = trained.corpora().get(model)
    if corpus is None:
        return {}
    return differences(scored(model, corpus, before, part), scored(model, corpus, after, part))


def of_models(first: str, second: str, part: str = "test") -> dict[str, Difference]:
    """The differences of two models of the work tree, second minus first; none on other corpora."""
    corpora = trained.corpora()
    if corpora[first] != corpora[second]:
        return {}
    one, other = (scored(name, corpora[name], here, part) for name in (first, second))
    return differences(one, other)


def here(path: Path) -> Path | None:
    """The file in the work tree."""
    return path if path.exists() else None


def scored(model: str, corpus: str, find: Find, part: str) -> Scored | None:
    """What a model says of the rows that test, or of those that validate.

    Args:
        part: `test` or `validation`.

    Returns:
        None where a file is missing.
    """

    def array(path: Path) -> np.ndarray | None:
        found = find(path)
        return None if found is None else read_array(found)

    data, is_test = paths.prepared(corpus), part == "test"
    folder = paths.evaluated(model) if is_test else paths.validated(model)
    scores, losses = array(folder / "scores.npy"), array(folder / "losses.npy")
    y = array(data / f"y_{'test' if is_test else 'train'}.npy")
    held = None if is_test else array(data / paths.VALIDATION)
    said = scores if scores is not None else losses
    task = find(paths.model(model) / paths.TASK)
    if said is None or task is None or not (is_test or held is not None):
        return None
    if y is not None:
        y = y if held is None else y[held]
        if len(y) != len(said):  # the protocol of the book validates on other rows
            return None
    rows = tuple(array for array in (held, y) if array is not None)
    return Scored(rows, y, scores, losses, read_json(task).get("threshold"))


def differences(first: Scored | None, second: Scored | None) -> dict[str, Difference]:
    """The differences of two models by metric, second minus first; none where rows differ."""
    if first is None or second is None or len(first.rows) != len(second.rows):
        return {}
    if not all(map(np.array_equal, first.rows, second.rows)):
        return {}
    if first.losses is not None and second.losses is not None:
        if len(first.losses) != len(second.losses):
            return {}
        each = second.losses.astype(np.float64) - first.losses
        return paired.means({"loss": (each, None)})
    if first.y is None or first.scores is None or second.scores is None:
        return {}
    if first.scores.shape != second.scores.shape:
        return {}
    thresholds = None
    if first.threshold is not None and second.threshold is not None:
        thresholds = first.threshold, second.threshold
    return paired.classifiers(first.y, (first.scores, second.scores), thresholds)
