"""Images in files and on the terminal: PNG, JPEG, PGM, `.npy`, characters."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from harness.core.errors import UserError, reason

PICTURES = {".png": "PNG", ".pgm": "PPM", ".jpg": "JPEG", ".jpeg": "JPEG"}
WRITTEN = (".png", ".pgm")
ARRAYS = ".npy"
# Pillow's modes with at most 8 bits of gray, or of each color.
MODES = ("1", "L", "P", "RGB")
# From black to white. Characters are twice as high as wide, so one shows two rows of pixels.
SHADES = " .:-=+*#%@"


def check_name(path: Path, pictures: bool) -> None:
    """Refuse a file name that `write` cannot use, before any work.

    Args:
        pictures: whether images are written, which may be pictures.

    Raises:
        UserError: the suffix is unknown, or the folder does not exist.
    """
    known = (*WRITTEN, ARRAYS) if pictures else (ARRAYS,)
    if path.suffix.lower() not in known:
        raise UserError(f"{path}: expected a name that ends in {' or '.join(known)}")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it first")


def read(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The images of a file, float32 in [0, 1], shape (n, *shape); a picture is one image.

    Args:
        shape: height and width that an image must have, in pixels, and 3 if it has colors.

    Raises:
        UserError: the file is missing, has another format, or has other images.
    """
    if path.suffix.lower() == ARRAYS:
        return from_array(read_array(path), shape, str(path))
    try:
        with Image.open(path, formats=tuple({*PICTURES.values()})) as file:
            picture = ImageOps.exif_transpose(file)  # as the camera was held
            if picture.size != shape[1::-1]:
                raise UserError(
                    f"{path}: {picture.width}x{picture.height} pixels, "
                    f"expected {shape[1]}x{shape[0]}; scale it first"
                )
            if picture.mode not in MODES:
                raise UserError(
                    f"{path}: pixels of kind {picture.mode}, expected 8 bits of gray or RGB"
                )
            if picture.has_transparency_data:
                raise UserError(f"{path}: has transparent pixels; flatten it first")
            pixels = np.asarray(picture.convert("L" if len(shape) == 2 else "RGB"))
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise _not_whole(error, f"{path}: not a complete PNG, JPEG, PGM or .npy file") from None
    return from_array(pixels, shape, str(path))


def read_array(path: Path) -> np.ndarray:
    """The array of a `.npy` file, of any type except objects.

    Raises:
        UserError: it is no such file.
        OSError: it cannot be read.
    """
    try:
        # Mapped: a header that claims more than the file has allocates nothing.
        with np.errstate(over="raise"):  # of a size beyond all numbers
            return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # as in unroll.core.arrays.read_array
        message = f"{path}: not a complete .npy file of numbers ({reason(error)})"
        raise _not_whole(error, message) from None


def _not_whole(error: Exception, message: str) -> Exception:
    """The operating system's error, such as a missing file, or else one about the content."""
    return error if isinstance(error, OSError) and error.errno else UserError(message)


def from_array(array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """One image or several, bytes or floats in [0, 1], as float32 in [0, 1], (n, *shape).

    Raises:
        UserError: it has another shape, type or range.
    """
    if (
        array.shape[-len(shape) :] != shape
        or array.ndim - len(shape) not in (0, 1)
        or not len(array)
    ):
        several = ", ".join(map(str, ("n", *shape)))
        raise UserError(f"{name}: of shape {array.shape}, expected {shape} or ({several})")
    images = array.reshape(-1, *shape)
    if images.dtype == np.uint8:
        return np.divide(images, 255, dtype=np.float32)
    if images.dtype.kind != "f":
        raise UserError(f"{name}: of type {images.dtype}, expected uint8, or floats in [0, 1]")
    if not (images.min() >= 0 and images.max() <= 1):  # false where one is not a number
        raise UserError(f"{name}: from {images.min()} to {images.max()}, expected floats in [0, 1]")
    return images.astype(np.float32)


def bytes_of(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as bytes."""
    return np.rint(images * 255).astype(np.uint8)


def write(path: Path, values: np.ndarray) -> None:
    """Write images, float32 in [0, 1], (n, height, width[, 3]): a picture has them side by side.

    A `.npy` file takes any array. The file is written completely or not at all.
    """
    content = io.BytesIO()
    if path.suffix.lower() == ARRAYS:
        np.save(content, values, allow_pickle=False)
    else:
        strip = Image.fromarray(np.hstack(list(bytes_of(values))))
        strip.save(content, PICTURES[path.suffix.lower()])
    # Beside the target, which may be on another file system than the project.
    partial = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        partial.write_bytes(content.getvalue())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def preview(*images: np.ndarray) -> str:
    """Images of the same height, in [0, 1], side by side in characters, dense where bright."""
    gray = [image if image.ndim == 2 else image.mean(axis=2) for image in images]
    tall = np.hstack([np.pad(image, ((0, len(image) % 2), (0, 4))) for image in gray])
    rows = tall.reshape(len(tall) // 2, 2, -1).mean(axis=1)
    shades = np.minimum((rows * len(SHADES)).astype(int), len(SHADES) - 1)
    return "\n".join("".join(SHADES[shade] for shade in row).rstrip() for row in shades)
