"""Trains any model on any corpus; the task follows from the architecture and the labels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from harness.core.files import write_json
from harness.core.params import Declared
from unroll.core import paths
from unroll.core.datasets import Part, about, training
from unroll.core.tasks import MANY, REBUILD, TWO
from unroll.models import architectures, saving
from unroll.models.inputs import Inputs, inputs_of
from unroll.models.parameters import Classifier
from unroll.training.loop import Rows, fit
from unroll.training.threshold import smoothed_threshold, youden_threshold


def train(name: str, corpus: str, params: Declared) -> None:
    """Train the model `name` on a prepared corpus and save it, with all that its use needs.

    The threshold of two classes is picked on the protocol's validation rows.

    Raises:
        UserError: the parameters do not fit the corpus, or the loss is no longer a number.
    """
    architecture = architectures.find(params.models[name]["architecture"])
    parameters = architecture.Parameters.model_validate(params.models[name])
    inputs = inputs_of(name, corpus, parameters)
    task = task_of(parameters, inputs)
    whole, learnt, other, held = training(corpus, params.protocol)

    model = architecture.build(parameters, inputs.data, name)
    model.summary(print_fn=print, expand_nested=True)
    validation = _rows(inputs, task, other, held)
    fit(
        model,
        _rows(inputs, task, whole, learnt),
        validation,
        parameters.model_dump(),
        loss=_loss(task, inputs, parameters, whole, learnt),
        seed=params.seed,
        curves=paths.curves(name),
        prepare=inputs.prepare,
        unfinished=params.unfinished,
    )
    saving.save(model, paths.model(name))
    _describe(name, corpus, task, inputs, model, validation, params.protocol)


def task_of(parameters: Any, inputs: Inputs) -> str:
    """What a model does, one of `unroll.core.tasks`."""
    if not isinstance(parameters, Classifier):
        return REBUILD
    return TWO if inputs.data.classes == 2 else MANY


def _rows(inputs: Inputs, task: str, part: Part, rows: np.ndarray) -> Rows:
    x = inputs.rows(part, rows)
    if task == REBUILD:
        return Rows(x, x)
    y = part.y[rows].astype(np.float32)
    lengths = part.lengths[rows] if inputs.mask else None
    return Rows(x, y[:, np.newaxis] if task == TWO else y, lengths)


def _loss(task: str, inputs: Inputs, parameters: Any, whole: Part, learnt: np.ndarray) -> Any:
    """The loss: cross-entropy for classes and for pixels, the squared error for other numbers.

    Balanced weights are those of scikit-learn: rows / (classes * rows of the class).
    """
    if task == REBUILD:
        return "binary_crossentropy" if inputs.data.bounded else "mean_squared_error"
    name = "binary_crossentropy" if task == TWO else "sparse_categorical_crossentropy"
    if parameters.class_weights == "none":
        return name
    counts = np.bincount(whole.y[learnt], minlength=inputs.data.classes)
    weights = (len(learnt) / (len(counts) * np.maximum(counts, 1))).astype(np.float32)
    plain = getattr(keras.losses, name)

    def weighted(y_true: Any, y_pred: Any) -> Any:
        classes = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        return plain(y_true, y_pred) * ops.take(ops.convert_to_tensor(weights), classes)

    return weighted


def _describe(
    name: str,
    corpus: str,
    task: str,
    inputs: Inputs,
    model: keras.Model,
    validation: Rows,
    protocol: str,
) -> None:
    """Write what the use of a model needs beside its weights."""
    found, folder = about(corpus), paths.model(name)
    said: dict[str, Any] = {
        "task": task,
        "corpus": corpus,
        "kind": inputs.kind,
        "classes": found.classes,
        "nouns": {"rows": found.rows, "label": found.label},
        "length": inputs.data.steps,
        "mask": inputs.mask,
        "scale": found.scale,
        "channels": found.channels,
        "columns": found.columns,
        "reads": found.reads,
    }
    if task == TWO:
        scores = saving.predict(model, inputs.scaled(validation.x))[:, 0]
        # On the chapter's protocol, as the chapter; it has the whole test split to choose on.
        choose = youden_threshold if protocol == "book" else smoothed_threshold
        said["threshold"] = choose(validation.y[:, 0], scores)
    write_json(folder / paths.TASK, said)
    if inputs.kind == "text":
        vocabulary = {"vocabulary": inputs.words, "skip_top": inputs.skip_top}
        write_json(folder / paths.VOCABULARY, vocabulary | {"length": inputs.data.steps})
