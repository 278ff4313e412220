"""The environment of commands: the packages of this one, the variables of those that it starts."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

# How many stages run side by side, for those that would take all processors for themselves.
JOBS = "HARNESS_JOBS"


def require_packages() -> None:
    """End the process with one line where the project's packages are not installed.

    The likeliest mistake of all is a `dvc` or `python` from outside of the environment. To be
    called before anything is imported that is not in the standard library.
    """
    if not all(map(find_spec, ("click", "dvc", "ruamel"))):
        sys.exit(
            f"error: {sys.executable} lacks the packages of requirements.txt; run `make venv`, "
            "then `source .venv/bin/activate`, and the same again"
        )


# Whose commits these are, and how git is configured and reaches a server: tied to no repository.
KEPT = (
    *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
    *("GIT_CONFIG_", "GIT_SSH", "GIT_SSL", "GIT_ASKPASS", "GIT_EXEC_PATH"),
)


def git_free_environment() -> dict[str, str]:
    """This process's environment without the variables that tie git to one repository.

    Git sets `GIT_DIR`, `GIT_INDEX_FILE` and others for the hooks of a linked worktree and for
    `git rebase --exec`. A command that works in another repository must not inherit them, or it
    changes the user's own.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(KEPT)
    }
