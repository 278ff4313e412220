"""From a text to the row that a trained model reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from unroll.core.paths import NGRAMS, VOCABULARY
from unroll.preprocessing.vocabulary import Vocabulary
from unroll.preprocessing.words import tokens

# From a text to its row: ids of words (n,), or words and n-grams (n, 1 + longest).
Encode = Callable[[str], np.ndarray]


def encoder(folder: Path) -> Encode:
    """What turns a text into the row that the model in a folder reads: ids of words, or n-grams.

    Raises:
        UserError: a file is missing or damaged.
    """
    if (folder / NGRAMS).exists():
        from unroll.models.ngrams.known import Known

        ngrams = Known.load(folder)
        return lambda text: ngrams.encode(tokens(text))
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    return lambda text: np.array(vocabulary.encode(text), vocabulary.dtype)
