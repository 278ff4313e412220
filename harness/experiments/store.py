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
from harness.core.paths import LOCK, PARAMS
from harness.dvc_private import cached_outputs
from harness.experiments.sweep_file import Setting, Sweep, numbers
from harness.stages import dvc_file

REFS = "refs/exps"
PROCESSOR = "Processor"
_PARTS = ("NAME", "EMAIL", "DATE")


@dataclass(frozen=True)
class Experiment:
    """A finished setting.

    Attributes:
        metrics: what is compared, by dotted name.
        cost: exact costs by name, none if the project counts none.
        tested: what the stage itself measured, where that is not what is compared.
        revision: its commit.
        processor: the kind that it ran on, empty where that is not known.
    """

    setting: Setting
    metrics: dict[str, float]
    cost: dict[str, int]
    tested: dict[str, float] = field(default_factory=dict)
    revision: str = ""
    processor: str = ""


def interval(metrics: dict[str, float], metric: str) -> tuple[float, float]:
    """The ends of the interval of a metric, the metric itself where none was measured."""
    value = metrics[metric]
    low, high = (metrics.get(f"{metric}_interval.{end}", value) for end in ("low", "high"))
    return low, high


def message(name: str, cost: dict[str, int], processor: str = "") -> str:
    """The message of an experiment's commit."""
    trailers = "".join(f"{key.capitalize()}: {value}\n" for key, value in cost.items())
    if processor:
        trailers += f"{PROCESSOR}: {processor}\n"
    return f"Sweep: {name}\n\n{trailers}"


def reference(commit: str, name: str) -> str:
    """The reference of the experiment `name` that started from `commit`, as DVC names it."""
    return f"{REFS}/{commit[:2]}/{commit[2:]}/{name}"


def save(folder: Path, commit: str, name: str, text: str) -> str:
    """Keep what has run in a clone as an experiment of that clone; its commit.

    Authors and dates are those of `commit`, so that two runs with the same result make the same
    commit, on whichever machine. (`dvc exp save` has the time in it, and wants all inputs here.)

    Args:
        folder: the project's folder in a clone that is at `commit`.
        text: the message.
    """
    kept = [out for stage in dvc_file.stages(folder).values() for out in stage.outs]
    cached = {Path(path) for path in cached_outputs(folder)}
    new = [out for out in kept if Path(out) not in cached and (folder / out).exists()]
    git.git("add", "--update", "--", ".", folder=folder)
    git.git("add", "--force", "--", *(p for p in (str(LOCK), *new)), folder=folder)
    tree = git.git("write-tree", folder=folder).strip()
    keys = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in _PARTS]
    form = "%an%n%ae%n%ad%n%cn%n%ce%n%cd"
    facts = git.git("show", "-s", "--date=raw", f"--format={form}", commit, folder=folder)
    variables = dict(zip(keys, facts.split("\n"), strict=False))
    made = git.git(
        "commit-tree", tree, "-p", commit, "-m", text, folder=folder, variables=variables
    ).strip()
    git.git("update-ref", reference(commit, name), made, folder=folder)
    return made


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
            _trailers(revision).get(PROCESSOR, ""),
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
    entries = _trailers(revision).items()
    return {name.lower(): int(value) for name, value in entries if value.isdigit()}


def _trailers(revision: str) -> dict[str, str]:
    """The trailers of the message by name."""
    text = git.git("show", "--no-patch", "--format=%(trailers:only,unfold)", revision)
    entries = (line.partition(": ") for line in text.splitlines())
    return {name: value for name, _, value in entries if value}
