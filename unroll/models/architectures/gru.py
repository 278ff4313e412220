"""Gated recurrent unit.

(K. Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014.)
"""

from __future__ import annotations

from typing import Any

from unroll.models.parameters import Classifier as Parameters
from unroll.models.stacks import Data, classifier

__all__ = ["Parameters", "build"]


def build(parameters: Parameters, data: Data, name: str) -> Any:
    """A Keras model from sequences (batch, steps[, features]) to scores (batch, classes)."""
    from keras.layers import GRU

    return classifier(GRU, "gru", parameters, data, name)
