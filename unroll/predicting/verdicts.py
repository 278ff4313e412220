"""The verdict of a trained classifier, in numbers and in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from unroll.core.tasks import TWO
from unroll.predicting.model import Model
from unroll.predicting.wordings import ranges

NOT_KNOWN = "unsure, no word is known"


def verdict(model: Model, output: np.ndarray, known: bool = True) -> tuple[str, dict[str, Any]]:
    """What a line says of one output of a classifier, and what JSON says of it.

    Args:
        output: the probability of the second of two classes, or one of each class.
        known: whether the model knows anything of the input.
    """
    two = model.task == TWO
    scores = [1 - float(output[0]), float(output[0])] if two else output.tolist()
    rounded = [round(score, 6) for score in scores]
    fields: dict[str, Any] = {
        "probabilities": dict(zip(model.classes, rounded, strict=True)),
    }
    if two:
        score, wordings = scores[1], ranges(model.threshold, model.classes)
        words, label, _ = next(each for each in wordings if score >= each[2])
        words = words if known else NOT_KNOWN
        width = max(len(NOT_KNOWN), *(len(each[0]) for each in wordings))
        fields |= {"probability": rounded[1], "threshold": model.threshold}
        return f"{score:.3f}  {words:<{width}}", {**fields, "label": label, "wording": words}
    first, second = np.argsort(-output, kind="stable")[:2]
    label, other = model.classes[first], model.classes[second]
    width = max(map(len, model.classes))
    line = f"{scores[first]:.3f}  {label:<{width}}  {scores[second]:.3f}  {other:<{width}}"
    fields |= {"probability": rounded[first], "label": label}
    return line if known else f"{line}  {NOT_KNOWN}", fields
