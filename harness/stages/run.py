"""Runs one stage: `python -m harness.stages NAME [ARGUMENT ...]`, a name such as evaluate@rnn.

Every stage goes through this door. It checks the project's files, the packages and what the stage
reads, lets the project get ready, and turns a user's mistake into one message and exit code 1. It
decides whether a stage runs and whether its result counts, never what it computes, so it is no
dependency of any; nor are the modules that only it needs.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import ending, project
from harness.core import files, paths
from harness.core.errors import UserError, user_errors
from harness.core.params import Declared
from harness.core.paths import PARAMS
from harness.core.yaml import read_yaml
from harness.lock import alone
from harness.stages import checks, dvc_file, hashing, lock_file, versions

# Beside the checkpoints of a computation that came to its end.
FINISHED = "finished"


def declared(name: str) -> Declared:
    """The parameters of one stage, such as `train-lstm@lstm` or `evaluate@rnn`.

    Raises:
        UserError: `dvc.yaml` has no such stage.
    """
    body, entries = read_yaml(PARAMS), dvc_file.stage(name).params.get(str(PARAMS))
    # An empty list stands for the whole file.
    return Declared(body, list(body if entries == () else entries or ()), name)


def main(name: str, arguments: list[str]) -> None:
    """Run the script `stages/NAME.py` of a stage `NAME` or `NAME@INSTANCE`.

    The script's `main` is given the stage's parameters, the instance if there is one, and the
    arguments.

    Raises:
        UserError: something is wrong with the parameters, the packages or what the stage reads,
            or it changed while the stage ran; or the script says so.
    """
    ending.end_when_asked(f"{name}: stopped; the same command resumes from here")
    project.read().check()
    stage = dvc_file.stage(name)
    checks.parameter_names([stage])
    versions.check(stage)
    with alone(name, f"stage {name}"):
        files.clear_partial_files(_written(stage))
        memory: hashing.Memory = {}
        found = hashing.digests(stage, memory)
        checks.verify(stage, found)
        params = declared(name)
        params.unfinished = _unfinished(stage, found)
        instance = name.partition("@")[2]
        given = [params, *([instance] if instance else []), *arguments]
        with _without_collection():
            script = main_of(name, params)
        _check_fits(name, script, given)
        script(*given)
        checks.unchanged(stage, found, memory)
        _check_read(stage, params)
        if params.unfinished.is_dir():
            (params.unfinished / FINISHED).touch()


def _written(stage: dvc_file.Stage) -> set[Path]:
    """The folders in which a killed run of the stage may have left unfinished files."""
    found = {paths.SCRATCH}
    for folder in (*map(Path, stage.outs), paths.unfinished(stage.name)):
        found |= {folder.parent, folder, *(Path(inner) for inner, _, _ in os.walk(folder))}
    return found


def _unfinished(stage: dvc_file.Stage, found: dict[str, str]) -> Path:
    """The folder of this very computation; those of other code, parameters or data go away.

    So does what it holds itself when it was finished and is recorded: a forced run starts anew.
    (Recorded alone does not tell, as a new clone has the committed records and no result.)
    """
    folder = paths.unfinished(stage.name) / hashing.fingerprint(stage, found)
    over = (folder / FINISHED).exists() and lock_file.is_recorded(stage, found)
    if folder.parent.is_dir():
        for other in folder.parent.iterdir():
            if over or other != folder:
                shutil.rmtree(other)
    return folder


@contextmanager
def _without_collection() -> Iterator[None]:
    """For imports: no search for garbage, and later none among what they made, which stays.

    Of the second or two that large packages take to import, it would be a fifth.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def main_of(name: str, params: Declared) -> Callable[..., None]:
    """The `main` of a stage's script, everything ready for it that the project wants ready.

    Raises:
        UserError: there is no such script.
    """
    table = project.read()
    if table.start:
        project.function(table.start)(params)
    script = name.partition("@")[0].replace("-", "_")
    module = f"{table.stages}.{script}"
    try:
        return importlib.import_module(module).main
    except ModuleNotFoundError as error:
        if error.name not in (table.stages, module):
            raise
        path = module.replace(".", "/")
        raise UserError(f"{paths.PIPELINE}: stage {name} has no script {path}.py") from None


def _check_fits(name: str, script: Callable[..., None], given: list[Any]) -> None:
    takes = inspect.signature(script)
    try:
        takes.bind(*given)
    except TypeError as error:
        of = f"main({', '.join(takes.parameters)}) in {script.__module__.replace('.', '/')}.py"
        raise UserError(
            f"{paths.PIPELINE}: the arguments in the cmd of stage {name} do not fit {of}: {error}"
        ) from None


def _check_read(stage: dvc_file.Stage, params: Declared) -> None:
    unread = set(stage.params.get(str(paths.PARAMS), ())) - params.read
    if unread:
        raise UserError(
            f"{paths.PIPELINE}: stage {stage.name} declares the parameters "
            f"{', '.join(sorted(unread))} and never reads them; remove them from its params"
        )


def command() -> None:
    """The command: one stage, its name and arguments from the command line."""
    name, *arguments = sys.argv[1:] or [""]
    with user_errors(name):
        ending.end_when_asked("stopped; the same command resumes from here")
        ending.end_with_parent()
        if not name:
            raise UserError(
                "expected one stage, for example: python -m harness.stages train-rnn@rnn"
            )
        main(name, arguments)
