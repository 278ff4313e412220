"""Long short-term memory.

(S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9, 1997.)
"""

from __future__ import annotations

from typing import Any

from unroll.models.parameters import Classifier as Parameters
from unroll.models.stacks import Data, classifier

__all__ = ["Parameters", "build"]


def build(parameters: Parameters, data: Data, name: str) -> Any:
    """A Keras model from sequences (batch, steps[, features]) to scores (batch, classes)."""
    from unroll.models.recurrent.layer import LSTM

    return classifier(LSTM, "lstm", parameters, data, name, padded=parameters.mask)
