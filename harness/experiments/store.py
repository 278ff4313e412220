"""The experiments of a sweep as git holds them: one commit each under `refs/exps`, as DVC's own.

The commit holds parameters, metrics and `dvc.lock`; what the metrics do not say, the cost of a
setting, stands in trailers of its message.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from harness.core.errors import UserError
from harness.core.paths import PARAMS
from harness.experiments.sweep_file import Setting, Sweep
from unroll.core.paths import metrics

REFS = "refs/exps"
HERE = Path()


@dataclass(frozen=True)
class Cost:
    """What a setting costs, exactly; seconds depend on what else the machine does.

    Attributes:
        parameters: numbers that the model holds.
        multiply_adds: by the recurrent and dense layers for one review, in one reading of it.
    """

    parameters: int
    multiply_adds: int

    def message(self, name: str) -> str:
        """The message of the experiment's commit."""
        return (
            f"Sweep: {name}\n\nParameters: {self.parameters}\nMultiply-adds: {self.multiply_adds}\n"
        )


@dataclass(frozen=True)
class Experiment:
    """A finished setting.

    Attributes:
        figures: what `evaluate` measured.
    """

    setting: Setting
    figures: dict[str, Any]
    cost: Cost


def git(*arguments: str, folder: Path = HERE) -> str:
    """Standard output of a git command.

    Raises:
        UserError: git failed, with its own words.
    """
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"`git {arguments[0]}` failed: {done.stderr.strip()}")
    return done.stdout


def head() -> str:
    """The last commit.

    Raises:
        UserError: there is none.
    """
    return git("rev-parse", "--verify", "HEAD^{commit}").strip()


def check_committed(sweep: Sweep) -> None:
    """An experiment is a change to a commit, so what it computes from must be in the last one.

    Raises:
        UserError: naming the files that are not.
    """
    changed = git("status", "--porcelain", "--", str(PARAMS), *sweep.files)
    if changed:
        names = ", ".join(line[3:] for line in changed.splitlines())
        raise UserError(
            f"{names}: not as committed, and a sweep starts from a commit; commit first"
        )


def finished(sweep: Sweep, commit: str) -> dict[str, Experiment]:
    """The settings that need not run again from `commit`, by name, in the order of the sweep.

    An experiment counts, whichever commit it was started from, as long as it has the setting's
    name and parameters and whatever else it computed from is the same in `commit`.
    """
    revisions: dict[str, list[str]] = {}
    for line in git("for-each-ref", "--format=%(objectname) %(refname)", REFS).splitlines():
        revision, ref = line.split(" ")
        revisions.setdefault(ref.rsplit("/", 1)[1], []).append(revision)
    return {
        setting.name: Experiment(setting, _figures(revision, sweep), cost)
        for setting in sweep.settings
        for revision in revisions.get(setting.name, [])
        if (cost := _cost(revision)) and _is_of(revision, setting, sweep, commit)
    }


def _is_of(revision: str, setting: Setting, sweep: Sweep, commit: str) -> bool:
    params = YAML(typ="safe").load(git("show", f"{revision}:{PARAMS}"))
    if json.dumps(params, sort_keys=True) != json.dumps(setting.params, sort_keys=True):
        return False
    return not git("diff", "--name-only", revision, commit, "--", *sweep.files)


def _figures(revision: str, sweep: Sweep) -> dict[str, Any]:
    return json.loads(git("show", f"{revision}:{metrics(sweep.model).as_posix()}"))


def _cost(revision: str) -> Cost | None:
    """From the trailers of the message; None if the experiment is none of a sweep."""
    text = git("show", "--no-patch", "--format=%(trailers:only,unfold)", revision)
    found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    try:
        return Cost(int(found["Parameters"]), int(found["Multiply-adds"]))
    except (KeyError, ValueError):
        return None
