"""Runs one stage: `python -m unroll.stage NAME [ARGUMENT ...]`, a name such as evaluate@rnn.

Every stage goes through this door. It checks the parameters, makes Keras ready where the stage
declares the `train` section, and turns a user's mistake into one message and exit code 1. It
decides whether a stage runs, never what it computes, so it is no dependency of any.
"""

from __future__ import annotations

import importlib
import sys

from unroll import schema, versions
from unroll.errors import UserError
from unroll.params import declared


def main(stage: str, arguments: list[str]) -> None:
    """Run the script `stages/NAME.py` of a stage `NAME` or `NAME@INSTANCE`.

    The script's `main` is given the stage's parameters, the instance if there is one, and the
    arguments.
    """
    schema.check()
    versions.check(stage)
    params = declared(stage)
    if params.declares("train"):
        from unroll import backend

        backend.start(params)
    name, _, instance = stage.partition("@")
    script = importlib.import_module(f"stages.{name.replace('-', '_')}")
    script.main(params, *([instance] if instance else []), *arguments)


if __name__ == "__main__":
    try:
        if len(sys.argv) < 2:
            raise UserError("expected one stage, for example: python -m unroll.stage train-rnn")
        main(sys.argv[1], sys.argv[2:])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        # A full disk, a missing permission, a read-only folder: the system's own words, no trace.
        print(f"error: {sys.argv[1]}: {error}; mend that and run it again", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(f"{sys.argv[1]}: stopped; `make repro` goes on", file=sys.stderr)
        sys.exit(130)
