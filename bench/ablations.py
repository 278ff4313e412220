"""What parts of the models give, and another backend: `python -m bench.ablations [MODEL...]`.

Runs the settings of `bench/ablations.yaml` as experiments, as `unroll sweep` does, and writes
`docs/ablations.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.core.files import write_text
from harness.core.paths import PARAMS
from harness.core.yaml import read_yaml
from harness.experiments import store, sweep
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, Setting, Sweep, of_stage
from harness.experiments.sweep_report import heading
from harness.experiments.sweep_verdicts import compared
from harness.lock import alone
from harness.reporting.markdown import table
from harness.reporting.pairs import TEST, VALIDATION
from harness.stages import overlay

SETTINGS, REPORT = Path("bench/ablations.yaml"), Path("docs/ablations.md")
SHOWN = ("auc", "accuracy", "loss", "mse")
HEAD = """\
# Ablations

Written by `python -m bench.ablations` from the experiments that `bench/ablations.yaml` names: each
takes something out of a model, or trains it on another backend, and changes nothing else. Choices
look at validation; the test split is shown beside. In brackets: 95% intervals of the difference
from the model as it is, on the same rows."""


def of_model(name: str, changes: dict[str, dict[str, object]]) -> Sweep:
    """The settings of a model, the model as it is first."""
    params = read_yaml(PARAMS)
    settings = [Setting(f"{name}-{DEFAULT}".replace("_", "-"), {}, params)]
    for key, change in changes.items():
        changed, wrong = overlay.changed(params, change)
        assert not wrong, wrong
        settings.append(Setting(f"{name}-{key}".replace("_", "-"), change, changed))
    return of_stage(f"evaluate@{name}", tuple(settings), SETTINGS)


def section(name: str, tried: Sweep, found: dict[str, Experiment]) -> str:
    """The table of a model."""
    default = found[tried.settings[0].name]
    shown = [key for key in SHOWN if key in default.metrics and key in default.tested]
    head = ["setting"]
    for part in (VALIDATION, TEST):
        head += [f"{part} {heading(key)}" for key in shown]
        head.append(f"{part} {heading(shown[0])}, difference")
    rows = []
    for each in found.values():
        said = ", ".join(
            f"`{key}: {str(value).lower()}`" for key, value in each.setting.changes.items()
        )
        row = [said.replace(f"models.{name}.", "") or "as it is"]
        for part, metrics in ((VALIDATION, each.metrics), (TEST, each.tested)):
            row += [f"{metrics[key]:.4f}" for key in shown]
            row.append(str(compared(tried, default, each, part) or "") if each != default else "")
        rows.append(row)
    return f"## `{name}`\n\n{table(head, rows)}"


def written() -> dict[str, str]:
    """The sections of the report by model, as they stand."""
    _, *parts = REPORT.read_text("utf-8").split("\n\n## ") if REPORT.exists() else [""]
    return {part.split("`")[1]: f"## {part.rstrip()}" for part in parts}


def main(models: list[str]) -> None:
    """Run what is missing of these models, by default of all, and write the report.

    The report keeps what it says of models whose experiments are not here.
    """
    every = read_yaml(SETTINGS)
    commit = store.start()
    sweeps = {name: of_model(name, every[name]) for name in every}
    for tried in sweeps.values():
        store.check_committed(tried)
    with alone(sweep.LOCK, "`sweep`") as lock:
        failed = sweep.run([sweeps[name] for name in models or every], commit, 2, lock)
    parts, kept = [HEAD], written()
    for name, tried in sweeps.items():
        found = store.finished(tried, commit)
        if tried.settings[0].name in found:
            parts.append(section(name, tried, found))
        elif name in kept:
            parts.append(kept[name])
    write_text(REPORT, "\n\n".join(parts) + "\n")
    sweep.refuse(failed, sum(len(tried.settings) for tried in sweeps.values()))


if __name__ == "__main__":
    main(sys.argv[1:])
