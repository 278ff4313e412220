"""evaluate: read the test set once, measure a model on it, keep what the pictures need."""

from pathlib import Path
from typing import Any

import numpy as np

from harness.core import metrics_table
from harness.core.files import read_json, write_csv, write_json
from harness.core.params import Declared
from unroll.core import paths
from unroll.core.arrays import read_array, write_array
from unroll.core.datasets import About, Part, about, read
from unroll.core.tasks import MANY, REBUILD, TWO
from unroll.metrics import anomalies, beside, classification, latent, many_classes, reconstruction
from unroll.models import architectures, saving
from unroll.models.inputs import AnyInputs, inputs_of
from unroll.models.saving import predict

ROC = ("fpr", "tpr", "threshold")
CONFUSION = ("actual", "predicted", "count")


def main(params: Declared, name: str, corpus: str) -> None:
    settings = params.models[name]
    inputs = inputs_of(name, corpus, architectures.parameters_of(settings))
    for source, file in ((paths.model(name), paths.TASK), (paths.prepared(corpus), paths.ABOUT)):
        write_json(paths.evaluated(name) / file, read_json(source / file))
    task = read_json(paths.model(name) / paths.TASK)["task"]
    MEASURE[task](params, name, about(corpus), inputs, inputs.read(read(corpus, "test")))


def two_classes(params: Declared, name: str, of: About, inputs: AnyInputs, test: Part) -> None:
    model = saving.load(paths.model(name))
    threshold = read_json(paths.model(name) / paths.TASK)["threshold"]
    scores = predict(model, inputs.scaled(inputs.rows(test)))[:, 0]

    metrics = classification.measure(
        test.y,
        scores,
        threshold,
        classes=of.classes,
        rows=of.rows,
        resamples=params.evaluate["resamples"],
        seed=params.seed,
    )
    other = beside.best(read_json(paths.baseline_metrics(inputs.corpus)))
    theirs = read_json(paths.baselines(inputs.corpus) / other / paths.TASK)["threshold"]
    scored = _of_baseline(inputs.corpus, other, "scores"), scores
    metrics["beside"] = beside.classifiers(other, test.y, scored, (theirs, threshold), params.seed)
    points = _write(name, metrics)
    write_csv(points / "roc.csv", ROC, classification.roc_points(test.y, scores))
    pairs = classification.confusion_pairs(metrics["confusion"], of.classes)
    write_csv(points / "confusion.csv", CONFUSION, pairs)
    write_array(paths.evaluated(name) / "scores.npy", scores)
    print(f"{name}: AUC {metrics['auc']}, balanced accuracy {metrics['balanced_accuracy']}")


def more_classes(params: Declared, name: str, of: About, inputs: AnyInputs, test: Part) -> None:
    scores = predict(saving.load(paths.model(name)), inputs.scaled(inputs.rows(test)))

    metrics = many_classes.measure(
        test.y,
        scores,
        classes=of.classes,
        rows=of.rows,
        label=of.label,
        resamples=params.evaluate["resamples"],
        seed=params.seed,
    )
    other = beside.best(read_json(paths.baseline_metrics(inputs.corpus)))
    scored = _of_baseline(inputs.corpus, other, "scores"), scores
    metrics["beside"] = beside.classifiers(other, test.y, scored, None, params.seed)
    points = _write(name, metrics)
    curves = many_classes.roc_points(test.y, scores, of.classes)
    write_csv(points / "roc.csv", (*ROC, "class"), curves)
    pairs = many_classes.confusion_pairs(metrics["confusion"])
    write_csv(points / "confusion.csv", CONFUSION, pairs)
    write_array(paths.evaluated(name) / "scores.npy", scores)
    print(
        f"{name}: AUC {metrics['auc']}, accuracy {metrics['accuracy']} "
        f"(the largest {of.label} has {metrics['majority']})"
    )


def rebuild(params: Declared, name: str, of: About, inputs: AnyInputs, test: Part) -> None:
    settings = params.evaluate
    model = saving.load(paths.model(name))
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    is_image, y = of.kind == "images", test.y if of.classes else None
    x = inputs.scaled(inputs.rows(test))
    codes = predict(encoder, x)
    rebuilt = predict(decoder, codes)

    squared = reconstruction.squared_error(x, rebuilt)
    losses = reconstruction.cross_entropy(x, rebuilt) if is_image else squared
    metrics = reconstruction.measure(
        losses, squared, rows=of.rows, label=of.label, y=y, classes=of.classes
    )
    if y is not None:
        train = read(inputs.corpus, "train")
        own = inputs.rows(train)
        if len(np.unique(train.y)) > 1:
            called = latent.neighbor_classes(
                predict(encoder, inputs.scaled(own)), train.y, codes, settings["neighbors"]
            )
            metrics["neighbor_accuracy"] = round(float((called == y).mean()), 4)
            metrics["mixed_up"] = latent.mixed_up(y, called, of.classes)
    marked = test.y != of.classes.index(of.normal) if of.normal else None
    if of.stride:
        over_time = anomalies.over_time(x, rebuilt, of.stride, marked)
        for key, array in zip(("signal", "error", "spans"), over_time, strict=True):
            write_array(paths.evaluated(name) / f"{key}.npy", array)
    if marked is not None or of.stride:
        metrics |= anomalies.measure(losses, marked, of.stride)
    other = beside.best(read_json(paths.baseline_metrics(inputs.corpus)), codes.shape[1])
    theirs = _of_baseline(inputs.corpus, other, "losses")
    metrics["beside"] = beside.losses(other, theirs, losses, params.seed)
    points, folder = _write(name, metrics), paths.evaluated(name)
    sampled = latent.sample(codes, y, of.classes, settings["sample"], params.seed)
    write_csv(points / "latent.csv", ("x", "y", of.label), sampled)
    shown = reconstruction.spread(losses)
    each = metrics.get(f"per_{of.label}", {"all": metrics})
    rows = [(label, values["loss"], values["mse"]) for label, values in each.items()]
    write_csv(points / "classes.csv", (of.label, "loss", "mse"), rows)
    if y is not None:
        shown = reconstruction.examples(y, of.examples)
        means = reconstruction.class_means(own, train.y, of.is_gray)
        write_array(folder / "means.npy", means)
        write_array(folder / "means_rebuilt.npy", predict(decoder, predict(encoder, means)))

    write_array(folder / "originals.npy", inputs.rows(test, shown))
    write_array(folder / "losses.npy", losses)
    write_array(folder / "rebuilt.npy", rebuilt[shown])
    random_code = latent.random_code(codes, params.seed)
    write_array(folder / "random_code.npy", random_code[0])
    write_array(folder / "random_image.npy", predict(decoder, random_code)[0])
    said = {"nearest-neighbor accuracy": "neighbor_accuracy", "AUC of anomalies": "anomaly_auc"}
    lines = [f", {what} {metrics[key]}" for what, key in said.items() if key in metrics]
    print(f"{name}: loss {metrics['loss']}{''.join(lines)}")
    if of.stride:
        first = metrics["largest_error"]["step"]
        print(f"{name}: the largest error is in steps {first:,} to {first + x.shape[1] - 1:,}")


def _of_baseline(corpus: str, name: str, what: str) -> np.ndarray:
    return read_array(paths.baselines(corpus) / name / f"{what}.npy")


def _write(name: str, metrics: dict[str, Any]) -> Path:
    """Write the metrics, also as a table that DVC draws beside other plot data."""
    # Rows that test and have a copy among those that train are no surprise to a model.
    if copies := read_json(paths.evaluated(name) / paths.ABOUT).get("copies"):
        metrics["copies"] = copies
    write_json(paths.metrics(name), metrics)
    points = paths.points(name)
    write_csv(
        points / metrics_table.TABLE, metrics_table.COLUMNS, metrics_table.rows(name, metrics)
    )
    return points


MEASURE = {TWO: two_classes, MANY: more_classes, REBUILD: rebuild}
