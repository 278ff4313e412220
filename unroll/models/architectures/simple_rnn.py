"""Simple recurrent network.

(J. L. Elman, Finding structure in time, Cognitive Science 14, 1990.)
"""

from __future__ import annotations

from typing import Any

from unroll.models.parameters import Classifier as Parameters
from unroll.models.stacks import Data, classifier

__all__ = ["Parameters", "build"]


def build(parameters: Parameters, data: Data, name: str) -> Any:
    """A Keras model from sequences (batch, steps[, features]) to scores (batch, classes)."""
    from keras.layers import SimpleRNN

    return classifier(SimpleRNN, "rnn", parameters, data, name)
