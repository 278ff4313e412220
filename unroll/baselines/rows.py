"""The rows of a prepared corpus that baselines learn from, validate on, and are tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unroll.core.datasets import About, Part, about, read, training


@dataclass(frozen=True)
class Rows:
    """A corpus, divided as the protocol says.

    Attributes:
        learnt: numbers of rows of `whole`; `held` those of `other`, which validate.
    """

    of: About
    whole: Part
    learnt: np.ndarray
    other: Part
    held: np.ndarray
    test: Part

    @classmethod
    def read(cls, corpus: str, protocol: str) -> Rows:
        """The rows of a prepared corpus.

        Raises:
            UserError: a file is missing or damaged.
        """
        return cls(about(corpus), *training(corpus, protocol), read(corpus, "test"))

    @property
    def y(self) -> np.ndarray:
        """The classes of the rows to learn from."""
        return self.whole.y[self.learnt]

    @property
    def tells_apart(self) -> bool:
        """Whether the rows to learn from have two classes or more."""
        return bool(self.of.classes) and len(np.unique(self.y)) > 1

    def flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All three as models read them, without their shape, float32 (n, numbers)."""
        parts = ((self.whole, self.learnt), (self.other, self.held), (self.test, None))
        x, held, test = (self._flat(part, rows) for part, rows in parts)
        return x, held, test

    def _flat(self, part: Part, rows: np.ndarray | None) -> np.ndarray:
        x = part.padded(self.of.steps[1], 0, rows).astype(np.float32)
        return x.reshape(len(x), -1) / (255 if self.of.kind == "images" else 1)
