"""What the harness uses of DVC's private parts, which may change with a minor version of DVC.

All of it is here and in `dvc_templates.py` and `dvc_ignored.py`, which import only a small part of
DVC. `pyproject.toml` pins DVC to the minor version. Whoever raises it starts here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.errors import UserError, reason

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB
    from dvc_render.base import Renderer

HERE = Path()
# The locks that DVC's processes hold on the files of stages, as JSON.
RWLOCK = Path(".dvc/tmp/rwlock")
# Keys of parameters, at any depth, that DVC leaves out of the key of its run-cache, since it calls
# the size of an output so: treeverse/dvc#10296.
UNSEEN = ("size", "nfiles")


def cache_folder(root: Path = HERE) -> Path:
    """The folder of the cache of the project in `root`, as DVC itself reads its configuration.

    Its subfolder `files/md5` holds objects by their MD5, `runs` the run-cache. DVC's dialect of the
    configuration has quotes, commas, comments and `~`, so no other reader will do.

    Raises:
        UserError: a file of the configuration cannot be read.
    """
    from dvc.config import Config, ConfigError  # not above: DVC takes a while to import

    folder = root / ".dvc"
    try:
        config = Config(dvc_dir=str(folder.absolute()), validate=True)
    except ConfigError as error:
        raise UserError(f"{folder}/config: not a configuration of DVC ({reason(error)})") from None
    # DVC resolves a relative name against the folder of the file that holds it.
    return Path(config["cache"].get("dir") or folder / "cache")


def objects_folder(root: Path = HERE) -> Path:
    """The folder of the cache that holds objects by their MD5, `ab/cdef...`."""
    return cache_folder(root) / "files/md5"


def copy_configuration(copy: Path, cache: Path) -> None:
    """Give a clone of the project in the current folder its configuration, and a cache.

    All goes into the clone's `.dvc/config.local`, which others cannot read, as it may hold
    credentials. Relative paths name there what they name here.

    Raises:
        UserError: a file of the configuration cannot be read.
    """
    from dvc.config import Config, ConfigError, merge

    local = copy / ".dvc" / Config.CONFIG_LOCAL
    local.touch(mode=0o600)
    try:
        original = Config(dvc_dir=str(Path(".dvc").absolute()), validate=False)
        config = Config(dvc_dir=str((copy / ".dvc").absolute()), validate=False)
        with config.edit("local", validate=False) as body:
            for level in Config.REPO_LEVELS:
                merge(body, original.load_one(level))
            body["cache"]["dir"] = str(cache.absolute())
    except ConfigError as error:
        raise UserError(f".dvc/config: not a configuration of DVC ({reason(error)})") from None


def default_remote(level: str | None = None) -> str:
    """The name of the default remote, of one file of the configuration or of all; may be empty."""
    from dvc.config import Config

    config = Config(dvc_dir=str(Path(".dvc").absolute()), validate=False)
    body = config.load_one(level) if level else config
    return str(body.get("core", {}).get("remote") or "")


def remote_options() -> dict[str, dict[str, dict[str, str]]]:
    """What each file of the configuration says of each remote, as it stands there.

    By level, `system`, `global`, `repo` (the committed one) or `local`, then by remote.

    Raises:
        UserError: a file of the configuration cannot be read.
    """
    from dvc.config import Config, ConfigError

    try:
        config = Config(dvc_dir=str(Path(".dvc").absolute()), validate=True)
        levels = ("system", "global", "repo", "local")
        return {level: config._load_config(level).get("remote", {}) for level in levels}
    except ConfigError as error:
        raise UserError(f".dvc/config: not a configuration of DVC ({reason(error)})") from None


@dataclass(frozen=True)
class Upstream:
    """A stage and all stages that it depends on.

    Attributes:
        metrics: the files of metrics that the stage writes.
        earlier: those that the stages before it write.
        files: what any of them computes from and no stage writes, with the files that declare the
            stages and those of parameters; only files of the git repository.
        outdated: the names of those that are not up to date.
    """

    metrics: list[Path]
    earlier: list[Path]
    files: set[Path]
    outdated: list[str]


def upstream(name: str) -> Upstream:
    """What DVC knows of one stage, such as `train` or `evaluate@lstm`, and of those before it.

    Raises:
        UserError: there is no such stage, or DVC cannot read the pipeline.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    def local(path: str) -> Path:
        return Path(os.path.relpath(path))

    try:
        with Repo() as repo:
            found = repo.stage.collect(name)
            if len(found) != 1:
                every = ", ".join(stage.addressing for stage in found)
                raise UserError(f"{name} is the name of several stages, use one of {every}")
            stages = list(repo.stage.collect(name, with_deps=True))
            outs = {out.fs_path for stage in stages for out in stage.outs}
            paths = {stage.dvcfile.path for stage in stages}
            paths |= {dep.fs_path for stage in stages for dep in stage.deps} - outs
            # Files of `vars`; a `.dvc` file, which is a stage too, has none.
            used = (getattr(stage, "tracked_vars", ()) for stage in stages)
            paths |= {os.path.abspath(file) for files in used for file in files}
            written = [local(out.fs_path) for stage in stages for out in stage.outs if out.metric]
            own = [local(out.fs_path) for out in found[0].outs if out.metric]
            return Upstream(
                own,
                [path for path in written if path not in own],
                {local(path) for path in paths if Path(path).is_relative_to(repo.scm.root_dir)},
                list(repo.status(targets=[name], with_deps=True)),
            )
    except DvcException as error:
        raise UserError(reason(error)) from None


# Sharing: the objects of the cache and of a remote, and the runs that DVC remembers.

JOBS = 8


def outputs(repo: Repo, in_git: bool = True) -> dict[str, str]:
    """The path of every output that `dvc.lock` or a `.dvc` file records, by MD5.

    Args:
        in_git: also those that git keeps, such as metrics with `cache: false`.
    """
    return {
        str(out.hash_info.value): str(out)
        for out in repo.index.outs
        if out.hash_info and out.hash_name == "md5" and (in_git or out.use_cache)
    }


def outputs_of_runs(repo: Repo) -> dict[str, str]:
    """The path of every output of every run in the run-cache, by MD5."""
    runs = repo.stage_cache
    found: dict[str, str] = {}
    for file in Path(runs.cache_dir).glob("*/*/*"):
        # A name of another length is a file that another process is writing.
        run = runs._load_cache(file.parent.name, file.name) if len(file.name) == 64 else None
        found |= {out["md5"]: out["path"] for out in (run or {}).get("outs", []) if "md5" in out}
    return found


def cached_outputs(root: Path) -> set[str]:
    """The outputs of the project in `root` that DVC's cache holds, by path relative to it."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        outs = [out for out in repo.index.outs if out.use_cache]
        return {os.path.relpath(out.fs_path, repo.root_dir) for out in outs}


def with_files(outs: dict[str, str], *stores: HashFileDB) -> dict[str, str]:
    """`outs` and, for each folder, its files, by MD5.

    A folder is an object that lists its files; if no store has it whole, they are left out.
    """
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.transfer import find_tree_by_obj_id

    found = dict(outs)
    for md5, name in outs.items():
        if md5.endswith(".dir"):
            files = find_tree_by_obj_id(stores, HashInfo("md5", md5)) or ()
            found |= {str(file.value): "/".join((name, *key)) for key, _, file in files}
    return found


def stored(store: HashFileDB, md5s: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What a remote says of its objects, by MD5: the size in bytes, and what its kind adds.

    Of a remote that cannot list its objects, such as HTTP, those of `md5s` that it has, with
    nothing said of them.
    """
    if not store.fs.CAN_TRAVERSE:
        return {md5: {} for md5 in store.list_oids_exists(list(md5s))}
    is_local = store.fs.protocol == "local"
    listing = store.fs.fs.find(store.path, detail=not is_local)  # DVC's own gives names alone
    found = {}
    for path in listing:
        md5 = "".join(path.replace("\\", "/").split("/")[-2:])
        if re.fullmatch(r"[0-9a-f]{32}(\.dir)?", md5):
            found[md5] = store.fs.info(path) if is_local else listing[path]
    return found


def suspects(cache: HashFileDB, md5s: Iterable[str], there: dict[str, dict[str, Any]]) -> list[str]:
    """Those of `md5s`, which cache and remote have, that may be damaged in the remote.

    That costs no reading: the size is not that in the cache, S3's ETag is another MD5, or a file
    can be written to, while DVC makes all objects read-only.
    """
    found = []
    for md5 in md5s:
        info, tag = there[md5], str(there[md5].get("ETag", "")).strip('"')
        size = cache.fs.size(cache.oid_to_path(md5))
        is_other = re.fullmatch("[0-9a-f]{32}", tag) and tag != md5[:32]
        is_writable = "ino" in info and info["mode"] & 0o222
        if info.get("size", size) != size or is_other or is_writable:
            found.append(md5)
    return found


def damaged(store: HashFileDB, md5s: Iterable[str]) -> list[str]:
    """Those of `md5s` that a store lacks, or whose content, read to the end, has another MD5."""
    from concurrent.futures import ThreadPoolExecutor

    from dvc_data.hashfile.hash import hash_file

    def is_damaged(md5: str) -> bool:
        try:
            _, found = hash_file(store.oid_to_path(md5), store.fs, "md5")
        except FileNotFoundError:
            return True
        return found.value != md5[:32]

    every = list(md5s)
    with ThreadPoolExecutor(JOBS) as pool:
        return [md5 for md5, is_so in zip(every, pool.map(is_damaged, every), strict=True) if is_so]


def copy(
    source: HashFileDB, target: HashFileDB, md5s: Iterable[str], verify: bool = False
) -> dict[str, Exception]:
    """Copy objects from a cache to a remote that lacks them, or back.

    Args:
        verify: for the way back: leave out what the cache has, and what turns out to be damaged.

    Returns:
        Those that could not be copied, with the reason.
    """
    failed: dict[str, Exception] = {}
    wanted = [md5 for md5 in md5s if not (verify and target.exists(md5))]
    if wanted:
        target.add(
            [source.oid_to_path(md5) for md5 in wanted],
            source.fs,
            wanted,
            verify=verify,
            check_exists=False,
            batch_size=JOBS,
            on_error=failed.__setitem__,  # type: ignore[arg-type]
        )
    return failed


def runs_that_fit(repo: Repo) -> Iterator[tuple[str, dict[str, str]]]:
    """Each stage that must run, and the outputs of the run in the run-cache that replaces it.

    The run of one stage says what the next one reads, which need not be here. `dvc repro` will
    find the same runs; `repo` is of no use for anything else afterwards.

    Yields:
        The stage's name; the path of each output by MD5.
    """
    import networkx as nx
    from dvc.dependency.param import ParamsDependency
    from dvc.exceptions import DvcException
    from dvc.stage.cache import _can_hash

    # What each output will be, None while that is unknown.
    written = {out.fs_path: None for out in repo.index.outs}
    for stage in reversed(list(nx.topological_sort(repo.index.graph))):
        before = [dep.hash_info for dep in stage.deps]
        try:
            for dep in stage.deps:
                if isinstance(dep, ParamsDependency) or dep.fs_path not in written:
                    dep.save()
                elif out := written[dep.fs_path]:
                    dep.hash_info, dep.meta = out.hash_info, out.meta
                else:
                    raise DvcException("what it reads is unknown")
        except DvcException:
            continue
        is_changed = stage.cmd_changed or before != [dep.hash_info for dep in stage.deps]
        if not is_changed and all(out.hash_info for out in stage.outs):
            written |= {out.fs_path: out for out in stage.outs}
        elif _can_hash(stage) and (run := repo.stage_cache._load(stage)):
            outs = repo.stage_cache._create_stage(run, wdir=stage.wdir).outs
            written |= {out.fs_path: out for out in outs}
            yield stage.addressing, {str(out.hash_info.value): str(out) for out in outs}


# Comparing.


def renderers(repo: Repo, revision: str) -> list[Renderer]:
    """The plots of a revision and of the work tree, as `dvc plots diff` would draw them."""
    from dvc.render.match import match_defs_renderers

    plots = repo.plots.diff(revs=[revision])
    found = match_defs_renderers(plots, templates_dir=repo.plots.templates_dir)
    return [entry.renderer for entry in found]


@contextmanager
def locked() -> Iterator[None]:
    """Wait until no process of DVC writes `dvc.lock` or its list of locks, and let none begin."""
    from dvc.lock import make_lock
    from dvc.repo import Repo, lock_repo
    from dvc.rwlock import RWLOCK_LOCK

    with Repo(_wait_for_lock=True) as repo:
        linked = repo.config["core"].get("hardlink_lock", False)
        guard = make_lock(
            str(RWLOCK.with_name(RWLOCK_LOCK)), str(RWLOCK.parent), False, linked, True
        )
        with lock_repo(repo), guard:
            yield


def is_lock_file(content: bytes) -> bool:
    """Whether DVC can read this content of a `dvc.lock`."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from ruamel.yaml import YAML, YAMLError
    from voluptuous import Invalid

    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(content))
    except (YAMLError, Invalid, ValueError, RecursionError):
        return False
    return True


def read_rwlock(content: bytes) -> dict[str, Any]:
    """The locks that are held: `write` one process by path, `read` a list of them by path.

    Raises:
        ValueError: the content is not of that form.
    """
    from dvc.rwlock import SCHEMA
    from voluptuous import Invalid

    try:
        return SCHEMA(json.loads(content))
    except Invalid as error:
        raise ValueError(reason(error)) from None
