"""What is refused before anything is submitted: what the jobs would miss on their nodes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from harness import git
from harness.cluster import job
from harness.cluster.cluster_file import CLUSTER, Cluster
from harness.cluster.engine import Engine
from harness.cluster.script import Origin
from harness.core.errors import UserError
from harness.core.paths import PARAMS, PIPELINE
from harness.dvc_private import default_remote, remote_options
from harness.stages import checks, dvc_file

_LOCAL = re.compile(r"(^|//|@)(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|0\.0\.0\.0)([:/]|$)")
# Where the clients of stores look first, and what a remote says instead of them.
_VARIABLES = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS",),
    "azure": ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING"),
}
_OF_THIS_MACHINE = ("jobs", "verify")  # options without which a node does as well
_INSTEAD = ("credentialpath", "profile", "configpath")


def check(cluster: Cluster, engine: Engine, files: Sequence[str]) -> Origin:
    """Ask all that can be asked; where the nodes find the project.

    Args:
        files: what the jobs compute from, beside what `dvc.yaml` says.

    Raises:
        UserError: a line for each thing that the jobs would miss.
    """
    checks.parameter_names(dvc_file.stages().values())
    commit = git.head()
    url = job.address(cluster.git)
    names = sorted({*files, str(CLUSTER), ".dvc/config", str(PARAMS), str(PIPELINE)})
    if changed := git.git("status", "--porcelain", "-unormal", "--", *names):
        found = ", ".join(line[3:] for line in changed.splitlines())
        raise UserError(f"{found}: not as committed, and jobs start from a commit; commit first")
    engine.check()
    is_here = engine.is_here()
    lines = [*_address(f"git remote {cluster.git}", url, is_here), *_remote(cluster, is_here)]
    if lines:
        raise UserError("\n".join(lines))
    _pushed(cluster.git, commit)
    return Origin(url, git.prefix(), commit)


def _pushed(remote: str, commit: str) -> None:
    git.git("fetch", "--quiet", remote)
    asked = ("for-each-ref", "--contains", commit, "--format=%(refname)", f"refs/remotes/{remote}")
    if not git.git(*asked):
        raise UserError(
            f"no branch of the git remote {remote} has the commit {commit[:12]}, which jobs "
            "clone; `git push` first"
        )


def _address(what: str, url: str, is_here: bool) -> Iterator[str]:
    if _LOCAL.search(url) and not is_here:
        yield f"{what} is {url}, which another machine cannot reach; give it an address that can"
    elif os.path.isabs(url) and not is_here:
        print(f"note: {what} is the folder {url}; every node must have it under this name")


def _remote(cluster: Cluster, is_here: bool) -> Iterator[str]:
    """What is wrong with DVC's remote, as a clone on a node will see it."""
    name = cluster.remote or default_remote()
    levels = remote_options()
    given = {key for remotes in levels.values() for key in remotes.get(name, {})}
    if not given:
        default = name or "by default"
        yield f"there is no remote of DVC {default}; `dvc remote add NAME URL` adds one"
        return
    if not cluster.remote and default_remote("repo") != name:
        yield (
            f".dvc/config does not say that {name} is the default remote, and no other file of "
            f"yours travels to the nodes; `remote: {name}` in {CLUSTER} says it"
        )
    there = levels["repo"].get(name, {})
    if alone := sorted(given - there.keys() - set(_OF_THIS_MACHINE)):
        yield (
            f"remote {name}: {_are(alone)} not in .dvc/config, the only file of them that "
            "travels to the nodes; `dvc remote modify` without --local writes there what is no "
            "secret; keys belong into the store's own file on the nodes, such as "
            f"~/.aws/credentials, or into variables that `setup` in {CLUSTER} sets"
        )
    url = there.get("url", "")
    scheme = url.partition("://")[0] if "://" in url else ""
    if url and not scheme and not os.path.isabs(url):
        yield (
            f"remote {name} is {url}, which is another folder in a clone on a node; "
            f"`dvc remote modify {name} url` sets an absolute one, or a store"
        )
    for address in filter(None, (url, there.get("endpointurl"))):
        yield from _address(f"remote {name}", address, is_here)
    yield from _credentials(cluster, name, scheme, there)


def _credentials(cluster: Cluster, name: str, scheme: str, there: dict[str, str]) -> Iterator[str]:
    sections = (cluster.slurm, cluster.ray)
    setup = "\n".join(line for section in sections if section for line in section.setup)
    found = [v for v in _VARIABLES.get(scheme, ()) if os.environ.get(v) and v not in setup]
    if found and not any(key in there for key in _INSTEAD):
        yield (
            f"remote {name}: {_are(found)} set here and does "
            "not travel to the nodes; put the keys into the store's own file there, such as "
            f"~/.aws/credentials, or set the variable in a line of `setup` in {CLUSTER}"
        )


def _are(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'are' if names[1:] else 'is'}"
