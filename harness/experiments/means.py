"""Whether a difference between two means over seeds holds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats


class Held(NamedTuple):
    """A mean over seeds minus another, with its 95% interval; it counts if that is without 0."""

    value: float
    low: float
    high: float

    @property
    def counts(self) -> bool:
        """Whether the difference holds over seeds."""
        return not self.low <= 0 <= self.high


def difference(first: list[float], second: list[float]) -> Held:
    """The mean of `second` minus that of `first`, by B. L. Welch's t-test (Biometrika 34, 1947).

    Args:
        first, second: a metric of two models, a value for each seed; a single value is that of a
            model without chance, such as a baseline. One of them has at least two.
    """
    value = float(np.mean(second) - np.mean(first))
    sides = [(np.var(v, ddof=1) / len(v) if len(v) > 1 else 0.0, len(v)) for v in (first, second)]
    total = float(sum(variance for variance, _ in sides))
    if not total:
        return Held(value, value, value)
    freedom = total**2 / sum(variance**2 / (n - 1) for variance, n in sides if n > 1)
    reach = float(stats.t.ppf(0.975, freedom) * np.sqrt(total))
    return Held(value, value - reach, value + reach)
