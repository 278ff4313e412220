"""What has scores for texts: a trained model, or a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unroll.core.paths import METHOD
from unroll.predicting.gated import model_scorer


def scorer_of(folder: Path) -> Any:
    """A trained model or a baseline of texts, as a function from texts to probabilities.

    Raises:
        UserError: a file is missing or damaged.
    """
    if not (folder / METHOD).exists():
        return model_scorer(folder)
    from unroll.predicting.linear import LinearScorer  # with scikit-learn, a second

    return LinearScorer(folder)
