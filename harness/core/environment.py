"""The environment of the commands that the harness starts."""

from __future__ import annotations

import os


def git_free_environment() -> dict[str, str]:
    """This process's environment without the variables that tie git to one repository.

    Git sets `GIT_DIR`, `GIT_INDEX_FILE` and others for the hooks of a linked worktree and for
    `git rebase --exec`. A command that works in another repository must not inherit them, or it
    changes the user's own.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
