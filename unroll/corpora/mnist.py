"""The MNIST digits (LeCun, Cortes, Burges): from either archive to four arrays."""

from __future__ import annotations

import hashlib
import math
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from harness.core.errors import UserError, reason
from unroll.core.arrays import read_array, write_array
from unroll.core.paths import raw
from unroll.core.progress import bar
from unroll.corpora.archives import members, refuse_leading_out

SPLITS = ("train", "test")
SIDE = 28  # pixels
# The four files together have 54,950,048 bytes.
MOST_BYTES = 60_000_000
# Our name, the name in the official archive, the name in the npm package.
ARRAYS = {
    "train_images": ("x_train.npy", "train-images-idx3-ubyte"),
    "train_labels": ("y_train.npy", "train-labels-idx1-ubyte"),
    "test_images": ("x_test.npy", "t10k-images-idx3-ubyte"),
    "test_labels": ("y_test.npy", "t10k-labels-idx1-ubyte"),
}


def read(archive: Path, source: str) -> dict[str, np.ndarray]:
    """The four uint8 arrays of either source: images (n, 28, 28), labels (n,).

    Raises:
        UserError: the archive does not hold what it should.
    """
    arrays = _official(archive) if source == "official" else _npm(archive)
    for split in SPLITS:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        if labels.ndim != 1 or images.shape != (len(labels), SIDE, SIDE):
            raise UserError(f"{archive}: {split} has shapes {images.shape} and {labels.shape}")
        if len(labels) and labels.max() > 9:
            raise UserError(f"{archive}: {split} has a label {labels.max()}, expected 0 to 9")
    return arrays


def _official(archive: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(archive) as npz:
            for member in npz.infolist():
                _refuse_unusual(archive, member)
            names = npz.namelist()
            if len(set(names)) < len(names):
                raise UserError(f"{archive}: refused, it holds a name twice")
            if sum(member.file_size for member in npz.infolist()) > MOST_BYTES:
                raise UserError(f"{archive}: refused, it claims more than {MOST_BYTES} bytes")
            return {ours: _npy(npz, theirs) for ours, (theirs, _) in ARRAYS.items()}
    except (
        *(zipfile.BadZipFile, KeyError, EOFError, zlib.error, OSError),
        *(ValueError, RuntimeError),  # of offsets below zero, of encryption
    ) as error:
        raise UserError(f"{archive}: not a whole MNIST .npz archive ({reason(error)})") from None


def _refuse_unusual(archive: Path, member: zipfile.ZipInfo) -> None:
    """Raise `UserError` for a member that no archive of arrays has."""
    refuse_leading_out(archive, member.filename)
    name = member.filename[:100]
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise UserError(f"{archive}: refused, {name!r} is not a plain file")
    # The reader of any other method unpacks all there is, however much it claims to be.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(f"{archive}: refused, {name!r} is neither stored nor deflated")


def _npy(npz: zipfile.ZipFile, name: str) -> np.ndarray:
    with npz.open(name) as file:
        try:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        except Exception as error:  # NumPy's reader of heads lets errors of every kind through
            raise UserError(f"{npz.filename}: {name} is not an array ({reason(error)})") from None
        if dtype != np.uint8 or fortran:
            raise UserError(
                f"{npz.filename}: {name} is {str(dtype)[:99]}, expected uint8 in C order"
            )
        # Not all that there is: it may unpack to more than it claims.
        return _shaped(file.read(npz.getinfo(name).file_size), shape, f"{npz.filename}: {name}")


def _npm(archive: Path) -> dict[str, np.ndarray]:
    with bar(archive.stat().st_size, f"read {archive.name}") as progress:
        files = dict(members(archive, re.compile(r"package/data/[^/]+"), MOST_BYTES, progress))
    arrays = {}
    for ours, (_, theirs) in ARRAYS.items():
        name = f"package/data/{theirs}"
        if name not in files:
            raise UserError(f"{archive}: {name} is missing")
        arrays[ours] = idx(files[name], f"{archive}: {name}")
    return arrays


def idx(body: bytes, label: str) -> np.ndarray:
    """The uint8 array of an IDX file: two zeros, type 8, the number of axes, their sizes, bytes.

    Raises:
        UserError: with `label` in front, where the head is another or promises other than follows.
    """
    if len(body) < 4 or body[:3] != b"\0\0\x08" or len(body) < 4 + 4 * body[3]:
        raise UserError(f"{label}: not an IDX file of bytes")
    shape = struct.unpack_from(f">{body[3]}I", body, 4)
    return _shaped(body[4 + 4 * body[3] :], shape, label)


def _shaped(body: bytes, shape: tuple[int, ...], label: str) -> np.ndarray:
    if len(shape) > 3 or min(shape, default=1) < 1 or len(body) != math.prod(shape):
        raise UserError(f"{label}: its head promises other than the {len(body)} bytes that follow")
    return np.frombuffer(body, np.uint8).reshape(shape)


def content_digest(arrays: dict[str, np.ndarray]) -> str:
    """The sha256 of the arrays' shapes and bytes, in the order of `ARRAYS`."""
    digest = hashlib.sha256()
    for name in ARRAYS:
        digest.update(f"{name}{arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def write(arrays: dict[str, np.ndarray]) -> None:
    """Write one `.npy` file an array."""
    for name, array in arrays.items():
        write_array(raw("mnist") / f"{name}.npy", array)


def images(split: str) -> np.ndarray:
    """The images of a split, uint8 of shape (n, 28, 28), 0 is background."""
    return read_array(raw("mnist") / f"{split}_images.npy")


def labels(split: str) -> np.ndarray:
    """The digits of a split, uint8 of shape (n,), 0 to 9."""
    return read_array(raw("mnist") / f"{split}_labels.npy")
