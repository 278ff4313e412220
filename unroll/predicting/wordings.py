"""The words in which a classifier of two classes says how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

# How far from the threshold toward certainty a score must be for these wordings. Chosen before any
# result was known; the model cards say how often each wording was right on the test set.
LIKELY, SURE = 0.4, 0.8


def ranges(
    threshold: float, classes: Sequence[str] = ("negative", "positive")
) -> list[tuple[str, str, float]]:
    """Each wording with its class and the lowest score, in [0, 1], that it covers, high to low.

    Args:
        classes: the names of the classes of low and of high scores.
    """
    low, high = classes
    above = 1 - threshold
    return [
        (high, high, threshold + SURE * above),
        (f"probably {high}", high, threshold + LIKELY * above),
        (f"unsure, leaning {high}", high, threshold),
        (f"unsure, leaning {low}", low, threshold - LIKELY * threshold),
        (f"probably {low}", low, threshold - SURE * threshold),
        (low, low, 0.0),
    ]
