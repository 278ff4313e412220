"""The script of bash that a node runs for a job: the same for every engine."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cluster.cluster_file import Cluster

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
# A node may export nothing of a user's environment.
_HEAD = """\
export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"
export HOME="${HOME:-$(cd ~ 2>/dev/null && pwd || echo /tmp)}"
"""


@dataclass(frozen=True)
class Origin:
    """Where a node finds the project.

    Attributes:
        url: of the git remote.
        folder: of the project in the repository, `.` for its top.
        commit: that the jobs start from.
    """

    url: str
    folder: Path
    commit: str


def logged(
    origin: Origin, group: str, cluster: Cluster, setup: Sequence[str], name: str, job: str
) -> str:
    """The whole script of a job; its lines go to a file of the node, `work`/logs/.

    Args:
        group: the name of the jobs of this commit.
        name, job: that of the job, and the arguments of `job` after the commit, as words of bash,
            which may be variables.
    """
    work = _expanded(cluster.work)
    return (
        f'{_HEAD}work={work}\nmkdir -p "$work/logs"\n'
        f'exec >>"$work/logs/{group}."{name}.log 2>&1\n'
        + text(origin, cluster, setup, f"{origin.commit} {job}")
    )


def text(origin: Origin, cluster: Cluster, setup: Sequence[str], job: str) -> str:
    """The lines of bash.

    Args:
        job: the arguments of `job`, as words of bash, which may be variables.
    """
    options = {
        "--git": origin.url,
        "--commit": origin.commit,
        "--folder": str(origin.folder),
        "--environment": cluster.environment,
        "--work": cluster.work,
    }
    words = " ".join(f"{name} {shlex.quote(value)}" for name, value in options.items())
    # The bootstrap is an argument, not standard input, which the job shall not read.
    return (
        "".join(f"{line}\n" for line in setup)
        + f"bootstrap=$(cat <<'END_OF_BOOTSTRAP'\n{_BOOTSTRAP.read_text('utf-8')}\n"
        + "END_OF_BOOTSTRAP\n)\n"
        + f'exec python3 -c "$bootstrap" {words} -- job {job} </dev/null\n'
    )


def _expanded(path: str) -> str:
    """A path as a word of bash in which variables and `~` are expanded."""
    home, rest = ("~/", path[2:]) if path.startswith("~/") else ("", path)
    return home + '"' + re.sub(r'(["\\`])', r"\\\1", rest) + '"'
