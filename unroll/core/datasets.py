"""The prepared arrays of a corpus, split as the protocol says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json
from unroll.core.arrays import read_array
from unroll.core.paths import VALIDATION, VOCABULARY, prepared

# Their ids come before those of the words. The order is that of the Keras IMDb data set, which the
# chapter uses.
SPECIAL_TOKENS = ("<PAD>", "<START>", "<UNK>", "<UNUSED>")


@dataclass(frozen=True)
class Part:
    """Inputs and labels of the same rows: word ids (n, length) or bytes (n, 28, 28); (n,)."""

    x: np.ndarray
    y: np.ndarray


def read(corpus: str, split: str) -> Part:
    """One split, mapped into memory.

    Raises:
        UserError: a file is missing or damaged, or the two do not belong together.
    """
    folder = prepared(corpus)
    part = Part(read_array(folder / f"x_{split}.npy"), read_array(folder / f"y_{split}.npy"))
    if len(part.x) != len(part.y) or not len(part.x):
        raise UserError(
            f"{folder}: {split} has {len(part.x)} inputs and {len(part.y)} labels; {HOW_TO_FIX}"
        )
    return part


def training(corpus: str, protocol: str) -> tuple[Part, Part]:
    """What to train on, and what to validate on and pick thresholds with.

    Args:
        protocol: `holdout` validates on rows held out from the training split; `book` trains on
            the whole split and validates on the test split, as the chapter did.
    """
    whole = read(corpus, "train")
    if protocol == "book":
        return whole, read(corpus, "test")
    rows = read_array(prepared(corpus) / VALIDATION)
    numbers = rows.ndim == 1 and rows.dtype.kind in "iu"
    if not numbers or not len(rows) or rows.min() < 0 or rows.max() >= len(whole.x):
        raise UserError(f"{prepared(corpus)}/{VALIDATION}: not rows of x_train; {HOW_TO_FIX}")
    held = np.zeros(len(whole.x), bool)
    held[rows] = True
    return Part(whole.x[~held], whole.y[~held]), Part(whole.x[held], whole.y[held])


def scaled(images: np.ndarray) -> np.ndarray:
    """Bytes to float32 in [0, 1]."""
    return np.divide(images, 255, dtype=np.float32)


def vocabulary_size(corpus: str) -> int:
    """The size of the vocabulary of the prepared texts, including the special tokens.

    Raises:
        UserError: the file of the vocabulary is missing or is not such a file.
    """
    path = prepared(corpus) / VOCABULARY
    try:
        return len(SPECIAL_TOKENS) + len(read_json(path)["vocabulary"])
    except (TypeError, KeyError):
        raise UserError(f"{path}: not a vocabulary; {HOW_TO_FIX}") from None
