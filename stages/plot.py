"""plot: draw a model's pictures from what training and evaluation wrote."""

from harness.core.files import read_json
from harness.core.params import Declared
from unroll.core import paths
from unroll.core.arrays import read_array, read_columns
from unroll.plotting import pictures
from unroll.plotting.titles import title


def losses(name: str) -> None:
    path = paths.figures(name) / "loss.png"
    columns = read_columns(paths.curves(name), ("epoch", "loss", "val_loss"))
    pictures.losses(path, name, *columns)


def classifier(name: str) -> None:
    folder, metrics = paths.figures(name), read_json(paths.metrics(name))
    fpr, tpr = read_columns(paths.points(name) / "roc.csv", ("fpr", "tpr"))
    pictures.roc(folder / "roc.png", name, fpr, tpr, metrics)
    pictures.confusion(folder / "confusion.png", name, metrics)


def autoencoder(name: str) -> None:
    folder = paths.figures(name)
    arrays = {
        key: read_array(paths.evaluated(name) / f"{key}.npy")
        for key in (
            *("originals", "rebuilt", "means", "means_rebuilt"),
            *("random_code", "random_image"),
        )
    }
    heading = title(name)
    pictures.image_rows(
        folder / "digits.png",
        f"{heading}: test images",
        [("original", arrays["originals"]), ("rebuilt", arrays["rebuilt"])],
    )
    pictures.image_rows(
        folder / "means.png",
        f"{heading}: the rounded mean image of each digit",
        [("mean", arrays["means"]), ("rebuilt", arrays["means_rebuilt"])],
    )
    pictures.decoded(folder / "random.png", name, arrays["random_code"], arrays["random_image"])
    x, y, digit = read_columns(paths.points(name) / "latent.csv", ("x", "y", "digit"))
    pictures.latent(
        folder / "latent.png", name, x, y, digit.astype(int), size=len(arrays["random_code"])
    )


PLOT = {"imdb": classifier, "mnist": autoencoder}


def main(params: Declared, name: str, corpus: str) -> None:
    losses(name)
    PLOT[corpus](name)
