"""LSTM autoencoder.

(N. Srivastava et al., Unsupervised learning of video representations using LSTMs, ICML 2015.)
"""

from __future__ import annotations

from typing import Any

from unroll.models.parameters import Autoencoder as Parameters
from unroll.models.stacks import Data, autoencoder

__all__ = ["Parameters", "build"]


def build(parameters: Parameters, data: Data, name: str) -> Any:
    """A Keras model of two parts, `encoder` and `decoder`."""
    # If both numbers of a code start out alike, the codes lie along a line, and training seldom
    # changes that. Orthogonal columns cannot be alike.
    return autoencoder(parameters, data, name, bidirectional=False, orthogonal=True)
