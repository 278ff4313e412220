"""The settings of `sweep.yaml` side by side, as experiments: the command `sweep`.

Each has its own copy of the project and its own log; all end in `dvc exp show`, and in the table
and the chart of docs/.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from harness import ending
from harness.core.errors import UserError
from harness.experiments import store, sweep_file, sweep_report, trial
from harness.experiments.sweep_file import Setting, Sweep
from harness.lock import alone
from harness.running.processes import Calls

LOCK = "sweep"


def run(sweeps: Sequence[Sweep], commit: str, jobs: int, lock: IO[str]) -> list[str]:
    """Run what is not finished, `jobs` settings at once; the names of those that failed."""
    trial.FOLDER.mkdir(parents=True, exist_ok=True)
    missing, count = [], 0
    for sweep in sweeps:
        done = store.finished(sweep, commit)
        count += len(done)
        missing += [(setting, sweep) for setting in sweep.settings if setting.name not in done]
    _clear_copies([setting for setting, _ in missing])
    if not missing:
        print(f"All {count} settings are finished; `dvc exp show -A` shows them.")
        return []
    print(f"{count} settings are finished, {len(missing)} to run, {jobs} at once", flush=True)
    calls = Calls(lock)
    ending.end_when_asked("stopped; the same command resumes", calls.stop)

    def one(task: tuple[Setting, Sweep]) -> bool:
        setting, sweep = task
        print(f"{setting.name:18} starts; log: {trial.log_of(setting)}", flush=True)
        begin = time.monotonic()
        try:
            found = trial.run(setting, sweep, commit, calls.logged)
        except (UserError, OSError) as error:
            if not calls.stopping:
                print(f"{setting.name:18} FAILED: {error}", flush=True)
            return False
        measured = f"{sweep.metric} {found.metrics[sweep.metric]:.4f}"
        print(f"{setting.name:18} {measured}, {time.monotonic() - begin:.0f} s", flush=True)
        return True

    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(one, missing))
    ending.await_end_if_asked()
    return [task[0].name for task, well in zip(missing, results, strict=True) if not well]


def _clear_copies(missing: list[Setting]) -> None:
    """Remove the copies of unfinished settings that nobody asks for any more."""
    names = {setting.name for setting in missing}
    for path in trial.FOLDER.iterdir():
        if path.is_dir() and path.name not in names:
            shutil.rmtree(path)


# Runs sweeps elsewhere and brings them home; the names of the settings that failed.
Elsewhere = Callable[[Sequence[Sweep]], list[str]]


def main(jobs: int, elsewhere: Elsewhere | None = None) -> None:
    """Run what `sweep.yaml` names and is not finished; write the table and the chart.

    Args:
        elsewhere: what runs the settings on other machines.

    Raises:
        UserError: the file, the work tree, the cache or git is not ready for it, or a setting
            failed.
    """
    commit = store.start()
    sweep = sweep_file.read()
    store.check_committed(sweep)
    trial.cost(
        Path(), sweep.stage, sweep.settings[0], sweep.cost
    )  # may fail, so not first after the trainings
    with alone(LOCK, "`sweep`") as lock:
        failed = elsewhere([sweep]) if elsewhere else run([sweep], commit, jobs, lock)
    for line in sweep_report.write(sweep, store.finished(sweep, commit)):
        print(line)
    refuse(failed, len(sweep.settings), elsewhere)


def refuse(failed: list[str], count: int, elsewhere: object = None) -> None:
    """End with an error that names the settings that failed, of `count`, if any did.

    Args:
        elsewhere: what runs settings on other machines, where it repeats none without being told.
    """
    if failed:
        raise UserError(
            f"{len(failed)} of {count} settings failed: {', '.join(failed)}; "
            f"after fixing that, the same command{' with `--again`' if elsewhere else ''} "
            "runs them again"
        )
