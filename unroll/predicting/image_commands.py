"""The commands `encode`, `decode` and `reconstruct` of `unroll predict`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.core.errors import UserError
from unroll.core import arrays, paths
from unroll.metrics.reconstruction import cross_entropy, squared_error
from unroll.predicting import images, inference, model_folder
from unroll.predicting.inference import Network
from unroll.predicting.lines import STDIN, batches


def run(options: argparse.Namespace) -> int:
    """Run one command; always 0."""
    output = Path(options.output) if options.output else None
    if output and options.command == "encode" and output.suffix != images.ARRAYS:
        raise UserError(f"{output}: expected a name that ends in .npy")
    if output:
        images.check_name(output)
    folder = model_folder.folder(options.model)
    network = inference.load(folder)
    if set(network.parts) != {"encoder", "decoder"}:
        raise UserError(f"{folder}: not a model of images, expected one such as ae_lstm")
    results = {"encode": _encode, "decode": _decode, "reconstruct": _reconstruct}[options.command](
        options, network
    )
    kept = []
    for result, text in results:
        if output:
            kept.append(result)
        if not output or options.command == "reconstruct":
            print(text, flush=True)
    if not kept and output:
        raise UserError("there is no code in the input")
    if output:
        images.write(output, np.stack(kept))
    return 0


def _encode(options: argparse.Namespace, network: Network) -> Iterator[tuple[np.ndarray, str]]:
    names, pixels = _images(options, network)
    for name, code in zip(names, network.parts["encoder"](pixels), strict=True):
        if options.json:
            yield code, json.dumps({"image": name, "model": options.model, "code": _numbers(code)})
        else:
            yield code, " ".join(f"{number:.6g}" for number in code)


def _decode(options: argparse.Namespace, network: Network) -> Iterator[tuple[np.ndarray, str]]:
    decoder = network.parts["decoder"]
    [latent] = decoder.inputs
    for codes in _codes(options, latent):
        for code, image in zip(codes, decoder(codes), strict=True):
            if options.json:
                found = {
                    "model": options.model,
                    "code": _numbers(code),
                    "image": images.bytes_of(image).tolist(),
                }
                yield image, json.dumps(found)
            else:
                yield image, images.preview(image)


def _reconstruct(options: argparse.Namespace, network: Network) -> Iterator[tuple[np.ndarray, str]]:
    names, pixels = _images(options, network)
    rebuilt = network(pixels)
    losses, errors = cross_entropy(pixels, rebuilt), squared_error(pixels, rebuilt)
    for name, original, image, loss, error in zip(
        names, pixels, rebuilt, losses, errors, strict=True
    ):
        if options.json:
            found = {
                "image": name,
                "model": options.model,
                "loss": round(float(loss), 5),
                "mse": round(float(error), 5),
            }
            yield image, json.dumps(found)
        else:
            text = f"{name}: loss {loss:.4f}, mean squared error {error:.4f}"
            drawn = "" if options.output else "\n" + images.preview(original, image)
            yield image, text + drawn


def _images(options: argparse.Namespace, network: Network) -> tuple[list[str], np.ndarray]:
    """The names of the images that are asked for, and their pixels."""
    if not options.image and not options.test:
        raise UserError("no image is named; expected IMAGE files, or --test and rows")
    height, width = network.inputs
    names, found = [], []
    for name in options.image:
        pixels = images.read(Path(name), (height, width))
        names += [name] if len(pixels) == 1 else [f"{name} {i}" for i in range(len(pixels))]
        found.append(1 - pixels if options.invert else pixels)
    if options.test:
        split = arrays.read_array(paths.prepared("mnist") / "x_test.npy")
        for row in options.test:
            if not row.isdecimal() or int(row) >= len(split):
                raise UserError(f"--test {row}: expected rows from 0 to {len(split) - 1}")
            names.append(f"test {row}")
            found.append(images.from_array(split[int(row)], (height, width), names[-1]))
    return names, np.concatenate(found)


def _codes(options: argparse.Namespace, latent: int) -> Iterator[np.ndarray]:
    """Batches of codes, float32, shape (n, latent)."""
    if options.number and options.codes:
        raise UserError("both NUMBER arguments and --codes are given, expected one of them")
    if options.number:
        yield _code(options.number, "the arguments", latent)[np.newaxis]
    elif options.codes:
        array = images.read_array(Path(options.codes))
        array = array[np.newaxis] if array.ndim == 1 else array
        if array.ndim != 2 or array.shape[1] != latent or not len(array):
            raise UserError(f"{options.codes}: of shape {array.shape}, expected (n, {latent})")
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise UserError(f"{options.codes}: of {array.dtype}, expected finite numbers")
        yield array.astype(np.float32)
    else:
        if os.isatty(STDIN):
            print(f"Type the {latent} numbers of a code a line; Ctrl-D ends.", file=sys.stderr)
        for batch in batches(STDIN, "standard input"):
            texts = [(item, (item.text or "\0").replace(",", " ").split()) for item in batch]
            yield np.stack([_code(text, item.place, latent) for item, text in texts])


def _code(texts: list[str], place: str, latent: int) -> np.ndarray:
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
