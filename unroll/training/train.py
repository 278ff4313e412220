"""Trains any model on any corpus; the task follows from the architecture and the labels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from harness.core.files import write_json
from harness.core.params import Declared
from unroll.core import paths
from unroll.core.arrays import write_array
from unroll.core.datasets import Part, about, training
from unroll.core.tasks import MANY, REBUILD, TWO
from unroll.metrics import reconstruction, validation
from unroll.metrics.threshold import smoothed_threshold, youden_threshold
from unroll.models import architectures, saving
from unroll.models.inputs import AnyInputs, inputs_of
from unroll.models.parameters import Autoencoder
from unroll.training.loop import fit
from unroll.training.rows import Rows, blocks, stored


def train(name: str, corpus: str, params: Declared) -> None:
    """Train the model `name` on a prepared corpus and save it, with all that its use needs.

    The threshold of two classes is picked on the protocol's validation rows.

    Raises:
        UserError: the parameters do not fit the corpus, or the loss is no longer a number.
    """
    parameters = architectures.parameters_of(params.models[name])
    inputs = inputs_of(name, corpus, parameters)
    whole, learnt, other, held = training(corpus, params.protocol)
    read = inputs.learn(whole, learnt)
    whole, other = read, read if other is whole else inputs.read(other)
    task = task_of(parameters, inputs)

    architecture = architectures.find(parameters.architecture)
    model = architecture.build(parameters, inputs.data, name)
    model.summary(print_fn=print, expand_nested=True)
    held_out = _rows(inputs, task, other, held)
    fit(
        model,
        _rows(inputs, task, whole, learnt),
        held_out,
        parameters.model_dump(),
        loss=_loss(task, inputs, parameters, whole, learnt),
        seed=params.seed,
        curves=paths.curves(name),
        prepare=inputs.prepare,
        unfinished=params.unfinished,
    )
    saving.save(model, paths.model(name))
    threshold = _validate(name, corpus, task, inputs, model, held_out, params.protocol)
    _describe(name, corpus, task, inputs, threshold)


def task_of(parameters: Any, inputs: AnyInputs) -> str:
    """What a model does, one of `unroll.core.tasks`."""
    if isinstance(parameters, Autoencoder):
        return REBUILD
    return TWO if inputs.data.classes == 2 else MANY


def _rows(inputs: AnyInputs, task: str, part: Part, rows: np.ndarray) -> Rows:
    x = stored(inputs, part, rows)
    if task == REBUILD:
        return Rows(x, x)
    y = part.y[rows].astype(np.float32)
    lengths = part.lengths[rows] if inputs.mask else None
    return Rows(x, y[:, np.newaxis] if task == TWO else y, lengths)


def _loss(task: str, inputs: AnyInputs, parameters: Any, whole: Part, learnt: np.ndarray) -> Any:
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


def _validate(
    name: str,
    corpus: str,
    task: str,
    inputs: AnyInputs,
    model: keras.Model,
    rows: Rows,
    protocol: str,
) -> float | None:
    """Measure a model on the rows that validate; return the threshold of two classes."""
    x, folder, threshold = rows.x, paths.validated(name), None
    if task == REBUILD:
        bounded = inputs.data.bounded
        parts = [_errors(model, inputs.scaled(x[own]), bounded) for own in blocks(x)]
        losses, squared = (np.concatenate(each) for each in zip(*parts, strict=True))
        figures = {"loss": round(losses.mean().item(), 4), "mse": round(squared.mean().item(), 4)}
        write_array(folder / "losses.npy", losses.astype(np.float32))
    else:
        y = np.asarray(rows.y)
        found = np.concatenate([saving.predict(model, inputs.scaled(x[own])) for own in blocks(x)])
        if task == TWO:
            y, found = y[:, 0], found[:, 0]
            # On the chapter's protocol, as the chapter; it has the whole test split to choose on.
            choose = youden_threshold if protocol == "book" else smoothed_threshold
            threshold = choose(y, found)
            figures = validation.two_classes(y, found, threshold)
        else:
            figures = validation.many_classes(y, found)
        write_array(folder / "scores.npy", found)
    noun = about(corpus).rows
    write_json(paths.validation_metrics(name), figures | {noun: len(x)})
    return threshold


def _errors(model: keras.Model, x: np.ndarray, bounded: bool) -> tuple[np.ndarray, np.ndarray]:
    """The loss of each row that a model rebuilds, and its squared error."""
    found = saving.predict(model, x)
    squared = reconstruction.squared_error(x, found)
    return (reconstruction.cross_entropy(x, found) if bounded else squared), squared


def _describe(
    name: str, corpus: str, task: str, inputs: AnyInputs, threshold: float | None
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
    if threshold is not None:
        said["threshold"] = threshold
    write_json(folder / paths.TASK, said)
    inputs.save(folder)
