"""The MNIST digits (LeCun, Cortes, Burges), from the archive of either source to four arrays."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np

from unroll.core.arrays import read_array, write_array
from unroll.core.paths import raw
from unroll.corpora.archives import members

SPLITS = ("train", "test")
# Our name, the name in the official archive, the name in the npm package.
ARRAYS = {
    "train_images": ("x_train.npy", "train-images-idx3-ubyte"),
    "train_labels": ("y_train.npy", "train-labels-idx1-ubyte"),
    "test_images": ("x_test.npy", "t10k-images-idx3-ubyte"),
    "test_labels": ("y_test.npy", "t10k-labels-idx1-ubyte"),
}


def read(archive: Path, source: str) -> dict[str, np.ndarray]:
    """The four uint8 arrays of either source: images (n, 28, 28), labels (n,)."""
    return _official(archive) if source == "official" else _npm(archive)


def _official(archive: Path) -> dict[str, np.ndarray]:
    with np.load(archive, allow_pickle=False) as npz:
        return {ours: npz[theirs] for ours, (theirs, _) in ARRAYS.items()}


def _npm(archive: Path) -> dict[str, np.ndarray]:
    files = dict(members(archive, re.compile(r"package/data/[^/]+")))
    return {ours: idx(files[f"package/data/{theirs}"]) for ours, (_, theirs) in ARRAYS.items()}


def idx(body: bytes) -> np.ndarray:
    """The uint8 array of an IDX file: two zeros, type 8, the number of axes, their sizes, bytes."""
    axes = body[3]
    shape = np.frombuffer(body, ">u4", axes, offset=4)
    return np.frombuffer(body, np.uint8, offset=4 + 4 * axes).reshape(shape)


def content_digest(arrays: dict[str, np.ndarray]) -> str:
    """The sha256 of the arrays' shapes and bytes, in the order of `ARRAYS`."""
    digest = hashlib.sha256()
    for name in ARRAYS:
        digest.update(f"{name}{arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def write(arrays: dict[str, np.ndarray]) -> None:
    """Write one `.npy` file per array."""
    for name, array in arrays.items():
        write_array(raw("mnist") / f"{name}.npy", array)


def images(split: str) -> np.ndarray:
    """The images of a split, uint8 of shape (n, 28, 28), 0 is background."""
    return read_array(raw("mnist") / f"{split}_images.npy")


def labels(split: str) -> np.ndarray:
    """The digits of a split, uint8 of shape (n,), 0 to 9."""
    return read_array(raw("mnist") / f"{split}_labels.npy")
