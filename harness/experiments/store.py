"""The experiments of a sweep as git holds them: one commit each under `refs/exps`, as DVC's own.

The commit holds parameters, metrics and `dvc.lock`; what the metrics do not say, the cost of a
setting, stands in trailers of its message.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dvc.api
from dvc.exceptions import DvcException
from ruamel.yaml import YAML

from harness import git
from harness.core.errors import UserError, reason
from harness.core.paths import PARAMS
from harness.experiments.sweep_file import Setting, Sweep, numbers

REFS = "refs/exps"


@dataclass(frozen=True)
class Experiment:
    """A finished setting.

    Attributes:
        metrics: what is compared, by dotted name.
        cost: exact costs by name, none if the project counts none.
        tested: what the stage itself measured, where that is not what is compared.
        revision: its commit.
    """

    setting: Setting
    metrics: dict[str, float]
    cost: dict[str, int]
    tested: dict[str, float] = field(default_factory=dict)
    revision: str = ""


def interval(metrics: dict[str, float], metric: str) -> tuple[float, float]:
    """The ends of the interval of a metric, the metric itself where none was measured."""
    value = metrics[metric]
    low, high = (metrics.get(f"{metric}_interval.{end}", value) for end in ("low", "high"))
    return low, high


def message(name: str, cost: dict[str, int]) -> str:
    """The message of an experiment's commit."""
    trailers = "".join(f"{key.capitalize()}: {value}\n" for key, value in cost.items())
    return f"Sweep: {name}\n\n{trailers}"


def start() -> str:
    """The last commit, which all settings start from, if git can keep experiments here.

    Raises:
        UserError: it cannot.
    """
    commit = git.head()
    if git.git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise UserError(
            "this is a shallow clone, which loses experiments; `git fetch --unshallow` first"
        )
    git.identity()
    return commit


def check_committed(sweep: Sweep) -> None:
    """An experiment is a change to a commit, so what it computes from must be in the last one.

    Raises:
        UserError: naming the files that are not.
    """
    changed = git.git("status", "--porcelain", "-unormal", "--", str(PARAMS), *sweep.files)
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
    for line in git.git("for-each-ref", "--format=%(objectname) %(refname)", REFS).splitlines():
        revision, ref = line.split(" ")
        revisions.setdefault(ref.rsplit("/", 1)[1], []).append(revision)
    return {
        setting.name: Experiment(
            setting,
            _metrics(revision, sweep.metrics),
            cost,
            _metrics(revision, sweep.tested) if sweep.tested else {},
            revision,
        )
        for setting in sweep.settings
        for revision in revisions.get(setting.name, [])
        if ((cost := _cost(revision)) or not sweep.cost)
        and _is_of(revision, setting, sweep, commit)
    }


def _is_of(revision: str, setting: Setting, sweep: Sweep, commit: str) -> bool:
    params = _parsed(git.git("show", f"{revision}:./{PARAMS}"))
    if json.dumps(params, sort_keys=True) != json.dumps(setting.params, sort_keys=True):
        return False
    return not git.git("diff", "--name-only", revision, commit, "--", *sweep.files)


def _metrics(revision: str, file: Path) -> dict[str, float]:
    path = git.prefix() / file
    try:  # whether git tracks it or DVC
        return numbers(_parsed(dvc.api.read(str(path), rev=revision)))
    except (DvcException, OSError) as error:
        raise UserError(f"{path} in experiment {revision}: {reason(error)}") from None


def _parsed(text: str) -> Any:
    return YAML(typ="safe").load(text)  # of which JSON is a part


def _cost(revision: str) -> dict[str, int]:
    """From the trailers of the message."""
    text = git.git("show", "--no-patch", "--format=%(trailers:only,unfold)", revision)
    entries = (line.partition(": ") for line in text.splitlines())
    return {name.lower(): int(value) for name, _, value in entries if value.isdigit()}
