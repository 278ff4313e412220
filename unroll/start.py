"""What every stage needs before its script is imported: `start` in `[tool.harness]` names it.

Not here: anything that a stage computes with, as no stage depends on this module.
"""

from __future__ import annotations

import os

from harness.core.params import Declared
from harness.core.paths import SCRATCH


def start(params: Declared) -> None:
    """Keep Keras and Matplotlib from the user's settings, and set Keras up for a training.

    Settings in the home folder would change results. What the libraries write there goes to the
    scratch folder instead.

    Raises:
        UserError: the backend is not installed.
    """
    for name in ("KERAS_HOME", "MPLCONFIGDIR"):
        os.environ[name] = str(SCRATCH.absolute() / "home")
    os.environ.pop("MATPLOTLIBRC", None)
    if params.declares("train"):
        from unroll.models import backend

        backend.start(params)
