"""Unroll: recurrent networks on real corpora, as a DVC pipeline."""

import sys
from importlib.util import find_spec

if not find_spec("ruamel"):
    # The likeliest mistake of all: `dvc` or `python` from outside of the environment.
    sys.exit(
        f"error: {sys.executable} lacks the packages of requirements.txt; run `make venv`, then "
        "`source .venv/bin/activate`, and the same again"
    )
