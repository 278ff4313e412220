"""evaluate: read the test set once, measure a model on it, keep what the pictures need."""

from pathlib import Path
from typing import Any

import numpy as np

from harness.core import metrics_table
from harness.core.files import read_json, write_csv, write_json
from harness.core.params import Declared
from unroll.core import paths
from unroll.core.arrays import write_array
from unroll.core.datasets import read, scaled
from unroll.metrics import classification, latent, reconstruction
from unroll.models import saving
from unroll.models.saving import predict


def classifier(params: Declared, name: str) -> None:
    model = saving.load(paths.model(name))
    threshold = read_json(paths.model(name) / paths.THRESHOLD)["threshold"]
    test = read("imdb", "test")
    scores = predict(model, test.x)[:, 0]

    resamples = params.evaluate.imdb["resamples"]
    metrics = classification.measure(
        test.y, scores, threshold, resamples=resamples, seed=params.seed
    )
    points = _write(name, metrics)
    write_csv(
        points / "roc.csv", ("fpr", "tpr", "threshold"), classification.roc_points(test.y, scores)
    )
    write_csv(
        points / "confusion.csv",
        ("actual", "predicted", "reviews"),
        classification.confusion_pairs(metrics["confusion"]),
    )
    write_array(paths.evaluated(name) / "scores.npy", scores)
    print(f"{name}: AUC {metrics['auc']}, balanced accuracy {metrics['balanced_accuracy']}")


def autoencoder(params: Declared, name: str) -> None:
    settings = params.evaluate.mnist
    model = saving.load(paths.model(name))
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    train, test = read("mnist", "train"), read("mnist", "test")
    images = scaled(test.x)
    codes = predict(encoder, images)
    rebuilt = predict(decoder, codes)

    metrics = reconstruction.measure(images, test.y, rebuilt)
    metrics["neighbour_accuracy"] = latent.neighbor_accuracy(
        predict(encoder, scaled(train.x)), train.y, codes, test.y, settings["neighbours"]
    )
    points = _write(name, metrics)
    write_csv(
        points / "latent.csv",
        ("x", "y", "digit"),
        latent.sample(codes, test.y, settings["sample"], params.seed),
    )
    write_csv(
        points / "digits.csv",
        ("digit", "loss", "mse"),
        [(digit, v["loss"], v["mse"]) for digit, v in metrics["per_digit"].items()],
    )

    folder = paths.evaluated(name)
    shown = reconstruction.examples(test.y)
    write_array(folder / "originals.npy", test.x[shown])
    write_array(folder / "rebuilt.npy", rebuilt[shown])
    means = reconstruction.rounded_means(train.x, train.y)
    write_array(folder / "means.npy", means)
    write_array(folder / "means_rebuilt.npy", predict(decoder, predict(encoder, means)))
    random_code = np.random.default_rng(params.seed).random((1, codes.shape[1]), np.float32)
    write_array(folder / "random_code.npy", random_code[0])
    write_array(folder / "random_image.npy", predict(decoder, random_code)[0])
    print(
        f"{name}: loss {metrics['loss']}, nearest-neighbor accuracy {metrics['neighbour_accuracy']}"
    )


def _write(name: str, metrics: dict[str, Any]) -> Path:
    """Write the metrics, also as a table that DVC draws beside other plot data."""
    write_json(paths.metrics(name), metrics)
    points = paths.points(name)
    write_csv(
        points / metrics_table.TABLE, metrics_table.COLUMNS, metrics_table.rows(name, metrics)
    )
    return points


EVALUATE = {"imdb": classifier, "mnist": autoencoder}


def main(params: Declared, name: str, corpus: str) -> None:
    EVALUATE[corpus](params, name)
