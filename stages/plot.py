"""plot: draw a model's pictures from what training and evaluation wrote."""

import csv
from pathlib import Path

import numpy as np

from harness.core.files import read_json
from harness.core.params import Declared
from unroll.core import paths
from unroll.core.arrays import read_array
from unroll.core.datasets import About, described
from unroll.core.tasks import MANY, REBUILD, TWO
from unroll.plotting import anomalies, latent_space, many_classes, rebuilt, training, two_classes
from unroll.plotting.titles import title


def table(path: Path, *numbers: str) -> tuple[list[np.ndarray], list[dict[str, str]]]:
    """Columns of numbers of a table, and all its rows."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [np.array([row[column] for row in rows], float) for column in numbers], rows


def losses(name: str, corpus: str, task: str, unit: str) -> None:
    (epoch, loss, val), _ = table(paths.curves(name), "epoch", "loss", "val_loss")
    floor = read_json(paths.baseline_metrics(corpus)).get("floor") if task == REBUILD else None
    path, least = paths.pictures(name) / "loss.png", floor["loss"] if floor else None
    training.losses(path, name, epoch, loss, val, unit, least)


def of_two_classes(name: str, corpus: str, of: About) -> None:
    folder, metrics = paths.pictures(name), read_json(paths.metrics(name))
    (fpr, tpr), _ = table(paths.points(name) / "roc.csv", "fpr", "tpr")
    [other] = metrics["beside"]
    theirs, _ = table(paths.baselines(corpus) / other / "roc.csv", "fpr", "tpr")
    baseline = other, read_json(paths.baseline_metrics(corpus))[other]["auc"], *theirs
    two_classes.roc(folder / "roc.png", name, fpr, tpr, metrics, baseline, of.classes, of.rows)
    two_classes.confusion(folder / "confusion.png", name, metrics, of.classes, of.rows)


def of_many_classes(name: str, corpus: str, of: About) -> None:
    folder, metrics = paths.pictures(name), read_json(paths.metrics(name))
    (fpr, tpr), rows = table(paths.points(name) / "roc.csv", "fpr", "tpr")
    of_row = np.array([row["class"] for row in rows], object)
    curves = {each: (fpr[of_row == each], tpr[of_row == each]) for each in dict.fromkeys(of_row)}
    many_classes.roc(folder / "roc.png", name, curves, metrics, of.rows, of.label)
    many_classes.confusion(folder / "confusion.png", name, metrics, of.classes, of.label)
    many_classes.errors(folder / "errors.png", name, metrics, of.rows, of.label)


def rebuild(name: str, corpus: str, of: About) -> None:
    folder, is_image = paths.pictures(name), of.kind == "images"

    def array(key: str) -> np.ndarray:
        found = read_array(paths.evaluated(name) / f"{key}.npy")
        return rebuilt.as_images(found, len(of.channels) or 1, of.columns) if is_image else found

    def draw(stem: str, heading: str, parts: dict[str, str], names: list[str]) -> None:
        rows = [(part, array(key)) for part, key in parts.items()]
        path, above = folder / f"{stem}.png", names or [""] * len(rows[0][1])
        if ink is None:
            rebuilt.series_rows(path, f"{title(name)}: {heading}", rows, above, of.channels)
        else:
            # Where each class is a character, the images show which one they are.
            above = above if any(len(each) > 1 for each in above) else []
            rebuilt.image_rows(path, f"{title(name)}: {heading}", rows, ink, above)

    ink = rebuilt.is_ink(array("originals")) if is_image else None
    measured = read_json(paths.metrics(name)).get(f"per_{of.label}", {})
    present = [each for each in of.classes if each in measured]
    draw("examples", f"test {of.rows}", {"original": "originals", "rebuilt": "rebuilt"}, present)
    counts = read_json(paths.evaluated(name) / paths.ABOUT).get("train_classes", {})
    trained = [each for each in of.classes if counts[each]]
    if len(trained) > 1:
        what = "image" if is_image else "series"
        heading = f"the {'rounded ' * of.is_gray}mean {what} of each {of.label}"
        draw("means", heading, {"mean": "means", "rebuilt": "means_rebuilt"}, trained)
    code = read_array(paths.evaluated(name) / "random_code.npy")
    row = read_array(paths.evaluated(name) / "random_image.npy")[None]
    row = rebuilt.as_images(row, len(of.channels) or 1, of.columns) if is_image else row
    rebuilt.decoded(folder / "random.png", name, code, row[0], ink, of.columns)
    if (paths.evaluated(name) / "error.npy").exists():
        signal, error, spans = (
            read_array(paths.evaluated(name) / f"{key}.npy") for key in ("signal", "error", "spans")
        )
        anomalies.over_time(folder / "over_time.png", name, error, spans, signal)
    (x, y), rows = table(paths.points(name) / "latent.csv", "x", "y")
    latent_space.latent(
        folder / "latent.png",
        name,
        x,
        y,
        [row[of.label] for row in rows],
        classes=of.classes,
        size=len(code),
        rows=of.rows,
        label=of.label,
    )


PLOT = {TWO: of_two_classes, MANY: of_many_classes, REBUILD: rebuild}


def main(params: Declared, name: str, corpus: str) -> None:
    of = described(paths.evaluated(name))
    task = read_json(paths.evaluated(name) / paths.TASK)["task"]
    many, series = task == MANY, task == REBUILD and of.kind == "series"
    cross_entropy = "cross-entropy (nats)" if many else "binary cross-entropy (nats)"
    losses(name, corpus, task, "mean squared error" if series else cross_entropy)
    PLOT[task](name, corpus, of)
