"""Git commands, in an environment that ties them to no repository: the folder alone decides."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

from harness.core.environment import git_free_environment
from harness.core.errors import UserError

HERE = Path()


def git(*arguments: str, folder: Path = HERE, variables: dict[str, str] | None = None) -> str:
    """Standard output of a git command.

    Args:
        variables: set for the command beside those of the environment.

    Raises:
        UserError: git failed, with its own words on one line, or is not installed.
    """
    command = ["git", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=git_free_environment() | (variables or {}),
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        raise UserError("git: there is no such command; install it") from None
    if done.returncode:
        said = " ".join(done.stderr.split()).removeprefix("fatal: ")
        raise UserError(f"`git {arguments[0]}` failed: {said}")
    return done.stdout


def head() -> str:
    """The last commit.

    Raises:
        UserError: there is none, or git does not work here.
    """
    git("rev-parse", "--git-dir")  # says why where git does not work at all
    try:
        return git("rev-parse", "--verify", "HEAD^{commit}").strip()
    except UserError:
        raise UserError("the repository has no commit yet; `git commit` first") from None


def prefix() -> Path:
    """The current folder, relative to the top of the repository."""
    return Path(git("rev-parse", "--show-prefix").removesuffix("\n"))


def identity() -> dict[str, str]:
    """The name and the address that git writes into commits here, as settings of git.

    Raises:
        UserError: git knows none.
    """
    try:
        name, _, rest = git("var", "GIT_COMMITTER_IDENT").partition(" <")
    except UserError:
        raise UserError(
            "git does not know who commits; set it with `git config user.name NAME` and "
            "`git config user.email ADDRESS`"
        ) from None
    return {"user.name": name, "user.email": rest.partition(">")[0]}


def clone(folder: Path, commit: str) -> Path:
    """Clone the repository, with the identity of its user, at a commit into a new folder.

    The clone borrows the objects of the repository, so it is made at once and has every commit.

    Returns:
        The folder in the clone that corresponds to the current one, which may be a subfolder.
    """
    top = git("rev-parse", "--show-toplevel").removesuffix("\n")
    git("clone", "--quiet", "--shared", "--no-checkout", top, str(folder))
    with suppress(UserError):  # not everyone who runs a clone commits
        for name, value in identity().items():
            git("config", name, value, folder=folder)
    git("checkout", "--quiet", "--detach", commit, folder=folder)
    return folder / prefix()
