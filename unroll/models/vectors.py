"""Word vectors counted in the texts that a model learns from, and in no others.

Words that stand near the same words begin alike, so that what training says of one holds for those
like it: 20,000 texts say too little of most words. The vectors are the positive pointwise mutual
information of words and their neighbors, reduced by the singular value decomposition (O. Levy and
Y. Goldberg, Neural word embedding as implicit matrix factorization, NIPS 2014; weights by distance
and smoothed neighbors as in O. Levy, Y. Goldberg and I. Dagan, Improving distributional similarity
with lessons learned from word embeddings, TACL 3, 2015).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import coo_array, csr_array

from unroll.core.tokens import FIRST

WINDOW = 5  # words on each side that are neighbors; one at distance d counts 1 / d
SMOOTHING = 0.75  # exponent of the frequencies of neighbors, so that rare ones say less
DEVIATION = 0.15  # of all numbers: what training adds is of that size
# Words of the texts in which neighbors are counted at a time; sums of floats depend on it.
WORDS = 2**24
Texts = tuple[np.ndarray, np.ndarray]


def counted(texts: Iterable[Texts], vocabulary: int, size: int) -> np.ndarray | None:
    """The vectors of a vocabulary, float32 (vocabulary, size); those of special tokens are zeros.

    Args:
        texts: some texts at a time: their words, one text after the other, integers (total,), and
            where each text ends in these.
        vocabulary: ids, the special tokens included.
        size: numbers of a vector.

    Returns:
        None if no two known words stand near each other more often than by chance.
    """
    near = _neighbors(texts, vocabulary)
    total = near.sum()
    if not total:
        return None
    own, other = near.sum(axis=1), near.sum(axis=0) ** SMOOTHING
    near.data = np.log(near.data * other.sum() / (own[near.row] * other[near.col]))
    near.data = np.maximum(near.data, 0)
    if not near.data.any():
        return None
    return _reduced(csr_array(near), size)


def _neighbors(texts: Iterable[Texts], vocabulary: int) -> coo_array:
    """How often each word stands near each other one, floats (vocabulary, vocabulary)."""
    found = csr_array((vocabulary, vocabulary), dtype=np.float64)
    for ids, ends in texts:
        owner = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        for distance in range(1, WINDOW + 1):
            one, two = ids[distance:], ids[:-distance]
            near = (owner[distance:] == owner[:-distance]) & (one >= FIRST) & (two >= FIRST)
            pairs = one[near].astype(np.int32), two[near].astype(np.int32)
            weights = np.full(len(pairs[0]), 1 / distance)
            found += csr_array(coo_array((weights, pairs), shape=found.shape))
    return coo_array(found + found.T)


def _reduced(matrix: csr_array, size: int) -> np.ndarray:
    """The rows of a matrix in `size` numbers or, of a smaller matrix, in as many as it allows."""
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    kept = min(size, matrix.shape[0] - 1)
    with threadpool_limits(1):  # the sums depend on the threads
        left, values, _ = randomized_svd(matrix, kept, n_iter=4, random_state=0)
    vectors = np.zeros((matrix.shape[0], size), np.float32)
    vectors[:, :kept] = left * np.sqrt(values)
    vectors[:FIRST] = 0
    return vectors * np.float32(DEVIATION / vectors[FIRST:].std())
