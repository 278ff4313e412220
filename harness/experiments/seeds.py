"""What stages measure with other seeds: each seed of each stage an experiment, as in a sweep.

The report, `metrics/seeds.json`, is committed; tables and cards are made of it. By stage instance,
such as a model, it has the `seeds`; the `test` metrics, which the stage itself measures, and the
`validation` ones, each as `values` in the order of the seeds with their `mean` and sample standard
`deviation`; and in `made` the MD5 of the metrics of the first seed, that of `params.yaml`, by which
an entry of other results is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from harness.core.errors import UserError
from harness.core.files import read_json, write_json
from harness.core.paths import PARAMS, PIPELINE
from harness.core.yaml import read_yaml
from harness.experiments import store, sweep
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import Setting, Sweep, of_stage
from harness.lock import alone
from harness.reporting import pairs
from harness.reporting.pairs import TEST, VALIDATION

REPORT = Path("metrics/seeds.json")
DIGITS = 6


def main(
    stages: Sequence[str], count: int, jobs: int, elsewhere: sweep.Elsewhere | None = None
) -> None:
    """Run `stages` with `count` seeds from that of `params.yaml` on; write the report.

    What the report says of other stages stays.

    Args:
        elsewhere: what runs them on other machines.

    Raises:
        UserError: the work tree, the cache or git is not ready for it, or a run failed.
    """
    commit = store.start()
    sweeps = [_sweep(stage, count) for stage in stages]
    for tried in sweeps:
        store.check_committed(tried)
    with alone(sweep.LOCK, "`sweep` or `seeds`") as lock:
        failed = elsewhere(sweeps) if elsewhere else sweep.run(sweeps, commit, jobs, lock)
    report = read()
    for tried in sweeps:
        found = store.finished(tried, commit)
        if len(found) == count:
            report[tried.name] = entry(tried, list(found.values()))
    write_json(REPORT, report)
    print(f"written: {REPORT}")
    sweep.refuse(failed, count * len(sweeps), elsewhere)


def read() -> dict[str, Any]:
    """The report by stage instance; empty while there is none."""
    return read_json(REPORT) if REPORT.exists() else {}


def current() -> dict[str, Any]:
    """The entries of the report that are of the results of the work tree."""
    made = pairs.outs_of("")
    return {
        name: entry
        for name, entry in read().items()
        if all(made.get(path) == md5 for path, md5 in entry["made"].items())
    }


def _sweep(stage: str, count: int) -> Sweep:
    params = read_yaml(PARAMS)
    if not isinstance(params, dict) or not isinstance(first := params.get("seed"), int):
        raise UserError(f"{PARAMS}: expected a whole number `seed` to count on from")
    seeds = range(first, first + count)
    return of_stage(stage, tuple(setting(stage, seed) for seed in seeds), PIPELINE)


def setting(stage: str, seed: int) -> Setting:
    """A stage with another seed."""
    name = stage.partition("@")[2] or stage
    return Setting(f"{name}-seed-{seed}", {"seed": seed}, read_yaml(PARAMS) | {"seed": seed})


def entry(tried: Sweep, found: list[Experiment]) -> dict[str, Any]:
    """What the report says of a stage instance, of an experiment for each seed."""
    own = [experiment.tested or experiment.metrics for experiment in found]
    outs = pairs.outs_of(found[0].revision)
    files = [path.as_posix() for path in (tried.metrics, tried.tested) if path]
    return {
        "seeds": [experiment.setting.params["seed"] for experiment in found],
        "made": {path: outs[path] for path in files},
        TEST: _spread(own),
        **({VALIDATION: _spread([e.metrics for e in found])} if tried.tested else {}),
    }


def _spread(runs: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    """The single metrics, those that every run has; counts of rows are none."""
    names = [
        name
        for name, value in runs[0].items()
        if isinstance(value, float) and "." not in name and all(name in run for run in runs)
    ]
    spread = {}
    for name in names:
        values = [run[name] for run in runs]
        deviation = stdev(values) if len(values) > 1 else 0.0
        spread[name] = {
            "values": values,
            "mean": round(mean(values), DIGITS),
            "deviation": round(deviation, DIGITS),
        }
    return spread
