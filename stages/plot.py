"""plot: draw a model's pictures from what training and evaluation wrote."""

import pandas as pd

from unroll import figures, paths
from unroll.files import read_array, read_json
from unroll.params import Declared


def losses(name: str) -> None:
    table = pd.read_csv(paths.curves(name))
    path = paths.figures(name) / "loss.png"
    figures.losses(path, name, *(table[key].to_numpy() for key in ("epoch", "loss", "val_loss")))


def classifier(name: str) -> None:
    folder, metrics = paths.figures(name), read_json(paths.metrics(name))
    table = pd.read_csv(paths.points(name) / "roc.csv")
    figures.roc(folder / "roc.png", name, table["fpr"].to_numpy(), table["tpr"].to_numpy(), metrics)
    figures.confusion(folder / "confusion.png", name, metrics)


def autoencoder(name: str) -> None:
    folder = paths.figures(name)
    arrays = {
        key: read_array(paths.evaluated(name) / f"{key}.npy")
        for key in (
            *("originals", "rebuilt", "means", "means_rebuilt"),
            *("random_code", "random_image"),
        )
    }
    heading = figures.title(name)
    figures.image_rows(
        folder / "digits.png",
        f"{heading}: test images",
        [("original", arrays["originals"]), ("rebuilt", arrays["rebuilt"])],
    )
    figures.image_rows(
        folder / "means.png",
        f"{heading}: the rounded mean image of each digit",
        [("mean", arrays["means"]), ("rebuilt", arrays["means_rebuilt"])],
    )
    figures.decoded(folder / "random.png", name, arrays["random_code"], arrays["random_image"])
    table = pd.read_csv(paths.points(name) / "latent.csv")
    x, y, digit = (table[key].to_numpy() for key in ("x", "y", "digit"))
    figures.latent(folder / "latent.png", name, x, y, digit, size=len(arrays["random_code"]))


PLOT = {"imdb": classifier, "mnist": autoencoder}


def main(params: Declared, name: str, corpus: str) -> None:
    losses(name)
    PLOT[corpus](name)
