"""A model's block of `params.yaml` for a corpus: what depends on its size, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.core.errors import UserError
from unroll.adding.looking import Seen
from unroll.models import architectures
from unroll.models.inputs import check_fit
from unroll.models.parameters import Autoencoder, Classifier

# These are where to begin, and the validation loss says how to go on. No test figure chose them.
# Rows of a batch by the training rows below which it is for: with many rows, large batches make an
# epoch fast; with few, small ones leave it enough steps.
BATCHES = ((2_000, 16), (10_000, 32), (50_000, 64))
MOST_BATCH = 128
# Steps of a training, as far as the epochs allow it; the schedule is stretched over all of them.
STEPS, EPOCHS = 2_000, (5, 60)
# Nine texts in ten are read whole, unless they are long: time grows with the length.
READ, MOST_WORDS, MOST_STEPS = 0.9, 256, 1_000
LARGE, WORDS = 10_000, (10_000, 20_000)


def model(corpus: str, seen: Seen, architecture: str | None) -> tuple[str, str, dict[str, Any]]:
    """The training stage of a model, its name, and its block.

    Args:
        architecture: one of `unroll.models.architectures`; by default an LSTM, or an autoencoder
            where rows have no labels.

    Raises:
        UserError: the model cannot read the corpus.
    """
    if architecture is None:
        if seen.kind == "text" and not seen.classes:
            raise UserError(
                f"{corpus}: texts without labels; a model of texts learns to tell classes apart, "
                "so say with --label which column has them"
            )
        architecture = "lstm" if seen.classes else "lstm_autoencoder"
    parameters = architectures.find(architecture).Parameters
    rebuilds = issubclass(parameters, Autoencoder)
    family = "ae" if rebuilds else "rnn" if architecture == "simple_rnn" else "lstm"
    batch = next((size for below, size in BATCHES if seen.train < below), MOST_BATCH)
    epochs = int(np.clip(round(STEPS * batch / seen.train), *EPOCHS))
    block = {"architecture": architecture, "batch": batch, "epochs": epochs, "patience": epochs}
    if issubclass(parameters, Classifier):
        block |= _sequences(seen)
    name = f"{corpus}_{architecture if family == 'lstm' else family}"
    check_fit(name, corpus, parameters.model_validate(block), seen.about)
    return family, name, block


def _sequences(seen: Seen) -> dict[str, Any]:
    """What a classifier reads of each row; a model of n-grams reads what its defaults say."""
    if seen.kind == "images":
        return {}
    most = int(seen.lengths.max())
    varied = {"mask": True} if seen.lengths.min() < most else {}
    if seen.kind == "series":
        return {"length": min(most, MOST_STEPS)} | varied
    length = max(1, min(int(np.quantile(seen.lengths, READ)), MOST_WORDS))
    return {"vocabulary": WORDS[seen.train >= LARGE], "length": length} | varied
