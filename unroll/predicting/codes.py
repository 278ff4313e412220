"""The codes of an autoencoder as a command has them: numbers, lines, or an array in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.core.errors import UserError, reason
from unroll.predicting import images
from unroll.predicting.inference import Network
from unroll.predicting.lines import STDIN, STDIN_NAME, batches


def read(inputs: Sequence[str], network: Network) -> Iterator[np.ndarray]:
    """Batches of codes, float32, shape (n, latent).

    Args:
        inputs: the numbers of one code, or `.npy` files; none: lines of standard input.

    Raises:
        UserError: they are not codes of this model.
    """
    [latent] = network.inputs
    if inputs and all(name.endswith(images.ARRAYS) for name in inputs):
        for name in inputs:
            yield _array(name, latent)
    elif inputs:
        yield _code(inputs, "INPUT", latent)[np.newaxis]
    else:
        if os.isatty(STDIN):
            print(f"Type the {latent} numbers of a code a line; Ctrl-D ends.", file=sys.stderr)
        for batch in batches(STDIN, STDIN_NAME):
            texts = [(item.place, (item.text or "?").replace(",", " ").split()) for item in batch]
            yield np.array([_code(text, place, latent) for place, text in texts]).reshape(
                -1, latent
            )


def line(code: np.ndarray) -> str:
    """A code, or a step, as a line."""
    return " ".join(f"{number:.6g}" for number in code)


def numbers(code: np.ndarray) -> list[float]:
    """A code in JSON."""
    return [round(float(number), 6) for number in code]


def _array(name: str, latent: int) -> np.ndarray:
    array = images.read_array(Path(name))
    array = array[np.newaxis] if array.ndim == 1 else array
    fits = array.ndim == 2 and array.shape[1] == latent and array.dtype.kind in "fiu" and len(array)
    if not fits or not np.isfinite(array).all():
        raise UserError(
            f"{name}: {array.dtype} of shape {array.shape}, expected finite numbers (n, {latent})"
        )
    return array.astype(np.float32)


def _code(texts: Sequence[str], place: str, latent: int) -> np.ndarray:
    try:
        found = np.array([float(text) for text in texts], np.float32)
    except ValueError as error:
        raise UserError(f"{place}: {reason(error)}, expected {latent} numbers") from None
    if len(found) != latent or not np.isfinite(found).all():
        raise UserError(
            f"{place}: {line(found)[:60]}, expected {latent} finite numbers, a code of this model"
        )
    return found
