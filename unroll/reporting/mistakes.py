"""docs/mistakes.md: the surest answers of each model to test texts, wrong ones first, and why."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from unroll.core import paths
from unroll.reporting.trained import measured

PAGE = Path("docs/mistakes.md")

_HEAD = """\
<!-- Written by `unroll readme` from plots/points/. -->

# The surest mistakes

The test reviews that each model is surest of and wrong, then those that it is surest of and right.
Of each, the part that decides, as the model reads it, in at most 60 words. Bold words contribute
most; the number is what they add to the log-odds of the answer on the right ({high}), by how much
these fall when an unknown word stands in their place. A word that is too rare to be known is shown
as "…". `unroll predict MODEL TEXT --explain` says the same of any text.
"""


def page() -> dict[Path, str]:
    """The text by its path; none where no model is judged.

    Raises:
        UserError: the metrics of a model are missing.
    """
    models = list(measured("bias", paths.bias))
    parts = [part for model in models for part in _of_model(model)]
    return {PAGE: "\n".join([_HEAD.format(high="positive"), *parts]) + "\n"} if models else {}


def _of_model(model: str) -> list[str]:
    path = paths.points(model) / "mistakes.csv"
    table = pd.read_csv(path, keep_default_na=False, dtype={"word": str})
    parts = [f"## `{model}`\n"]
    for (wrong, row), words in table.groupby(["wrong", "row"], sort=False):
        first = words.iloc[0]
        shown = (words[name].tolist() for name in ("word", "contribution", "strong"))
        said = " ".join(
            f"**{word}** ({value:+.2f})" if strong else word
            for word, value, strong in zip(*shown, strict=True)
        )
        verdict = "Wrong" if wrong else "Right"
        parts.append(f"{verdict}, {first.score:.3f}; review {row} is {first.actual}:\n\n> {said}\n")
    return parts
