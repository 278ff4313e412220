"""Keras made ready, once in a process: backend, threads, precision, seed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from harness.core.errors import UserError
from harness.core.params import Declared
from harness.core.paths import SCRATCH

# What a user may have set for the libraries below would change what they compute, but for what
# says which device to use, and how much of its memory.
_SETTINGS = ("KERAS_", "TF_", "XLA_", "JAX_", "ONEDNN_", "DNNL_", "NVIDIA_TF32_OVERRIDE")
_HARMLESS = (
    *("KERAS_HOME", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR"),
    *("XLA_PYTHON_CLIENT_", "JAX_PLATFORMS"),
)
# On a GPU, a training leaves memory to those beside it, unless the user says otherwise.
_SHARING = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
# What Keras and TensorFlow import where they find it, for parts of theirs that no stage uses; that
# takes as long as all else that they import.
_FOR_OTHERS = ("matplotlib", "pandas", "sklearn")
_OF_OTHER_BACKENDS = {"tensorflow": ("jax",), "jax": ("tensorflow",)}


def start(params: Declared) -> None:
    """Set Keras up as the `train` section and `seed` say; nothing for stages without that section.

    To be called before anything of Keras is imported: the backend and its threads can be chosen
    but once in a process.

    Raises:
        UserError: the backend is not installed.
    """
    if not params.declares("train"):
        return
    train = params.train
    for name in list(os.environ):
        if name.startswith(_SETTINGS) and not name.startswith(_HARMLESS):
            del os.environ[name]
    for name, value in _SHARING.items():
        os.environ.setdefault(name, value)
    os.environ["KERAS_BACKEND"] = train["backend"]
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(train["threads"])
    with _hidden(*_FOR_OTHERS, *_OF_OTHER_BACKENDS[train["backend"]]):
        {"jax": _start_jax, "tensorflow": _start_tensorflow}[train["backend"]](train["threads"])
        import keras

        keras.utils.set_random_seed(params.seed)  # which looks for TensorFlow on any backend
    keras.config.set_dtype_policy(train["precision"])


def _start_tensorflow(threads: int) -> None:
    with _hushed():
        import tensorflow as tf

        tf.config.list_physical_devices()

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()


def _start_jax(threads: int) -> None:
    # XLA would size its pools by the processors that it may run on.
    os.environ["PJRT_NPROC"] = str(threads)
    try:
        import jax  # noqa: F401
    except ImportError:
        raise UserError(
            "params.yaml: train.backend is jax, which is not installed; `make venv` installs it"
        ) from None


@contextmanager
def _hidden(*packages: str) -> Iterator[None]:
    """Let an import of these packages fail for now, as if they were not installed.

    Only imports belong inside, as `sys.modules` names what is hidden, which some take for a sign
    that it is there.
    """
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def _hushed() -> Iterator[None]:
    """Hold back what native code says on standard error, unless an exception makes it of interest.

    TensorFlow announces there, before its log level counts, that it found no GPU.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=SCRATCH) as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
