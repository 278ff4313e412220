"""Unroll: recurrent networks on real corpora, as a DVC pipeline."""

import sys
from importlib.util import find_spec

__version__ = "0.1.0"

if not find_spec("ruamel"):
    # The likeliest mistake of all: `dvc` or `python` from outside of the environment.
    sys.exit(
        f"error: {sys.executable} lacks the packages of requirements.txt; run `make venv`, then "
        "`source .venv/bin/activate`, and the same again"
    )
