"""Every kind of picture is drawn, for corpora of any classes, sizes, channels and names."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from unroll.metrics import classification, many_classes
from unroll.plotting import anomalies, latent_space, rebuilt, two_classes
from unroll.plotting import many_classes as pictures

RNG = np.random.default_rng(0)
# Names that a picture's text could stumble over, and an empty one.
AWKWARD = ["$x_1$ is long enough to be cut\n", "", "été 日本", "a\\b{", "%"]


def names(k: int) -> list[str]:
    return [*AWKWARD, *(f"class {place}" for place in range(k))][:k]


def has_ink(path) -> bool:
    """Whether a picture shows something and is of a size that a page has room for."""
    with Image.open(path) as image:
        return np.ptp(np.asarray(image.convert("L"))) > 100 and max(image.size) <= 3000


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("k", [3, 10, 30])
def test_many_classes_are_drawn(tmp_path, k):
    y = np.arange(300) % (k - 1)  # the last class has no row
    score = RNG.random((300, k)) + np.eye(k)[y]
    metrics = many_classes.measure(
        y,
        score / score.sum(axis=1, keepdims=True),
        classes=names(k),
        rows="mails",
        label="sort",
        resamples=5,
        seed=0,
    )
    curves = {
        name: tuple(np.array([p[:2] for p in points]).T)
        for name in names(k)[:-1]
        for points in [[p for p in many_classes.roc_points(y, score, names(k)) if p[3] == name]]
    }
    pictures.roc(tmp_path / "roc.png", "m", curves, metrics, "mails", "sort")
    pictures.confusion(tmp_path / "confusion.png", "m", metrics, names(k), "sort")
    pictures.errors(tmp_path / "errors.png", "m", metrics, "mails", "sort")
    assert all(has_ink(tmp_path / f"{name}.png") for name in ("roc", "confusion", "errors"))


@pytest.mark.filterwarnings("ignore:Glyph")
def test_two_classes_are_drawn(tmp_path):
    y, score = np.arange(40) % 2, RNG.random(40)
    classes = AWKWARD[:2]
    metrics = classification.measure(
        y, score, 0.5, classes=classes, rows="mails", resamples=5, seed=0
    )
    fpr, tpr, _ = np.array(classification.roc_points(y, score)).T
    baseline = AWKWARD[0], 0.5, tpr, fpr
    two_classes.roc(tmp_path / "roc.png", "m", fpr, tpr, metrics, baseline, classes, "mails")
    two_classes.confusion(tmp_path / "confusion.png", "m", metrics, classes, "mails")
    assert all(has_ink(tmp_path / f"{name}.png") for name in ("roc", "confusion"))


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("classes", [[], ["0", "1"], names(30)], ids=len)
def test_the_latent_space_is_drawn_with_any_classes(tmp_path, classes):
    drawn = [classes[place % len(classes)] if classes else "" for place in range(60)]
    path = tmp_path / "latent.png"
    x, y = RNG.random((2, 60))
    latent_space.latent(path, "m", x, y, drawn, classes=classes, size=3, rows="mails", label="sort")
    assert has_ink(path)


@pytest.mark.parametrize("columns", [False, True])
def test_images_of_any_size_and_color_come_back_as_they_were(columns):
    for image in (RNG.random((2, 8, 6)), RNG.random((2, 8, 6, 3))):
        steps = image.swapaxes(1, 2) if columns else image
        rows = steps.reshape(2, steps.shape[1], -1)
        channels = image.shape[3] if image.ndim == 4 else 1
        assert np.array_equal(rebuilt.as_images(rows, channels, columns), image)


@pytest.mark.parametrize("shape", [(2, 8, 8), (13, 8, 8, 3), (1, 30, 10), (40, 4, 40)])
def test_images_are_drawn_beside_what_is_left_of_them(tmp_path, shape):
    images = RNG.integers(0, 256, shape, np.uint8)
    left = RNG.random(shape, np.float32) * 1.2
    parts = [("original", images), ("rebuilt", left)]
    rebuilt.image_rows(tmp_path / "rows.png", "h", parts, ink=False, names=["n"] * shape[0])
    rebuilt.decoded(tmp_path / "decoded.png", "m", RNG.random(7), left[0], False, columns=True)
    assert has_ink(tmp_path / "rows.png")
    assert has_ink(tmp_path / "decoded.png")


def test_bright_strokes_on_nothing_are_drawn_dark_on_white():
    digits = np.zeros((3, 8, 8), np.uint8)
    digits[:, 2] = 255
    assert rebuilt.is_ink(digits)
    assert not rebuilt.is_ink(255 - digits)
    assert not rebuilt.is_ink(np.zeros((3, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(("count", "channels"), [(1, 1), (8, 1), (6, 12)])
def test_series_are_drawn_as_lines(tmp_path, count, channels):
    series = [RNG.random((5 + length, channels)) for length in range(count)]
    parts = [("original", series), ("rebuilt", [each * 0.9 for each in series])]
    path = tmp_path / "series.png"
    rebuilt.series_rows(path, "h", parts, ["$a$"] * count, [f"c{c}" for c in range(channels)])
    rebuilt.decoded(tmp_path / "decoded.png", "m", RNG.random(2), series[0], None, columns=False)
    assert has_ink(path)
    assert has_ink(tmp_path / "decoded.png")


@pytest.mark.parametrize("steps", [30, 50_000])
def test_the_error_over_time_is_drawn_with_its_peak(tmp_path, steps):
    error = RNG.random(steps)
    error[:3], error[17] = np.nan, 9
    path = tmp_path / "over_time.png"
    anomalies.over_time(path, "m", error, [(15, 18)], RNG.random((steps, 2)), first=100)
    assert has_ink(path)
    assert 17 in anomalies._thinned(error)[0]
