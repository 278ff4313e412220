"""What the word vectors of a model hold near each other.

(A. Caliskan, J. J. Bryson and A. Narayanan, Semantics derived automatically from language corpora
contain human-like biases, Science 356, 2017.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import h5py
import numpy as np

from harness.core.files import read_json
from unroll.core.paths import VOCABULARY, WEIGHTS
from unroll.core.tokens import FIRST

# Of each set, so that all ways to divide two of them can be tried.
MOST = 8


def vectors(folder: Path) -> dict[str, np.ndarray]:
    """The learned vector of each word, of length 1; none of a model without an embedding layer."""
    said = read_json(folder / VOCABULARY)
    with h5py.File(folder / WEIGHTS) as file:
        found = file.get("layers/embedding/vars/0")
        if found is None:
            return {}
        table = found[()].astype(np.float64)
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    # The most frequent words may be unknown to the model, and their vectors are not trained.
    known = list(enumerate(said["vocabulary"]))[said.get("skip_top", 0) :]
    return {word: table[FIRST + i] for i, word in known if FIRST + i < len(table)}


def association(
    of: Mapping[str, np.ndarray], sets: Mapping[str, Sequence[str]]
) -> dict[str, float] | None:
    """The embedding association test; None where two sets or more have fewer than two known words.

    Args:
        of: the vector of each word, of length 1.
        sets: the words `of` and `and`, which are compared, and `with` and `against`, to which.

    Returns:
        `effect`, Cohen's d, positive if the words `of` are nearer to `with` than those `and` are;
        `p`, the share of all divisions of both sets into equal halves whose effect is as large;
        `words`, how many of each of the two sets are known.
    """
    x, y, a, b = (
        np.array([of[word] for word in sets[name] if word in of][:MOST])
        for name in ("of", "and", "with", "against")
    )
    size = min(len(x), len(y))
    if min(size, len(a), len(b)) < 2:
        return None
    both = np.concatenate([x[:size], y[:size]])
    near = (both @ a.T).mean(axis=1) - (both @ b.T).mean(axis=1)
    effect = (near[:size].mean() - near[size:].mean()) / near.std(ddof=1)
    halves = near[np.array(list(combinations(range(2 * size), size)))].sum(axis=1)
    p = float((halves >= near[:size].sum() - 1e-12).mean())
    return {"effect": round(float(effect), 4), "p": round(p, 4), "words": size}


def neighbors(of: Mapping[str, np.ndarray], word: str, count: int = 5) -> dict[str, float]:
    """The words with the nearest vectors and their cosines, the nearest first."""
    if word not in of:
        return {}
    words = [other for other in of if other != word]
    cosines = np.array([of[other] for other in words]) @ of[word]
    best = np.argsort(-cosines, kind="stable")[:count]
    return {words[i]: round(float(cosines[i]), 4) for i in best}
