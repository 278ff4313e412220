"""What the training of every classifier of reviews has in common."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from harness.core.files import replacing, write_json
from harness.core.params import Declared
from unroll.core import paths
from unroll.core.datasets import Part, training, vocabulary_size
from unroll.models import saving
from unroll.training.loop import fit
from unroll.training.threshold import youden_threshold


def train_classifier(
    name: str, build: Callable[[dict[str, Any], int, int], keras.Model], params: Declared
) -> None:
    """Train and save the model `name`, with the vocabulary that its inputs need.

    The threshold is picked on the protocol's validation rows and saved with the model.

    Args:
        build: makes the model from its section of `params.yaml`, the vocabulary size and the
            length of the sequences.
    """
    settings = params.models[name]
    train, validation = training("imdb", params.protocol)

    model = build(settings, vocabulary_size("imdb"), train.x.shape[1])
    model.summary(print_fn=print)
    fit(
        model,
        _reviews(train),
        _reviews(validation),
        settings,
        seed=params.seed,
        curves=paths.curves(name),
        prepare=lambda rows: keras.ops.cast(rows, "float32"),
        unfinished=params.unfinished,
    )
    scores = saving.predict(model, validation.x)[:, 0]
    threshold = youden_threshold(validation.y, scores)

    saving.save(model, paths.model(name))
    write_json(paths.model(name) / paths.THRESHOLD, {"threshold": threshold})
    with replacing(paths.model(name) / paths.VOCABULARY) as partial:
        shutil.copyfile(paths.prepared("imdb") / paths.VOCABULARY, partial)


def _reviews(part: Part) -> Part:
    """Labels as probabilities for the loss, float32 of shape (n, 1)."""
    return Part(part.x, part.y[:, np.newaxis].astype(np.float32))
