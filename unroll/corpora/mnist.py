"""The MNIST digits (LeCun, Cortes, Burges), from the archive of either source to four arrays."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np

from unroll.core.arrays import write_array
from unroll.core.paths import raw
from unroll.corpora.archives import members
from unroll.corpora.idx import idx

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
