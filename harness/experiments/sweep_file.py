"""What a sweep tries: the settings of `sweep.yaml`, each a few changes to `params.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import project
from harness.core.errors import UserError
from harness.core.paths import PARAMS
from harness.core.yaml import read_yaml
from harness.dvc_private import upstream
from harness.reporting import labels
from harness.reporting.pairs import TEST, VALIDATION
from harness.stages import overlay

SWEEP = Path("sweep.yaml")
DEFAULT = "default"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Setting:
    """One experiment.

    Attributes:
        changes: values by dotted parameter name.
        params: the whole of `params.yaml` with the changes in it.
    """

    name: str
    changes: dict[str, Any] = field(hash=False)
    params: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Sweep:
    """Settings to compare by what one stage measures.

    Attributes:
        stage: the stage that is run last.
        settings: `default` first.
        metrics: the file of metrics that are compared: of the validation rows, if a stage before it
            writes one, or else its own.
        metric: the dotted name of the one in it that is compared.
        higher: whether a higher one is better.
        files: all that the stage and those before it compute from, `params.yaml` aside.
        tested: the stage's own file of metrics, where another one is compared.
        cost: what counts the costs, as in `[tool.harness]`.
    """

    stage: str
    settings: tuple[Setting, ...]
    metrics: Path
    metric: str
    higher: bool = True
    files: tuple[str, ...] = ()
    tested: Path | None = None
    cost: str = ""

    @property
    def better(self) -> str:
        """Which way the compared metric gets better: `higher` or `lower`."""
        return "higher" if self.higher else "lower"

    @property
    def part(self) -> str:
        """The rows that the compared metrics are of."""
        return VALIDATION if self.tested else TEST

    @property
    def name(self) -> str:
        """What is compared: the instance of the stage, such as a model, if it has several."""
        return self.stage.partition("@")[2] or self.stage


def read(path: Path = SWEEP) -> Sweep:
    """The sweep of a file, every setting valid and all that they share computed.

    Raises:
        UserError: one line for each mistake.
    """
    stage, settings = declared(path)
    return of_stage(stage, settings, path, project.read().cost)


def declared(path: Path = SWEEP) -> tuple[str, tuple[Setting, ...]]:
    """The stage and the settings of a file, every setting valid; nothing need be computed.

    Raises:
        UserError: one line for each mistake.
    """
    # As DVC reads parameters: what `1e-3` and `on` are is the same in both files.
    body = read_yaml(path)
    if not (
        isinstance(body, dict)
        and set(body) == {"stage", "settings"}
        and isinstance(body["settings"], dict)
        and all(isinstance(changes, dict) and changes for changes in body["settings"].values())
    ):
        raise UserError(
            f"{path}: expected `stage: NAME` and `settings:` with parameters to change by name"
        )
    project.read().check()
    return str(body["stage"]), _settings(path, body["settings"])


def of_stage(stage: str, settings: tuple[Setting, ...], path: Path, cost: str = "") -> Sweep:
    """A sweep of what `stage` measures.

    Args:
        path: the file that names the stage, for messages.

    Raises:
        UserError: there is no such stage, it measures nothing, or something that it depends on is
            not computed yet.
    """
    table = project.read()
    found = upstream(stage)
    if not found.metrics:
        raise UserError(f"{path}: stage {stage} writes no metrics to compare")
    # What all settings share must be in the cache, so that no two copies fetch or compute it.
    if found.outdated:
        raise UserError(
            f"{', '.join(found.outdated)} not up to date; `{table.command} repro` first, "
            "then commit"
        )
    own, folder = found.metrics[0], Path(table.validation or "none")
    metrics = next((path for path in found.earlier if path.parent == folder), own)
    known = labels.read()["metrics"]
    metric = compared_metric(numbers(read_yaml(metrics)), table.metric, known)
    if not metric:
        raise UserError(f"{metrics}: no number to compare")
    higher = known.get(metric, {}).get("better", table.better) != "lower"
    files = tuple(sorted(path.as_posix() for path in found.files - {PARAMS}))
    tested = own if metrics != own else None
    return Sweep(stage, settings, metrics, metric, higher, files, tested, cost)


def compared_metric(every: Iterable[str], asked: str, known: dict[str, Any]) -> str:
    """The metric to compare by: the one that is asked for, or else the first that can get better.

    Args:
        every: the metrics that there are; the first of all where none is known to get better.
        known: labels of metrics, as `harness.reporting.labels` has them.
    """
    names = list(every)
    if asked in names:
        return asked
    better = [name for name in names if "better" in known.get(name.rpartition(".")[2], {})]
    return next(iter(better or names), "")


def _settings(path: Path, body: dict[str, Any]) -> tuple[Setting, ...]:
    params = read_yaml(PARAMS)
    settings, lines = [Setting(DEFAULT, {}, params)], []
    for name, changes in body.items():
        changed, wrong = overlay.changed(params, changes)
        if not _NAME.fullmatch(str(name)) or name == DEFAULT:
            wrong = ["not a name, allowed: small letters, digits and single hyphens, not default"]
        lines += [f"{path}: settings.{name}: {line}" for line in wrong]
        settings.append(Setting(str(name), changes, changed))
    if lines:
        raise UserError("\n".join(lines))
    return tuple(settings)


def numbers(body: Any, place: str = "") -> dict[str, float]:
    """The numbers of a file of metrics by dotted name, in its order."""
    if isinstance(body, dict):
        inner = [
            numbers(value, f"{place}.{key}" if place else str(key)) for key, value in body.items()
        ]
        return {name: value for found in inner for name, value in found.items()}
    return {place: body} if isinstance(body, int | float) and not isinstance(body, bool) else {}
