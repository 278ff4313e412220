"""From texts to the rows that a trained model reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from unroll.core.paths import NGRAMS, VOCABULARY
from unroll.preprocessing.vocabulary import Vocabulary
from unroll.preprocessing.words import tokens

# From texts to their rows, each the ids of words (length,), or words and n-grams
# (length, 1 + longest).
Encode = Callable[[Sequence[str]], Sequence[np.ndarray]]


def encoder(folder: Path) -> Encode:
    """What turns texts into the rows that the model in a folder reads: ids of words, or n-grams.

    Raises:
        UserError: a file is missing or damaged.
    """
    if (folder / NGRAMS).exists():
        from unroll.models.ngrams.known import Known

        ngrams = Known.load(folder)
        return lambda texts: [*ngrams.encode([tokens(text) for text in texts])]
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    return lambda texts: [np.array(vocabulary.encode(text), vocabulary.dtype) for text in texts]
