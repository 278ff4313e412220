"""Images of one size as uint8 arrays: a folder a class of pictures, IDX files, or arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from harness.core.errors import UserError, reason
from unroll.corpora.arrays import Part
from unroll.corpora.blocks import Images
from unroll.corpora.folders import class_files
from unroll.corpora.rows import Classes, Row, has_classes

SUFFIXES = {".png", ".jpg", ".jpeg"}


Found = tuple[np.ndarray, str | None, str | None, str]  # image, label, split, place


def same_size(block: Images, found: Iterable[Found]) -> Iterator[Row]:
    """Rows of images; a `UserError` where one differs from the first in size or in having color."""
    classes, first = Classes(block), None
    for image, label, split, place in found:
        first = first or (place, image.shape)
        if image.shape != first[1]:
            raise UserError(
                f"{place}: {_size(image.shape)}, but {first[0]} is {_size(first[1])}; make all "
                "images of one size, all gray or all in color"
            )
        yield Row(image, classes.name(label, str, place), split)


def pictures(block: Images, path: Path) -> Iterator[Found]:
    """The images of a folder a class, (height, width) or, in color, (height, width, 3)."""
    for file, label, split in class_files(path, has_classes(block), SUFFIXES):
        yield _image(file), label, split, str(file)


def _image(file: Path) -> np.ndarray:
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
            if image.mode.startswith(("I", "F")):
                raise ValueError("it has more than 8 bits a channel")
            turned = ImageOps.exif_transpose(image)  # as the camera was held
            return np.asarray(turned.convert("L" if turned.mode in ("1", "L", "LA") else "RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{file}: not a whole PNG or JPEG of 8 bits a channel ({reason(error)}); convert it, "
            "or leave it out"
        ) from None


def arrays(parts: Iterable[Part]) -> Iterator[Found]:
    """The images of arrays of shape (n, height, width), (n, height, width, 1) or (..., 3).

    Raises:
        UserError: an array is of another shape, or not of whole numbers from 0 to 255.
    """
    for part in parts:
        x = part.x[..., 0] if part.x.ndim == 4 and part.x.shape[3] == 1 else part.x
        if x.ndim != 3 and x.shape[3:] != (3,):
            raise UserError(
                f"{part.name}: shape {part.x.shape}, expected (images, height, width), or 3 as "
                "a fourth size for color; write it so"
            )
        if x.dtype.kind not in "ui" or (x.dtype != np.uint8 and (x.min() < 0 or x.max() > 255)):
            raise UserError(
                f"{part.name}: {x.dtype}, expected whole numbers from 0 to 255; convert it to uint8"
            )
        for row, (image, label) in enumerate(zip(x, part.labels, strict=True)):
            yield np.asarray(image, np.uint8), label, part.split, part.place(row)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]} {'in color' if len(shape) == 3 else 'gray'}"
