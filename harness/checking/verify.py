"""Does this commit give the bytes that it says? `unroll verify [--stage NAME]`.

The committed pipeline is run in a new clone, without any cache, and every output is compared with
the committed `dvc.lock`. A single stage gets its inputs from the cache, and only it is run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.core.errors import UserError
from harness.core.paths import LOCK, PARAMS
from harness.core.yaml import read_yaml
from harness.dvc_private import cache_folder
from harness.stages import checks, dvc_file, lock_file
from harness.stages.hashing import digest

PYTHON = (sys.executable, "-m")
SAME = "same"


def run(stage: str | None, jobs: int) -> list[tuple[str, str, str]]:
    """Run all stages, or one, in a clone of the last commit.

    Args:
        stage: a stage, all of its instances if it has several, or None for all stages.

    Returns:
        For every output the stage, the output's path, and `SAME` or what differs.

    Raises:
        UserError: there is no such stage, or one failed.
    """
    every = dvc_file.stages()
    names = [name for name in every if stage in (None, name, name.partition("@")[0])]
    if not names:
        raise UserError(f"there is no stage {stage}; there are {', '.join(every)}")
    root = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="unroll-verify-") as folder:
        clone = Path(folder) / "clone"
        _call(["git", "clone", "--quiet", str(root), str(clone)], root)
        # A download is compared with its digest again, so it may be used again.
        downloads = Path(read_yaml(PARAMS)["fetch"]["folder"])
        if downloads.is_dir() and not downloads.is_absolute():
            shutil.copytree(downloads, clone / downloads)
        committed = lock_file.outputs(clone)
        # What git keeps would pass for a result, as DVC runs no stage whose outputs are there.
        for name in names:
            for out in every[name].outs:
                _remove(clone / out)
        if stage is None:
            (clone / LOCK).unlink()
            _use_cache(clone, Path(folder) / "cache")
            _call([*PYTHON, "harness.running.repro", "--jobs", str(jobs)], clone)
        else:
            _use_cache(clone, cache_folder(root))
            _run_alone([every[name] for name in names], clone)
        return [
            (name, out, _finding(clone, out, committed.get(name, {}).get(out)))
            for name in names
            for out in every[name].outs
        ]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _use_cache(clone: Path, cache: Path) -> None:
    """Whatever cache the user's own configuration names."""
    _call([*PYTHON, "dvc", "config", "--quiet", "--local", "cache.dir", str(cache)], clone)


def _run_alone(stages: list[dvc_file.Stage], clone: Path) -> None:
    for stage in stages:
        stored = [dep for dep in stage.deps if not (clone / dep).exists()]
        if stored:
            _call([*PYTHON, "dvc", "checkout", "--quiet", *stored], clone)
        # Forced, so that neither the cache nor the run-cache answers for the stage.
        _call([*PYTHON, "dvc", "repro", "--force", "--single-item", stage.name], clone)


def _call(command: list[str], folder: Path) -> None:
    if subprocess.run(command, cwd=folder, check=False).returncode:
        raise UserError(f"`{' '.join(command)}` failed in a clone of the last commit")


def _finding(clone: Path, out: str, committed: str | None) -> str:
    if committed is None:
        return f"DIFFERENT: the committed {LOCK} does not record it"
    if digest(clone / out) == committed:
        return SAME
    return f"DIFFERENT: {checks.damaged(Path(out), committed, clone)}"


def main(stage: str | None, jobs: int) -> None:
    """Run the last commit in a clone and print what became of each output.

    Raises:
        UserError: as `run`; or an output is different.
    """
    rows = run(stage, jobs)
    print()
    for name, out, finding in rows:
        print(f"{name:20} {out:40} {finding}")
    different = sum(finding != SAME for *_, finding in rows)
    print(f"{len(rows)} outputs, {different} different")
    if different:
        print("sums depend on the kind of processor: README.md names that of the committed ones")
    sys.exit(bool(different))
