"""Bidirectional LSTM autoencoder: reads and writes the steps from both ends.

(N. Srivastava et al., Unsupervised learning of video representations using LSTMs, ICML 2015.)
"""

from __future__ import annotations

from typing import Any

from unroll.models.parameters import Autoencoder as Parameters
from unroll.models.stacks import Data, autoencoder

__all__ = ["Parameters", "build"]


def build(parameters: Parameters, data: Data, name: str) -> Any:
    """A Keras model of two parts, `encoder` and `decoder`."""
    return autoencoder(parameters, data, name, bidirectional=True, orthogonal=False)
