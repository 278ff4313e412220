"""The outputs of runs that others have made and pushed, fetched so that no stage need run here.

DVC's `pull --run-cache` brings the list of such runs, not what they wrote. Which of them fit here
shows stage by stage: the run of one says what the next one reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import networkx as nx
from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import Stage

from harness.sharing import objects

Copy = Callable[[Iterable[str]], object]


def fetch(repo: Repo, copy: Copy) -> tuple[list[str], list[str]]:
    """Bring the outputs of every stage that a known run makes superfluous into the cache.

    Args:
        copy: copies objects with the given MD5s from the remote, those that are there.

    Returns:
        The stages whose outputs are there now and were not recorded here, and those
        whose run is known, but what it wrote is not in the remote.
    """
    ready: list[str] = []
    lacking: list[str] = []
    for stage, run in _runs(repo):
        _complete(run, copy)
        is_complete = all(
            objects.path(md5).exists()
            for out in run.outs
            for md5 in objects.listed(str(out.hash_info.value), out.def_path)
        )
        (ready if is_complete else lacking).append(stage.addressing)
    return ready, lacking


def _complete(run: Stage, copy: Copy) -> None:
    """First the outputs, lists of folders' files among them, then the files."""
    outs = {str(out.hash_info.value): out.def_path for out in run.outs}
    copy(md5 for md5 in outs if not objects.path(md5).exists())
    files = {file for md5, out in outs.items() for file in objects.listed(md5, out)}
    copy(md5 for md5 in files if not objects.path(md5).exists())


def _runs(repo: Repo) -> Iterator[tuple[Stage, Stage]]:
    """Each stage that is not up to date and for whose inputs there is a run, with that run."""
    written: dict[str, Output] = {}
    for stage in reversed(list(nx.topological_sort(repo.index.graph))):
        before = [dep.hash_info for dep in stage.deps]
        if not _read(stage, written):
            continue
        if not stage.cmd_changed and before == [dep.hash_info for dep in stage.deps]:
            written |= {out.def_path: out for out in stage.outs}
            continue
        entry = repo.stage_cache._load(stage)
        if entry:
            run = repo.stage_cache._create_stage(entry, wdir=stage.wdir)
            written |= {out.def_path: out for out in run.outs}
            yield stage, run


def _read(stage: Stage, written: dict[str, Output]) -> bool:
    """Set the dependencies of a stage to what it would read; whether all of it is known."""
    made = {out.def_path for other in stage.repo.index.stages for out in other.outs}
    for dep in stage.deps:
        if dep.def_path in written and not isinstance(dep, ParamsDependency):
            dep.hash_info = written[dep.def_path].hash_info
            dep.meta = written[dep.def_path].meta
        elif dep.def_path in made:
            return False
        else:
            try:
                dep.save()
            except DvcException:
                return False
    return True
