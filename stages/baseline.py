"""baseline: what linear models, neighbors and PCA make of a corpus, measured as models are."""

from __future__ import annotations

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from harness.core import metrics_table
from harness.core.files import write_csv, write_json
from harness.core.params import Declared
from unroll.baselines import classifying, numbers
from unroll.baselines.rows import Rows
from unroll.core import paths
from unroll.core.arrays import write_array
from unroll.core.tasks import MANY, TWO
from unroll.metrics import (
    anomalies,
    classification,
    latent,
    many_classes,
    reconstruction,
    validation,
)
from unroll.metrics.threshold import smoothed_threshold

# Of the intervals. Baselines have no other chance, so another seed of the models runs none anew.
SEED = 13


def main(params: Declared, corpus: str) -> None:
    rows, found = Rows.read(corpus, params.protocol), dict[str, Any]()
    with threadpool_limits(1):  # the sums, and so the results, depend on the threads
        if rows.tells_apart:
            for name, scores in classifying.every(corpus, rows, params.baseline):
                found[name] = classified(params, corpus, name, rows, *scores)
        if rows.of.kind != "text" and rows.of.steps[0] == rows.of.steps[1]:
            found |= rebuilt(params, corpus, rows)
    for name, metrics in found.items():
        said = (f"{key} {metrics[key]}" for key in ("auc", "accuracy", "loss") if key in metrics)
        print(f"{corpus}, {name}: {', '.join(said)}")
    write_json(paths.baseline_metrics(corpus), found)
    lines = [line for name in found for line in metrics_table.rows(f"{corpus}_{name}", found[name])]
    folder = paths.points(f"baselines_{corpus}")
    write_csv(folder / metrics_table.TABLE, metrics_table.COLUMNS, lines)


def classified(
    params: Declared,
    corpus: str,
    name: str,
    rows: Rows,
    held_scores: np.ndarray,
    scores: np.ndarray,
) -> dict[str, Any]:
    """Measure a baseline that tells classes apart; keep what others compare with it."""
    folder, of, y = paths.baselines(corpus) / name, rows.of, rows.other.y[rows.held]
    write_array(folder / "validation_scores.npy", held_scores)
    write_array(folder / "scores.npy", scores)
    options: dict[str, Any] = {"classes": of.classes, "rows": of.rows, "seed": SEED}
    options["resamples"], threshold = params.evaluate["resamples"], None
    if len(of.classes) == 2:
        threshold = smoothed_threshold(y, held_scores)
        metrics = classification.measure(rows.test.y, scores, threshold, **options)
        metrics["validation"] = validation.two_classes(y, held_scores, threshold)
        points = classification.roc_points(rows.test.y, scores)
        write_csv(folder / "roc.csv", ("fpr", "tpr", "threshold"), points)
    else:
        metrics = many_classes.measure(rows.test.y, scores, label=of.label, **options)
        metrics["validation"] = validation.many_classes(y, held_scores)
        for group in ("confusion", f"per_{of.label}"):  # of many classes and methods: too many
            del metrics[group]
    said: dict[str, Any] = {"task": MANY if threshold is None else TWO, "corpus": corpus}
    said |= {"kind": of.kind, "classes": of.classes, "length": of.steps[1], "reads": of.reads}
    said |= {} if threshold is None else {"threshold": threshold}
    write_json(folder / paths.TASK, said)
    return metrics


def rebuilt(params: Declared, corpus: str, rows: Rows) -> dict[str, Any]:
    """Measure a perfect copy of images, the mean row, and PCA of the sizes that there are."""
    settings, of = params.baseline, rows.of
    bounded, (x, x_held, x_test) = of.kind == "images", rows.flat()
    marked = rows.test.y != of.classes.index(of.normal) if of.normal else None

    def errors(own: np.ndarray, again: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        own, again = own[:, np.newaxis], again[:, np.newaxis]
        squared = reconstruction.squared_error(own, again)
        return (reconstruction.cross_entropy(own, again) if bounded else squared), squared

    def measured(name: str, held_again: np.ndarray, again: np.ndarray) -> dict[str, Any]:
        losses, squared = errors(x_test, again)
        write_array(paths.baselines(corpus) / name / "losses.npy", losses)
        metrics = reconstruction.measure(losses, squared, rows=of.rows)
        if marked is not None or of.stride:
            metrics |= anomalies.measure(losses, marked, of.stride)
        held = zip(("loss", "mse"), errors(x_held, held_again), strict=True)
        return metrics | {"validation": {key: round(float(v.mean()), 4) for key, v in held}}

    found = {"floor": measured("floor", x_held, x_test)} if bounded else {}
    found["mean"] = measured("mean", *numbers.mean(x, [x_held, x_test]))
    for size in (size for size in settings["codes"] if size <= min(x.shape)):
        codes, again = numbers.pca(x, size, [x, x_held, x_test], bounded)
        found[f"pca-{size}"] = metrics = measured(f"pca-{size}", *again[1:])
        if rows.tells_apart:
            metrics["neighbor_accuracy"] = latent.neighbor_accuracy(
                codes[0], rows.y, codes[2], rows.test.y, settings["neighbors"]
            )
    return found
