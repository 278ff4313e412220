"""The experiments of a sweep as git holds them: one commit each under `refs/exps`, as DVC's own.

The commit holds parameters, metrics and `dvc.lock`; what the metrics do not say, the cost of a
setting, stands in trailers of its message.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

from harness import project
from harness.core.errors import UserError
from harness.core.paths import PARAMS
from harness.dvc_private import content
from harness.experiments.sweep_file import Setting, Sweep, numbers
from harness.git import git

REFS = "refs/exps"


@dataclass(frozen=True)
class Experiment:
    """A finished setting.

    Attributes:
        metrics: what the stage measured, by dotted name.
        cost: exact costs by name, none if the project counts none.
    """

    setting: Setting
    metrics: dict[str, float]
    cost: dict[str, int]

    def interval(self, metric: str) -> tuple[float, float]:
        """The ends of the interval of a metric, the metric itself where none was measured."""
        value = self.metrics[metric]
        low, high = (self.metrics.get(f"{metric}_interval.{end}", value) for end in ("low", "high"))
        return low, high


def message(name: str, cost: dict[str, int]) -> str:
    """The message of an experiment's commit."""
    trailers = "".join(f"{key.capitalize()}: {value}\n" for key, value in cost.items())
    return f"Sweep: {name}\n\n{trailers}"


def check(sweep: Sweep) -> None:
    """An experiment is a change to a commit, so what it computes from must be in the last one.

    Raises:
        UserError: naming the files that are not, or git could not keep the experiments.
    """
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise UserError(
            "this is a shallow clone, which loses experiments; `git fetch --unshallow` first"
        )
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
    counted = bool(project.read().cost)
    return {
        setting.name: Experiment(setting, _metrics(revision, sweep), cost)
        for setting in sweep.settings
        for revision in revisions.get(setting.name, [])
        if ((cost := _cost(revision)) or not counted) and _is_of(revision, setting, sweep, commit)
    }


def _is_of(revision: str, setting: Setting, sweep: Sweep, commit: str) -> bool:
    params = _parsed(git("show", f"{revision}:./{PARAMS}"))
    if json.dumps(params, sort_keys=True) != json.dumps(setting.params, sort_keys=True):
        return False
    return not git("diff", "--name-only", revision, commit, "--", *sweep.files)


def _metrics(revision: str, sweep: Sweep) -> dict[str, float]:
    return numbers(_parsed(content(sweep.metrics, revision)))


def _parsed(text: str) -> Any:
    return YAML(typ="safe").load(text)  # of which JSON is a part


def _cost(revision: str) -> dict[str, int]:
    """From the trailers of the message."""
    text = git("show", "--no-patch", "--format=%(trailers:only,unfold)", revision)
    entries = (line.partition(": ") for line in text.splitlines())
    return {name.lower(): int(value) for name, _, value in entries if value.isdigit()}
