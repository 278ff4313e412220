"""Rows beside what an autoencoder makes of them: images as images, series as lines."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from harness.reporting.style import BLUE, ORANGE, STYLE, TEN, save
from unroll.plotting import canvas
from unroll.plotting.canvas import short
from unroll.plotting.titles import title

# Examples in all, and beside each other; further ones are below.
MOST, IMAGES, SERIES = 30, 10, 5
# From so many channels on, the rebuilt lines have a panel of their own.
OVERLAID = 2

Named = Sequence[tuple[str, Sequence[np.ndarray] | np.ndarray]]


def as_images(rows: np.ndarray, channels: int = 1, columns: bool = False) -> np.ndarray:
    """Images as they are seen, (n, height, width) or (n, height, width, 3), from model inputs.

    Args:
        rows: shape (n, steps, features), the channels of a pixel side by side.
        columns: the steps are the columns of the image, not its rows.
    """
    n, steps, features = rows.shape
    images = rows.reshape(n, steps, features // channels, channels)
    images = images.swapaxes(1, 2) if columns else images
    return images[..., 0] if channels == 1 else images


def is_ink(images: np.ndarray) -> bool:
    """Whether gray images are bright strokes on nothing, which are drawn dark on white."""
    scale = 255 if images.dtype == np.uint8 else 1
    return images.ndim < 4 and float(np.median(images)) < 0.1 * scale


@mpl.rc_context(STYLE)
def image_rows(
    path: Path, heading: str, rows: Named, ink: bool = True, names: Sequence[str] = ()
) -> None:
    """Rows of images one below the other, each with its name on the left.

    Args:
        rows: name and images of each row, as `as_images` returns them, the same n; after ten
            columns they go on below.
        ink: see `is_ink`.
        names: of the n examples, above them.
    """
    n = min(len(rows[0][1]), MOST)
    ratio = float(np.clip(rows[0][1][0].shape[0] / rows[0][1][0].shape[1], 0.4, 2.5))
    columns, lines = min(n, IMAGES), -(-n // IMAGES) * len(rows)
    figure, grid = canvas.new(
        1.0 * columns + 1.5, 1.05 * ratio * lines + 0.6, nrows=lines, ncols=columns, squeeze=False
    )
    figure.suptitle(heading)
    for line, axes_row in enumerate(grid):
        name, images = rows[line % len(rows)]
        first = line // len(rows) * IMAGES
        for place, axes in enumerate(axes_row, first):
            if place < n:
                _image(axes, images[place], ink)
                if names and not line % len(rows):
                    axes.set_title(short(names[place], 12), fontsize=10)
            else:
                axes.set_axis_off()
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    save(figure, path)


def _image(axes: Any, image: np.ndarray, ink: bool) -> None:
    image = image if image.dtype == np.uint8 else np.clip(image, 0, 1)
    most = 255 if image.dtype == np.uint8 else 1
    axes.imshow(image, cmap="gray_r" if ink else "gray", vmin=0, vmax=most)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#cccccc")


@mpl.rc_context(STYLE)
def series_rows(
    path: Path, heading: str, rows: Named, names: Sequence[str], channels: Sequence[str] = ()
) -> None:
    """Series as lines, those of `rows` in the same panels, or one below the other if many.

    Args:
        rows: two names with n series each, of shape (steps, channels); lengths may differ.
        names: of the n examples, above the panels.
        channels: their names, for a legend where they are few.
    """
    width, n = rows[0][1][0].shape[1], min(len(names), MOST)
    overlaid = width < OVERLAID
    parts = 1 if overlaid else len(rows)
    columns, lines = min(n, SERIES), -(-n // SERIES) * parts
    figure, grid = canvas.new(
        max(2.3 * columns + 1.4, 7.5),  # or a heading has no place
        1.7 * lines + 1.1,
        nrows=lines,
        ncols=columns,
        squeeze=False,
        sharey=True,
    )
    figure.suptitle(heading)
    for axes in grid.flat:
        axes.set_visible(False)
    for row, (name, series) in enumerate(rows):
        for place in range(n):
            line = place // SERIES * parts + (0 if overlaid else row)
            axes = grid[line, place % SERIES]
            axes.set_visible(True)
            for channel in range(width):
                color = (BLUE, ORANGE)[row] if overlaid else TEN[channel % 10]
                text = name if overlaid else channels[channel] if channels else None
                axes.plot(series[place][:, channel], color=color, linewidth=1.3, label=text)
            axes.tick_params(labelsize=9)
            if line % parts == 0:
                axes.set_title(short(names[place], 20), fontsize=11)
            if not overlaid and not place % SERIES:
                axes.set_ylabel(name)
    grid[-1, 0].set_xlabel("step")
    if overlaid or (channels and width <= len(TEN)):
        handles, texts = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside lower center", ncols=5)
    save(figure, path)


@mpl.rc_context(STYLE)
def decoded(
    path: Path, model: str, code: np.ndarray, row: np.ndarray, ink: bool | None, columns: bool
) -> None:
    """A random latent code as bars, and what the decoder writes for it, step by step.

    Args:
        row: an image as `as_images` returns it; a series (steps, channels) where `ink` is None.
        ink: see `is_ink`.
        columns: the steps are the columns of the image.
    """
    figure, (bars, picture) = canvas.new(8.4, 4.4, ncols=2, width_ratios=(3, 2))
    bars.bar(np.arange(1, len(code) + 1), code, color=BLUE, width=0.8 if len(code) > 9 else 0.4)
    bars.set(
        title=f"a random code of {len(code)} numbers",
        xlabel="place in the code",
        ylabel="value",
    )
    if code.min() >= 0 and code.max() <= 1:
        bars.set(ylabel="value (0 to 1)", ylim=(0, 1))
    bars.xaxis.get_major_locator().set_params(integer=True)
    if ink is None:
        for channel, color in zip(row.T, itertools.cycle(TEN)):
            picture.plot(channel, color=color, linewidth=1.3)
        names = ("step", "value (scaled)")
    else:
        _image(picture, row, ink)
        names = ("pixel", "step (row of pixels)")
        names = ("step (column of pixels)", "pixel") if columns else names
    picture.set(title="decoded", xlabel=names[0], ylabel=names[1])
    figure.suptitle(f"{title(model)}: from a vector to a sequence")
    save(figure, path)
