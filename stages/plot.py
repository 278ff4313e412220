"""plot: draw a model's pictures from what training and evaluation wrote."""

from pathlib import Path

import numpy as np

from harness.core.files import read_json
from harness.core.params import Declared
from unroll.core import paths
from unroll.core.arrays import read_array
from unroll.plotting import pictures
from unroll.plotting.titles import title


def table(path: Path) -> np.ndarray:
    """A table of numbers; its columns by name."""
    return np.genfromtxt(path, delimiter=",", names=True)


def losses(name: str) -> None:
    curves = table(paths.curves(name))
    path = paths.pictures(name) / "loss.png"
    pictures.losses(path, name, curves["epoch"], curves["loss"], curves["val_loss"])


def classifier(name: str) -> None:
    folder, metrics = paths.pictures(name), read_json(paths.metrics(name))
    roc = table(paths.points(name) / "roc.csv")
    pictures.roc(folder / "roc.png", name, roc["fpr"], roc["tpr"], metrics)
    pictures.confusion(folder / "confusion.png", name, metrics)


def autoencoder(name: str) -> None:
    folder = paths.pictures(name)

    def array(key: str) -> np.ndarray:
        return read_array(paths.evaluated(name) / f"{key}.npy")

    pictures.image_rows(
        folder / "digits.png",
        f"{title(name)}: test images",
        [("original", array("originals")), ("rebuilt", array("rebuilt"))],
    )
    pictures.image_rows(
        folder / "means.png",
        f"{title(name)}: the rounded mean image of each digit",
        [("mean", array("means")), ("rebuilt", array("means_rebuilt"))],
    )
    code = array("random_code")
    pictures.decoded(folder / "random.png", name, code, array("random_image"))
    points = table(paths.points(name) / "latent.csv")
    digit = points["digit"].astype(int)
    pictures.latent(folder / "latent.png", name, points["x"], points["y"], digit, size=len(code))


PLOT = {"imdb": classifier, "mnist": autoencoder}


def main(params: Declared, name: str, corpus: str) -> None:
    losses(name)
    PLOT[corpus](name)
