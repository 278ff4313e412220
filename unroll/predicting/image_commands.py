"""The commands `encode`, `decode` and `reconstruct` of `unroll predict`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.core.errors import UserError
from unroll.core import arrays, paths
from unroll.metrics.reconstruction import cross_entropy, squared_error
from unroll.predicting import images as files
from unroll.predicting import inference, model_folder
from unroll.predicting.inference import Network
from unroll.predicting.lines import STDIN, STDIN_NAME, batches

# Pairs of what a command computes, a code or an image, and the text that it prints.
Results = Iterator[tuple[np.ndarray, str]]


def encode(
    images: Sequence[str], test: bool, invert: bool, output: str | None, name: str, as_json: bool
) -> None:
    """Print or write the code of each image.

    Raises:
        UserError: an argument, an input or the model cannot be used; likewise below.
    """
    if output and Path(output).suffix != files.ARRAYS:
        raise UserError(f"{output}: expected a name that ends in .npy")
    network = _network(name, output)

    def results() -> Results:
        names, pixels = _pixels(images, test, invert, network)
        for image, code in zip(names, network.parts["encoder"](pixels), strict=True):
            if as_json:
                fields = {"image": image, "model": name, "code": _numbers(code)}
                yield code, json.dumps(fields)
            else:
                yield code, " ".join(f"{number:.6g}" for number in code)

    _print_or_write(results(), output)


def decode(
    numbers: Sequence[str], codes: str | None, output: str | None, name: str, as_json: bool
) -> None:
    """Print or write the image of each code."""
    decoder = _network(name, output).parts["decoder"]

    def results() -> Results:
        for batch in _codes(numbers, codes, decoder.inputs[0]):
            for code, image in zip(batch, decoder(batch), strict=True):
                if as_json:
                    pixels = files.bytes_of(image).tolist()
                    fields = {"model": name, "code": _numbers(code), "image": pixels}
                    yield image, json.dumps(fields)
                else:
                    yield image, files.preview(image)

    _print_or_write(results(), output)


def reconstruct(
    images: Sequence[str], test: bool, invert: bool, output: str | None, name: str, as_json: bool
) -> None:
    """Print the losses of each image; print or write its reconstruction."""
    network = _network(name, output)
    names, pixels = _pixels(images, test, invert, network)
    rebuilt = network(pixels)
    losses, errors = cross_entropy(pixels, rebuilt), squared_error(pixels, rebuilt)
    for image, before, after, loss, error in zip(
        names, pixels, rebuilt, losses, errors, strict=True
    ):
        if as_json:
            fields = {"loss": round(float(loss), 5), "mse": round(float(error), 5)}
            print(json.dumps({"image": image, "model": name, **fields}))
        else:
            print(f"{image}: loss {loss:.4f}, mean squared error {error:.4f}")
            if not output:
                print(files.preview(before, after))
    if output:
        files.write(Path(output), rebuilt)


def _network(name: str, output: str | None) -> Network:
    """The autoencoder that a command names; checks first that the output can be written."""
    if output:
        files.check_name(Path(output))
    folder = model_folder.folder(name)
    network = inference.load(folder)
    if set(network.parts) != {"encoder", "decoder"}:
        raise UserError(f"{folder}: not a model of images, expected one such as ae_lstm")
    return network


def _print_or_write(results: Results, output: str | None) -> None:
    kept = []
    for result, text in results:
        if output:
            kept.append(result)
        else:
            print(text, flush=True)
    if output and not kept:
        raise UserError("there is no code in the input")
    if output:
        files.write(Path(output), np.stack(kept))


def _pixels(
    images: Sequence[str], test: bool, invert: bool, network: Network
) -> tuple[list[str], np.ndarray]:
    """The names and the pixels, float32 in [0, 1], of the images that a command names."""
    if not images:
        raise UserError("no image is named; expected IMAGE files, or --test and rows")
    height, width = network.inputs
    split = arrays.read_array(paths.prepared("mnist") / "x_test.npy") if test else np.empty(0)
    names, found = [], []
    for name in images:
        if not test:
            pixels = files.read(Path(name), (height, width))
            pixels = 1 - pixels if invert else pixels
        elif name.isdecimal() and int(name) < len(split):
            pixels = files.from_array(split[int(name)], (height, width), f"row {name}")
            name = f"test {name}"
        else:
            raise UserError(f"--test {name}: expected rows from 0 to {len(split) - 1}")
        names += [name] if len(pixels) == 1 else [f"{name} {i}" for i in range(len(pixels))]
        found.append(pixels)
    return names, np.concatenate(found)


def _codes(numbers: Sequence[str], file: str | None, latent: int) -> Iterator[np.ndarray]:
    """Batches of codes, float32, shape (n, latent)."""
    if numbers and file:
        raise UserError("both NUMBER arguments and --codes are given, expected one of them")
    if numbers:
        yield _code(numbers, "the arguments", latent)[np.newaxis]
    elif file:
        array = files.read_array(Path(file))
        array = array[np.newaxis] if array.ndim == 1 else array
        if array.ndim != 2 or array.shape[1] != latent or not len(array):
            raise UserError(f"{file}: of shape {array.shape}, expected (n, {latent})")
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise UserError(f"{file}: of {array.dtype}, expected finite numbers")
        yield array.astype(np.float32)
    else:
        if os.isatty(STDIN):
            print(f"Type the {latent} numbers of a code a line; Ctrl-D ends.", file=sys.stderr)
        for batch in batches(STDIN, STDIN_NAME):
            texts = [(item, (item.text or "?").replace(",", " ").split()) for item in batch]
            yield np.stack([_code(text, item.place, latent) for item, text in texts])


def _code(texts: Sequence[str], place: str, latent: int) -> np.ndarray:
    numbers = []
    for text in texts:
        try:
            numbers.append(float(text))
        except ValueError:
            numbers.append(float("nan"))
        if not np.isfinite(numbers[-1]):
            raise UserError(f"{place}: {text[:40]!r} is not a number")
    if len(numbers) != latent:
        raise UserError(
            f"{place}: {len(numbers)} numbers, expected {latent}, the length of this model's codes"
        )
    return np.array(numbers, np.float32)


def _numbers(code: np.ndarray) -> list[float]:
    return [round(float(number), 6) for number in code]
