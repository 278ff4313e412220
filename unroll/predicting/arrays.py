"""Series and images that a command names: files, or rows of the prepared test split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.core.errors import UserError
from unroll.core import datasets
from unroll.core.tasks import REBUILD
from unroll.predicting import images
from unroll.predicting.inference import Network
from unroll.predicting.model import Batch, Model


def batches(
    model: Model, network: Network, inputs: Sequence[str], test: bool, invert: bool
) -> Iterator[Batch]:
    """The inputs, a batch a file or a part of one.

    Raises:
        UserError: an input cannot be read, or the model cannot read it.
    """
    if not inputs:
        raise UserError("no INPUT is named; expected files, or --test and rows")
    for name in inputs:
        if test:
            found = iter([([f"test {name}"], _test_row(model, name))])
        elif model.kind == "images":
            found = _images(model, network, name, invert)
        else:
            found = _series(model, network, name)
        for names, x in found:
            yield Batch(names, [{"input": each} for each in names], x)


def _test_row(model: Model, name: str) -> np.ndarray:
    part = datasets.read(model.corpus, "test")
    if not name.isdecimal() or int(name) >= len(part):
        raise UserError(f"--test {name}: expected rows from 0 to {len(part) - 1}")
    x = part.padded(model.length, _fill(model), np.array([int(name)]))
    return x / np.float32(255) if model.kind == "images" else x


def _images(
    model: Model, network: Network, name: str, invert: bool
) -> Iterator[tuple[list[str], np.ndarray]]:
    shape = model.pictures(np.empty((1, model.length, network.inputs[-1]))).shape[1:]
    path = Path(name)
    if path.suffix.lower() in (*images.PICTURES, images.ARRAYS):
        chunks = iter([images.read(path, shape)])
    else:
        chunks = (images.from_array(np.stack(chunk), shape, name) for chunk in model.rows(name))
    first = 0
    for pixels in chunks:
        names = [f"{name} {first + i}" for i in range(len(pixels))]
        names = [name] if names == [f"{name} 0"] else names
        yield names, model.steps(1 - pixels if invert else pixels)
        first += len(pixels)


def _series(model: Model, network: Network, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
    # Where windows are cut from one signal, an answer names the step where its window begins.
    one = "window" in model.reads and "series" not in model.reads
    stride = model.reads.get("stride", 1) if one else 1
    first = 0
    for chunk in model.rows(name):
        x = np.full((len(chunk), model.length, network.inputs[-1]), _fill(model), np.float32)
        for row, series in zip(x, chunk, strict=True):
            (steps, channels), whole = series.shape, model.length
            if channels != x.shape[-1] or (model.task == REBUILD and steps != whole):
                wanted = f"{x.shape[-1]} channels" + f" and {whole} steps" * (model.task == REBUILD)
                raise UserError(
                    f"{name}: a series of {channels} channels and {steps} steps, expected {wanted}"
                )
            row[-min(steps, whole) :] = model.scaled(series[-whole:])
        yield [f"{name} {(first + i) * stride}" for i in range(len(chunk))], x
        first += len(chunk)


def _fill(model: Model) -> float:
    """What fills short series in front, as in training."""
    if not model.mask:
        return 0
    from unroll.models.stacks import MASKED

    return MASKED
