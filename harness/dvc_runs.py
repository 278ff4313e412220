"""One stage and those before it in DVC's run-cache: what is known, what must run, what that needs.

`dvc repro --pull` fetches every run of the remote, and `dvc pull` every output. A job wants those
of its own stage alone. Like `dvc_private.py`, this touches what DVC may change.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import dvc_private as private
from harness.core.errors import UserError
from harness.core.files import replacing

if TYPE_CHECKING:
    from dvc.data_cloud import Remote
    from dvc.repo import Repo


@dataclass
class Plan:
    """What is to be done for one stage, by the names of stages.

    Attributes:
        run: those that must run.
        known: those whose run was found in the run-cache, and recorded in `dvc.lock`.
        fetched: how many objects came from the remote.
    """

    run: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    fetched: int = 0

    @property
    def changed(self) -> list[str]:
        """All whose outputs are not those of the committed `dvc.lock`."""
        return [*self.known, *self.run]


class Runs:
    """The runs of a project in its cache and in a remote."""

    def __init__(self, repo: Repo, remote: Remote) -> None:
        self.repo, self.remote = repo, remote
        self.cache, self.store = repo.cache.local, remote.odb

    def prepare(self, target: str, whole: bool = False) -> Plan:
        """Bring the work tree to where `dvc repro --allow-missing TARGET` runs what must run.

        What is known of a stage is recorded, and its files for git are written; other outputs are
        fetched only where a stage that must run reads them. `repo` is of no use afterwards.

        Args:
            whole: also fetch what `target` itself reads and writes.

        Raises:
            UserError: there is no such stage, or the remote lacks what a stage reads.
        """
        plan = Plan()
        written = {out.fs_path: out for out in self.repo.index.outs}
        after: dict[str, Any] = dict.fromkeys(written)  # what each output will be, None: unknown
        same: set[str] = set()  # the outputs that stay as they are recorded
        for stage in self._chain(target):
            outs = [written[out.fs_path] for out in stage.outs]
            before = [dep.hash_info for dep in stage.deps]
            taken = [_take(dep, after, same) for dep in stage.deps]  # each of them
            hashed = all(taken)
            is_changed = stage.cmd_changed or before != [dep.hash_info for dep in stage.deps]
            if hashed and not is_changed and all(out.hash_info for out in outs):
                after |= {out.fs_path: out for out in outs}
                same |= {out.fs_path for out in outs}
                continue
            run = self._run_of(stage) if hashed and stage.cmd else None
            if run and (found := self._outs_of(stage, run)):
                self._record(stage, found, plan)
                after |= {out.fs_path: out for out in outs}
                plan.known.append(stage.addressing)
            elif stage.cmd:
                plan.run.append(stage.addressing)
        for stage in self._chain(target):
            if stage.addressing in plan.run or (whole and stage.addressing == target):
                plan.fetched += self._bring_inputs(stage, after, written)
            if whole and stage.addressing == target and target not in plan.run:
                plan.fetched += sum(self._bring(out) for out in stage.outs if out.use_cache)
        return plan

    def find(self, stage_name: str) -> bool:
        """Fetch the run of a stage whose inputs are here, with its outputs; whether there is one.

        `dvc repro --single-item` then takes it.
        """
        [stage] = self.repo.stage.collect(stage_name)
        for dep in stage.deps:
            dep.save()
        run = self._run_of(stage)
        return run is not None and bool(self._outs_of(stage, run, fetch=True))

    def push(self, stages: list[str]) -> int:
        """Send the outputs of stages, as `dvc.lock` records them, and then their runs.

        Returns:
            How many objects were sent.
        """
        sent = 0
        for name in stages:
            [stage] = self.repo.stage.collect(name)
            outs = {str(out.hash_info.value): str(out) for out in stage.outs if out.hash_info}
            objects = private.with_files(outs, self.cache)
            there = set(self.store.list_oids_exists(list(objects)))
            new = [md5 for md5 in objects if md5 not in there and self.cache.exists(md5)]
            for is_list in (False, True):  # who finds the list of a folder takes it to be whole
                part = [md5 for md5 in new if md5.endswith(".dir") == is_list]
                if failed := private.copy(self.cache, self.store, part):
                    raise OSError(f"{len(failed)} objects not sent: {failed.popitem()[1]}")
            sent += len(new)
            if there.issuperset(md5 for md5 in objects if md5 not in new):
                self._push_run(stage)  # never a run without its outputs
        return sent

    def fetch(self, md5s: list[str]) -> int:
        """Fetch objects, each folder with its files; how many came.

        Raises:
            UserError: the remote lacks some.
        """
        lacking = [md5 for md5 in md5s if not self.cache.exists(md5)]
        private.copy(self.store, self.cache, lacking, verify=True)
        files = list(private.with_files(dict.fromkeys(md5s, ""), self.cache))
        inner = [md5 for md5 in files if not self.cache.exists(md5)]
        private.copy(self.store, self.cache, inner, verify=True)
        missing = [md5 for md5 in {*lacking, *files} if not self.cache.exists(md5)]
        if missing:
            raise UserError(
                f"{len(missing)} objects are not in remote {self.remote.name}, such as "
                f"{missing[0]}; `push` from a clone that has them"
            )
        return len({*lacking, *inner})

    def _chain(self, target: str) -> list[Any]:
        """The stage and those before it, these first."""
        import networkx as nx
        from dvc.exceptions import DvcException

        try:
            [stage] = self.repo.stage.collect(target)
        except (DvcException, ValueError):
            raise UserError(f"dvc.yaml: there is no stage {target}") from None
        return list(nx.dfs_postorder_nodes(self.repo.index.graph, stage))

    def _run_of(self, stage: Any) -> dict[str, Any] | None:
        """The remembered run of a stage whose dependencies are hashed, here or in the remote."""
        runs, key = self.repo.stage_cache, _key(stage)
        if not key:
            return None
        for name in self._names(key):
            path = Path(runs._get_cache_path(key, name))
            if not path.exists():
                content = self.remote.fs.fs.cat_file(self._there(key, name))
                with replacing(path) as partial:
                    partial.write_bytes(content)
        return _newest(runs, key)

    def _names(self, key: str) -> list[str]:
        fs = self.remote.fs
        fs.fs.invalidate_cache()
        with suppress(FileNotFoundError):
            return sorted(fs.name(path) for path in fs.find(self._there(key)))
        return []

    def _there(self, *names: str) -> str:
        return self.remote.fs.join(self.remote.path, "runs", names[0][:2], *names)

    def _push_run(self, stage: Any) -> None:
        key = _key(stage)
        if not key:
            return
        folder = Path(self.repo.stage_cache._get_cache_dir(key))
        here = [path for path in folder.glob("*") if len(path.name) == 64]
        there = self._names(key) if here else []
        for path in here:
            if path.name not in there:
                target = self._there(key, path.name)
                self.remote.fs.makedirs(self.remote.fs.parent(target), exist_ok=True)
                self.remote.fs.put_file(str(path), target)

    def _outs_of(self, stage: Any, run: dict[str, Any], fetch: bool = False) -> dict[str, Any]:
        """The outputs of a run by path; none where neither cache nor remote has them all."""
        outs = self.repo.stage_cache._create_stage(run, wdir=stage.wdir).outs
        md5s = [str(out.hash_info.value) for out in outs]
        lacking = [md5 for md5 in md5s if not self.cache.exists(md5)]
        if fetch:
            with suppress(UserError):
                self.fetch(md5s)
                return {out.fs_path: out for out in outs}
            return {}
        if lacking and set(self.store.list_oids_exists(lacking)) != set(lacking):
            return {}
        return {out.fs_path: out for out in outs}

    def _record(self, stage: Any, found: dict[str, Any], plan: Plan) -> None:
        """Write what a stage's run has given into `dvc.lock`, and its files for git."""
        for out in stage.outs:
            out.hash_info, out.meta = found[out.fs_path].hash_info, found[out.fs_path].meta
        stage.dump(update_pipeline=False)
        for out in stage.outs:
            if not out.use_cache:
                plan.fetched += self.fetch([str(out.hash_info.value)])
                with self.repo.stage_cache._cache_type_copy():
                    found[out.fs_path].checkout(force=True)

    def _bring_inputs(self, stage: Any, after: dict[str, Any], written: dict[str, Any]) -> int:
        """What a stage reads of the stages before it, as far as these need not run."""
        fetched = 0
        for dep in stage.deps:
            if dep.protocol == "local" and (out := _owner(dep.fs_path, written)):
                found = after.get(out.fs_path)
                fetched += self._bring(found) if found is not None and found.use_cache else 0
        return fetched

    def _bring(self, out: Any) -> int:
        """Put an output into the work tree, from the cache or from the remote."""
        fetched = self.fetch([str(out.hash_info.value)])
        out.checkout(force=True)
        return fetched


def _key(stage: Any) -> str:
    """The key of a stage in the run-cache, empty where it has none.

    As `_get_stage_hash` of DVC, which hashes the dependencies anew, and so wants them to be here.
    """
    from dvc.stage.cache import _get_cache_hash
    from dvc.stage.serialize import to_single_stage_lockfile

    if stage.is_callback or stage.always_changed or not (stage.cmd and stage.deps and stage.outs):
        return ""
    if not all(dep.protocol == "local" and dep.def_path and dep.hash_info for dep in stage.deps):
        return ""
    if any(
        out.protocol != "local" or not out.def_path or out.persist or not out.is_in_repo
        for out in stage.outs
    ):
        return ""
    return _get_cache_hash(to_single_stage_lockfile(stage), key=True)


def _newest(runs: Any, key: str) -> dict[str, Any] | None:
    """The run of a key that was remembered last."""
    folder = Path(runs._get_cache_dir(key))
    names = sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
    # A name of another length is a file that another process is writing.
    whole = [path.name for path in names if len(path.name) == 64]
    return runs._load_cache(key, whole[0]) if whole else None


def _take(dep: Any, after: dict[str, Any], same: set[str]) -> bool:
    """Give a dependency the hash that it will have; whether that is known."""
    from dvc.dependency.param import ParamsDependency
    from dvc.exceptions import DvcException

    if not isinstance(dep, ParamsDependency) and dep.fs_path in after:
        if out := after[dep.fs_path]:
            dep.hash_info, dep.meta = out.hash_info, out.meta
        return out is not None
    if any(parent in same for parent in map(str, Path(dep.fs_path).parents)):
        return bool(dep.hash_info)  # a part of an output that stays
    with suppress(DvcException, OSError):
        dep.save()
        return True
    return False


def _owner(path: str, written: dict[str, Any]) -> Any:
    """The output that a path is, or lies in."""
    while True:
        if path in written:
            return written[path]
        if os.path.dirname(path) == path:
            return None
        path = os.path.dirname(path)
