"""Whether the committed results belong to the work tree: `check-results`. Nothing is run.

For every stage, what `dvc.lock` records of its command, code, parameters and of the results in git
must be what is here. Data and models need not be here; their records must agree with each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo

from harness import project
from harness.core.errors import UserError, reason
from harness.core.paths import LOCK, PIPELINE
from harness.stages import dvc_file, lock_file


def mismatches() -> list[str]:
    """A line for each record that is not of the work tree.

    Raises:
        UserError: DVC cannot read the project.
    """
    try:
        with Repo() as repo:
            status = repo.status()
            cached = {str(out) for out in repo.index.outs if out.use_cache}
    except DvcException as error:
        raise UserError(f"DVC cannot read this project: {reason(error)}") from None
    lines = [
        f"{stage}: {name} is not as {LOCK} records it ({state})"
        for stage, entries in status.items()
        for name, state in _states(entries)
        if state not in ("deleted", "not in cache")
        or cached.isdisjoint([name, *map(str, Path(name).parents)])  # a stage may read a part
    ]
    return [*lines, *_records()]


def _states(entries: list[Any]) -> Iterator[tuple[str, str]]:
    """What DVC says of a stage: names, and what is the matter with each."""
    for entry in entries:
        if isinstance(entry, str):  # such as "changed command"
            yield entry.removeprefix("changed "), "changed"
            continue
        for names in entry.values():
            for name, state in names.items():
                if isinstance(state, str):
                    yield name, state
                else:  # the parameters of a file
                    yield from ((f"{name}: {key}", of_key) for key, of_key in state.items())


def _records() -> Iterator[str]:
    """What is wrong with `dvc.lock` in itself."""
    stages, written = dvc_file.stages(), lock_file.outputs()
    digests = {path: md5 for outs in written.values() for path, md5 in outs.items()}
    for name in sorted(set(written) - set(stages)):
        yield f"{LOCK}: records {name}, which is no stage of {PIPELINE}; remove that entry"
    for name, read in lock_file.inputs().items():
        for path, md5 in read.items():
            if digests.get(path, md5) != md5:
                yield f"{name}: {LOCK} records that it read another {path} than was written"


def main() -> None:
    """Check the records, and what the project itself makes of its results.

    Raises:
        UserError: a line for each mismatch, and how to fix them.
    """
    table = project.read()
    lines = mismatches()
    if lines:
        lines.append(f"run `{table.command} repro`, then commit {LOCK}, metrics and plots")
    for name in table.results:
        lines += project.function(name)()
    if lines:
        raise UserError("\n".join(lines))
    print("the committed results belong to this code and these parameters")
