"""Sets Keras up, once in a process: backend, threads, precision, seed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.core.errors import UserError
from harness.core.params import Declared
from harness.core.paths import SCRATCH

# These settings of a user would change what the libraries compute. The harmless ones choose a
# device, or how much of its memory to use.
_SETTINGS = ("KERAS_", "TF_", "XLA_", "JAX_", "ONEDNN_", "DNNL_", "NVIDIA_TF32_OVERRIDE")
_HARMLESS = (
    *("KERAS_HOME", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR"),
    *("XLA_PYTHON_CLIENT_", "JAX_PLATFORMS"),
)
# On a GPU, a training leaves memory to those beside it, unless the user says otherwise.
_SHARING = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
# Keras and TensorFlow import these if they are installed, for parts that no stage uses. That takes
# as long as all their other imports together.
_FOR_OTHERS = ("matplotlib", "pandas", "sklearn")
_OF_OTHER_BACKENDS = {"tensorflow": ("jax",), "jax": ("tensorflow",)}


def start(params: Declared) -> None:
    """Set Keras up as the `train` section and `seed` say; nothing for stages without that section.

    Call it before Keras is imported: a process can choose the backend and its threads only once.

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

        keras.utils.set_random_seed(params.seed)  # looks for TensorFlow on any backend
    keras.config.set_dtype_policy(train["precision"])


def _start_tensorflow(threads: int) -> None:
    with _silenced():
        import tensorflow as tf

        tf.config.list_physical_devices()

    # It warns of a prediction that is compiled for each of several widths.
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    add_gradients_in_order()


def add_gradients_in_order() -> None:
    """Let TensorFlow add the gradients of a tensor with several uses in one order, always.

    Its AddN begins with whichever of its inputs no other operation needs any more, so that three
    and more are added in an order that depends on how busy the machine is, whatever
    `enable_op_determinism` says. (`AddNOp` in tensorflow/core/kernels/aggregate_ops.cc of 2.21.)
    """
    import tensorflow as tf
    from tensorflow.python import pywrap_tfe
    from tensorflow.python.eager import backprop

    given = backprop._default_vspace
    if given.aggregate_fn.__module__ == __name__:
        return

    def ordered(gradients: list[Any]) -> Any:
        if len(gradients) > 2 and all(isinstance(each, tf.Tensor) for each in gradients):
            return tf.reduce_sum(tf.stack(gradients), axis=0)
        return given.aggregate_fn(gradients)

    backprop._default_vspace = given._replace(aggregate_fn=ordered)
    pywrap_tfe.TFE_Py_RegisterVSpace(backprop._default_vspace)


def _start_jax(threads: int) -> None:
    # Otherwise XLA sizes its thread pools by the available processors.
    os.environ["PJRT_NPROC"] = str(threads)
    try:
        import jax  # noqa: F401
    except ImportError:
        raise UserError(
            "params.yaml: train.backend is jax, which is not installed; `make venv` installs it"
        ) from None


@contextmanager
def _hidden(*packages: str) -> Iterator[None]:
    """Let imports of these packages fail for now, as if they were not installed.

    Only imports belong inside: `sys.modules` has an entry for each hidden package, which some code
    takes to mean that it is available.
    """
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def _silenced() -> Iterator[None]:
    """Suppress what native code writes to standard error, unless an exception is raised.

    TensorFlow reports there that it found no GPU, before its log level takes effect.
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
