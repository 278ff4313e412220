"""What the training of every classifier of reviews has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from unroll import model_files
from unroll.base import paths
from unroll.base.files import write_json
from unroll.base.params import Declared
from unroll.learning.training import fit
from unroll.prepared import Part, training
from unroll.text import Encoder
from unroll.threshold import youden_threshold


def train_classifier(
    name: str, build: Callable[[dict[str, Any], int, int], keras.Model], params: Declared
) -> None:
    """Train and save the model `name`, with the encoder that its inputs need.

    The threshold is picked on what the protocol validates with, and saved with the model.

    Args:
        build: makes the model of its section of `params.yaml`, the size of the vocabulary and
            the length of the sequences.
    """
    settings = params.models[name]
    encoder = Encoder.load(paths.prepared("imdb") / paths.ENCODER)
    train, validation = training("imdb", params.protocol)

    model = build(settings, encoder.ids, encoder.length)
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
    scores = model_files.predict(model, validation.x)[:, 0]
    threshold = youden_threshold(validation.y, scores)

    model_files.save(model, paths.model(name))
    write_json(paths.model(name) / paths.THRESHOLD, {"threshold": threshold})
    encoder.save(paths.model(name) / paths.ENCODER)


def _reviews(part: Part) -> Part:
    """Labels as the probabilities that the loss compares with, shape (n, 1)."""
    return Part(part.x, part.y[:, np.newaxis].astype(np.float32))
