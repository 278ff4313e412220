"""From a text to the row that a trained model reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from unroll.core.paths import METHOD, NGRAMS, VOCABULARY
from unroll.preprocessing.vocabulary import Vocabulary
from unroll.preprocessing.words import tokens


def encoder(folder: Path) -> Callable[[str], np.ndarray]:
    """What turns a text into the row that the model in a folder reads: ids of words, or n-grams.

    Rows of a baseline have all words of a text, those of a model one length.

    Raises:
        UserError: a file is missing or damaged.
    """
    if (folder / METHOD).exists():
        from unroll.predicting.linear import LinearScorer  # with scikit-learn, a second

        return LinearScorer(folder).ids
    if (folder / NGRAMS).exists():
        from unroll.models.ngrams.known import Known

        ngrams = Known.load(folder)
        return lambda text: ngrams.encode(tokens(text))
    vocabulary = Vocabulary.load(folder / VOCABULARY)
    return lambda text: np.array(vocabulary.encode(text), vocabulary.dtype)
