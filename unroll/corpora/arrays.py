"""Arrays of a corpus in an `.npz` file, `.npy` files or IDX files, and the labels beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.core.errors import UserError, reason
from unroll.corpora.folders import split_of
from unroll.corpora.idx import idx
from unroll.corpora.opening import opened

_LABELS = re.compile(r"(^|[^a-z])(y|labels?|targets?|classes)($|[^a-z])")
_IDX = re.compile(r"idx[1-9]-ubyte|\.idx")


class Part(NamedTuple):
    """One split of a corpus: its rows, their labels as texts, and where they are."""

    x: np.ndarray
    labels: list[str | None]
    split: str | None
    name: str

    def place(self, row: int) -> str:
        """Where a row is that counts from 0."""
        return f"{self.name}, row {row + 1}"


def is_arrays(path: Path) -> bool:
    """Whether a file holds arrays: `.npz`, `.npy` or IDX, compressed or not."""
    return path.suffix.lower() in (".npz", ".npy") or bool(_IDX.search(path.name.lower()))


def parts(files: list[Path]) -> Iterator[Part]:
    """The splits of a corpus, or its only part; train comes before test.

    A name with `labels`, `targets` or the word `y` holds labels, any other the rows; `train` and
    `test` in it say the split: `x_train`, `test_labels`, `t10k-images-idx3-ubyte`.

    Raises:
        UserError: a file is damaged or holds objects, or the names do not fit together.
    """
    arrays = [(file, *entry) for file in files for entry in _arrays(file).items()]
    roles = [(split_of(name), bool(_LABELS.search(name.lower()))) for _, name, _ in arrays]
    found = dict(zip(roles, arrays, strict=True))
    splits = sorted({split for split, _ in roles}, key=lambda split: split != "train")
    whole = all((split, False) in found for split in splits)
    if len(found) < len(roles) or not whole or (None in splits and len(splits) > 1):
        raise UserError(
            f"{files[0].parent if len(files) > 1 else files[0]}: arrays "
            f"{', '.join(name for _, name, _ in arrays)}; expected x_train, y_train, x_test and "
            "y_test, or x and y; rename them, or leave the others out"
        )
    for split in splits:
        file, name, x = found[split, False]
        place = f"{file}, {name}" if file.suffix == ".npz" else str(file)
        y = found[split, True][2] if (split, True) in found else None
        if x.ndim == 0 or (y is not None and (y.shape[:1] != x.shape[:1] or y.size != len(x))):
            raise UserError(
                f"{place}: shape {x.shape}, but labels of shape {y if y is None else y.shape}; "
                "write one label a row, a number or a name"
            )
        yield Part(x, [None] * len(x) if y is None else _texts(y), split, place)


def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        if file.suffix.lower() == ".npz":
            with np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
        if file.suffix.lower() == ".npy":
            return {file.stem: np.load(file, mmap_mode="r", allow_pickle=False)}
        with opened(file) as stream:
            return {file.name: idx(stream.read())}
    except UserError:
        raise
    except Exception as error:  # NumPy's reader of heads lets errors of every kind through
        raise UserError(
            f"{file}: no whole arrays of numbers or texts ({reason(error)}); write them with "
            "numpy.save or numpy.savez, without objects, or bring the file here again"
        ) from None


def _texts(y: np.ndarray) -> list[str | None]:
    found = [value.decode() if isinstance(value, bytes) else value for value in y.ravel().tolist()]
    return [
        (None if math.isnan(value) else f"{value:g}") if isinstance(value, float) else str(value)
        for value in found
    ]
