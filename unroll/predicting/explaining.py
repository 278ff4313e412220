"""Why a text has its score: what each of its words contributes.

By occlusion (J. Li, W. Monroe and D. Jurafsky, Understanding Neural Networks through Representation
Erasure, 2016): a word contributes by how much the log-odds fall when a word that no model knows
stands in its place. Contributions do not add up to the score, as words work together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unroll.preprocessing.words import is_mark, tokens

# In no vocabulary.
UNKNOWN_WORD = "qzxqzx"
# Words of a text that are looked at, the last ones: each of them costs a reading of the text.
MOST = 1000

Contributions = list[tuple[str, float]]


def contributions(scores: Callable[[Sequence[str]], np.ndarray], text: str) -> Contributions:
    """The words and marks of a text, in order, with what each adds to the log-odds of the answer.

    A model that says itself what they contribute, exactly, is asked for that; its contributions
    add up to the log-odds but for a constant.

    Args:
        scores: from texts to the probability of the second of two classes, (n,), or to that of
            each class, (n, classes); of these, the most probable one is explained.
    """
    if exact := getattr(scores, "contributions", None):
        return exact(text)
    found = tokens(text)
    first = max(0, len(found) - MOST)
    # A mark goes: a model that reads words alone must not find one in its place.
    without = [
        [*found[:place], *([] if is_mark(found[place]) else [UNKNOWN_WORD]), *found[place + 1 :]]
        for place in range(first, len(found))
    ]
    every = np.asarray(scores([" ".join(each) for each in (found, *without)]), np.float64)
    if every.ndim == 2:
        every = every[:, every[0].argmax()]
    every = np.clip(every, 1e-7, 1 - 1e-7)
    odds = np.log(every) - np.log1p(-every)
    return list(zip(found, [0.0] * first + (odds[0] - odds[1:]).tolist(), strict=True))
