"""The order in which an epoch reads its rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Steps per call: enough to hide the cost of the call, few enough to report every second.
PER_CALL = 20
# Batches of like length are cut to one of so many widths, each of which is compiled once. That is
# worth it where the steps of an epoch are many.
WIDTHS = 4
WORTH = 1_000_000


class Order:
    """Batches of row numbers, epoch after epoch; a function of seed, epoch and lengths alone.

    Rows are drawn without replacement. The last ones, too few for a whole batch, are left out of
    this epoch; each epoch leaves out others.
    """

    def __init__(self, lengths: np.ndarray, steps: int, batch: int, seed: int) -> None:
        """Plan epochs.

        Args:
            lengths: of each row, int64 (n,), without its padding in front.
            steps: of every row, padding included.
        """
        self._batch, self._seed, self._steps = batch, seed, steps
        self.steps = len(lengths) // batch  # of an epoch
        width = -(-steps // WIDTHS)
        padding = len(lengths) * steps - int(np.minimum(lengths, steps).sum())
        like = padding > width * len(lengths) and len(lengths) * steps > WORTH
        self._widths = np.minimum(-(-lengths // width) * width, steps) if like else None
        self._count = len(lengths)

    def calls(self, epoch: int) -> Iterator[tuple[np.ndarray, int]]:
        """The rows of at most `PER_CALL` batches, int32 (batches * batch,), and their width.

        With widths, the batches of an epoch are cut from rows that were sorted by width, so all
        but a few have rows of one width, and the calls come in random order.
        """
        draw = np.random.default_rng([self._seed, epoch])
        order = draw.permutation(self._count).astype(np.int32)
        size = PER_CALL * self._batch
        if self._widths is None:
            order = order[: self.steps * self._batch]
            yield from ((order[i : i + size], self._steps) for i in range(0, len(order), size))
            return
        order = order[: self.steps * self._batch]
        order = order[np.argsort(self._widths[order], kind="stable")]
        batches = order.reshape(self.steps, self._batch)
        widths = self._widths[batches].max(axis=1)
        # Short calls, so that short and long rows alternate often.
        calls = [
            (group[i : i + PER_CALL // 2], int(width))
            for width in np.unique(widths)
            for group in [draw.permutation(batches[widths == width])]
            for i in range(0, len(group), PER_CALL // 2)
        ]
        for i in draw.permutation(len(calls)):
            rows, width = calls[i]
            yield rows.ravel(), width
