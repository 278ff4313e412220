"""Experiments on their way to and from the git remote, one at a time and never written over."""

from __future__ import annotations

from harness.core.errors import UserError
from harness.git import git


def send(url: str, revision: str, ref: str, over: bool = False) -> None:
    """Put an experiment's reference into the git remote, unless it has one of that name already.

    Another copy of the job may have been first. Its experiment is as complete as ours, so it stays.

    Args:
        over: whether to put it in place of one that is there, which may be of another search.

    Raises:
        UserError: the remote did not take it.
    """
    if over:
        git("push", "--quiet", "--force", url, f"{revision}:{ref}")
        return
    if there(url, ref):
        return
    try:
        # The lease: only if there is none at that moment.
        git("push", "--quiet", f"--force-with-lease={ref}:", url, f"{revision}:{ref}")
    except UserError:
        if not there(url, ref):
            raise


def there(url: str, ref: str) -> bool:
    """Whether the git remote has a reference."""
    return bool(git("ls-remote", url, ref).strip())


def bring(url: str, ref: str) -> None:
    """Fetch an experiment's reference.

    Raises:
        UserError: the remote has none, or is away.
    """
    git("fetch", "--quiet", "--no-write-fetch-head", url, f"+{ref}:{ref}")


def remove(url: str, ref: str) -> None:
    """Remove an experiment's reference, if it is there."""
    if there(url, ref):
        git("push", "--quiet", url, f":{ref}")
