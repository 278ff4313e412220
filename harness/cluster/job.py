"""One job, whoever starts it: `job COMMIT --setting NAME`, in any clone on any machine.

This process makes a clone of its own at the commit, below the folder `work` of `cluster.yaml`, and
becomes one that works in it, so that the job has the code, the files and the hooks of its commit.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from harness import git
from harness.clone import clone
from harness.cluster import cluster_file
from harness.cluster.patience import patiently
from harness.core.errors import UserError
from harness.core.files import clear_partial_files, partial_prefix

# What the process in the clone is told: the clone, the address of the git remote, and seconds.
CLONE = "HARNESS_JOB"
# What the bootstrap of a bare node has measured.
BOOTSTRAP = "HARNESS_BOOTSTRAP"


def main(commit: str, name: str, remote: str | None, git_remote: str | None) -> None:
    """Make the clone and go on in it, with the same arguments; does not return.

    Args:
        name: of the job.
        remote: of DVC, and of git: others than those of `cluster.yaml`.

    Raises:
        UserError: the commit or the remotes are not there, or no clone can be made.
    """
    begin = time.time()
    cluster = cluster_file.read()
    url = address(git_remote or cluster.git)
    commit = _commit(commit, url)
    jobs = cluster_file.expanded(cluster.work) / "jobs"
    jobs.mkdir(parents=True, exist_ok=True)
    clear_partial_files([jobs])
    top = jobs / f"{partial_prefix()}{commit[:12]}-{name}"
    root = clone(top, commit, jobs.parent / "cache")
    seconds = json.loads(os.environ.pop(BOOTSTRAP, "{}"))
    seconds["clone"] = round(seconds.get("clone", 0) + time.time() - begin, 2)
    told = {"top": str(top), "url": url, "commit": commit, "begin": begin, "seconds": seconds}
    told |= {"remote": remote or cluster.remote}
    os.environ[CLONE] = json.dumps(told)
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", "harness", *sys.argv[1:]])  # noqa: S606


def told() -> dict[str, Any]:
    """What this process was told, if it is the one in the clone."""
    return json.loads(os.environ.pop(CLONE, "{}"))


def address(name: str) -> str:
    """The address of a git remote, such as nodes can use; a relative path made absolute.

    Raises:
        UserError: there is no such remote.
    """
    try:
        url = git.git("remote", "get-url", name).strip()
    except UserError:
        raise UserError(
            f"git has no remote {name}, which jobs clone from; `git remote add {name} URL`, or "
            f"name another as `git` in {cluster_file.CLUSTER}"
        ) from None
    if "://" in url or (":" in url.partition("/")[0]):
        return url
    return str((Path(git.git("rev-parse", "--show-toplevel").strip()) / url).resolve())


def _commit(name: str, url: str) -> str:
    """The full name of a commit, fetched if need be.

    Raises:
        UserError: neither this clone nor the git remote has it.
    """
    asked = ("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    try:
        return git.git(*asked).strip()
    except UserError:
        branches = "+refs/heads/*:refs/remotes/of-jobs/*"
        patiently(lambda: git.git("fetch", "--quiet", url, branches), f"git fetch {url}")
    try:
        return git.git(*asked).strip()
    except UserError:
        raise UserError(f"{name}: no commit of this clone, nor of a branch of {url}") from None
