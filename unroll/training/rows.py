"""The rows that a training reads: in memory, or read from the disk when a step asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from unroll.core.parts import Part
from unroll.models.inputs import AnyInputs
from unroll.models.saving import PREDICTION_BATCH

# Bytes of rows up to which they are held in memory, as the model reads them. More are made anew of
# the mapped corpus in every epoch, which takes a few percent of the time of a small model.
HELD = 2**29
# Batches of a prediction whose rows are in memory at a time.
BATCHES = 16


class Mapped:
    """Rows of a part as a model reads them, made when they are asked for.

    It is what training needs of an array: a shape, a length, and rows by their numbers.
    """

    def __init__(self, inputs: AnyInputs, part: Part, rows: np.ndarray) -> None:
        self._inputs, self._part, self._rows = inputs, part, rows
        self.shape: tuple[int, ...] = (len(rows), *self[:1].shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: np.ndarray | slice) -> np.ndarray:
        return self._inputs.rows(self._part, self._rows[chosen])


Stored = np.ndarray | Mapped


def stored(inputs: AnyInputs, part: Part, rows: np.ndarray) -> Stored:
    """Rows of what `inputs.read` returned, in memory if they take little of it."""
    one = inputs.rows(part, rows[:1])
    return inputs.rows(part, rows) if one.nbytes * len(rows) <= HELD else Mapped(inputs, part, rows)


def blocks(x: Stored) -> Iterator[slice]:
    """Rows to compute with at a time: all that are in memory anyway, else some whole batches."""
    size = BATCHES * PREDICTION_BATCH if isinstance(x, Mapped) else max(len(x), 1)
    return (slice(first, first + size) for first in range(0, len(x), size))


@dataclass(frozen=True)
class Rows:
    """Rows to learn from.

    Attributes:
        x: inputs as they are stored.
        y: targets as the loss takes them; the same object where inputs are targets.
        lengths: of the rows whose padding in front is to be passed over; None for the others.
    """

    x: Stored
    y: Stored
    lengths: np.ndarray | None = None


class Batches(keras.utils.PyDataset):
    """Rows as Keras evaluates them, a batch at a time."""

    def __init__(self, rows: Rows, prepare: Any) -> None:
        super().__init__()
        self._rows, self._prepare = rows, prepare

    def __len__(self) -> int:
        return -(-len(self._rows.x) // PREDICTION_BATCH)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        rows, own = self._rows, slice(number * PREDICTION_BATCH, (number + 1) * PREDICTION_BATCH)
        x = keras.ops.convert_to_numpy(self._prepare(rows.x[own]))
        return x, x if rows.y is rows.x else rows.y[own]
