"""Does this commit give the bytes that it says? The command `verify [--stage NAME]`.

The committed pipeline is run in a new clone, without any cache, and every output is compared with
the committed `dvc.lock`. A single stage gets its inputs from the cache, and only it is run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from harness import git, processor
from harness.clone import clone
from harness.core.environment import git_free_environment
from harness.core.errors import UserError
from harness.core.files import clear_partial_files, partial_prefix
from harness.core.paths import LOCK, SCRATCH
from harness.dvc_private import cache_folder, copy_configuration
from harness.stages import checks, dvc_file, lock_file
from harness.stages.dvc_file import Stage
from harness.stages.hashing import digest

SAME = "same"
OTHER = "other processor"  # than that of this machine made the committed output


def run(stage: str | None, jobs: int) -> list[tuple[str, str, str]]:
    """Run all stages, or one, in a clone of the last commit.

    Args:
        stage: a stage, all of its instances if it has several, or None for all stages.

    Returns:
        For every output the stage, the output's path, and `SAME`, or what differs, or `OTHER` if it
        differs and was made on another kind of processor.

    Raises:
        UserError: there is no commit, no `dvc.lock` in it or no such stage, or a stage failed.
    """
    commit = git.head()
    clear_partial_files([SCRATCH])
    # Not in the system's temporary folder, which may be small or on another disk.
    folder = SCRATCH.absolute() / f"{partial_prefix()}verify"
    folder.mkdir(parents=True)
    try:
        root = clone(folder / "clone", commit, cache_folder())
        every = dvc_file.stages(root)
        names = [name for name in every if stage in (None, name, name.partition("@")[0])]
        if not names:
            raise UserError(f"there is no stage {stage}; there are {', '.join(every)}")
        if not (root / LOCK).exists():
            raise UserError(f"{LOCK} is not in the last commit; commit it first")
        committed, made = lock_file.outputs(root), processor.recorded(root)
        # What git keeps would pass for a result, as DVC runs no stage whose outputs are there.
        for name in names:
            for out in every[name].outs:
                remove(root / out)
        if stage is None:
            _run_all(root, folder / "cache", jobs)
        else:
            _run_alone([every[name] for name in names], root)
        return [
            (name, out, _finding(root, out, committed.get(name, {}).get(out), made.get(name)))
            for name in names
            for out in every[name].outs
        ]
    finally:
        shutil.rmtree(folder)


def remove(path: Path) -> None:
    """Remove a file or a folder, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _run_all(root: Path, cache: Path, jobs: int) -> None:
    (root / LOCK).unlink()
    copy_configuration(root, cache)
    _call("harness", "repro", "--jobs", str(jobs), folder=root)


def _run_alone(stages: list[Stage], root: Path) -> None:
    for stage in stages:
        stored = [dep for dep in stage.deps if not (root / dep).exists()]
        if stored:
            _call("dvc", "checkout", "--quiet", *stored, folder=root)
        # Forced, so that neither the cache nor the run-cache answers for the stage.
        _call("dvc", "repro", "--force", "--single-item", stage.name, folder=root)


def _call(module: str, *arguments: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=git_free_environment(),
        check=False,
    )
    if done.returncode:
        raise UserError(f"`{module} {arguments[0]}` failed in a clone of the last commit")


def _finding(root: Path, out: str, committed: str | None, made: str | None) -> str:
    if committed is None:
        return f"DIFFERENT: the committed {LOCK} does not record it"
    if digest(root / out) == committed:
        return SAME
    if made and made != processor.kind():
        return f"{OTHER}, {made}"
    return f"DIFFERENT: {checks.damaged(Path(out), committed, root)}"


def main(stage: str | None, jobs: int) -> None:
    """Run the last commit in a clone and print what became of each output.

    Raises:
        UserError: as `run`; or an output is different.
    """
    rows = run(stage, jobs)
    print()
    for name, out, finding in rows:
        print(f"{name:20} {out:40} {finding}")
    others = sum(finding.startswith(OTHER) for *_, finding in rows)
    different = sum(finding != SAME for *_, finding in rows) - others
    said = f", {others} of another kind of processor than this, {processor.kind()}" * bool(others)
    print(f"{len(rows)} outputs, {different} different{said}", flush=True)
    if different:
        known = f", which {processor.RECORD} does not say" * (not processor.recorded())
        raise UserError(
            "this commit does not give what it says, or it was made on another kind of processor, "
            f"on which sums depend{known}"
        )
