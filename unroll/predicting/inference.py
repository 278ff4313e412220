"""The predictions of a saved model on onnxruntime: no wait for TensorFlow.

A model with layers or options that have no operator here is loaded with Keras, which takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import UserError, reason
from harness.core.files import HOW_TO_FIX
from unroll.exporting.export import onnx_bytes
from unroll.exporting.layers import NotKnown

# Rows whose states stay in a core's cache.
BATCH = 128


class Network:
    """A saved model, or a part of one, that is ready to compute in float32.

    Attributes:
        inputs: the shape of one input, without the batch; of rows of any length it has a name.
        outputs: the shape of one output, without the batch.
    """

    def __init__(self, folder: Path, part: str | None = None) -> None:
        """Read what `unroll.models.saving.save` wrote into `folder`.

        Args:
            part: of an autoencoder, `encoder` or `decoder` alone.

        Raises:
            UserError: a file is missing or damaged, or the weights have other shapes.
        """
        self._folder = folder
        try:
            found = _session(onnx_bytes(folder, part))
        except NotKnown:
            found = _with_keras(folder, part)
        self._run, self.inputs, self.outputs = found

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The outputs of a batch, shape (n, *inputs) to (n, *outputs), float32.

        Raises:
            UserError: the model cannot compute them, such as those of ids beyond its vocabulary.
        """
        try:
            found = [self._run(x[first : first + BATCH]) for first in range(0, len(x), BATCH)]
        except Exception as error:  # onnxruntime's own classes, below no common one
            raise UserError(
                f"{self._folder}: the model cannot read this ({reason(error)}); {HOW_TO_FIX}"
            ) from None
        return np.concatenate(found) if found else np.empty((0, *self.outputs), np.float32)


_Found = tuple[Callable[[np.ndarray], np.ndarray], tuple[Any, ...], tuple[Any, ...]]


def _session(content: bytes) -> _Found:
    # Otherwise it writes an identifier of this machine, and what it does to a server.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # The models are small: threads would wait longer than compute.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised; they need not be printed as well
    session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    given, wanted = session.get_inputs()[0], session.get_outputs()[-1]
    ids = given.type == "tensor(int64)"
    masked = isinstance(given.shape[1], str)

    def run(x: np.ndarray) -> np.ndarray:
        if ids and masked:
            # Without the padding that all rows have.
            x = x[:, x.any(axis=(0, *range(2, x.ndim))).argmax() :]
        x = x.astype(np.int64 if ids else np.float32)
        return session.run([wanted.name], {given.name: x})[0]

    return run, tuple(given.shape[1:]), tuple(wanted.shape[1:])


def _with_keras(folder: Path, part: str | None) -> _Found:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from unroll.models import saving

    model = saving.load(folder)
    model = model.get_layer(part) if part else model
    run = lambda x: saving.predict(model, x)  # noqa: E731
    return run, tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
