"""All that the harness uses of DVC's private parts, which may change with a minor version of DVC.

`pyproject.toml` therefore pins DVC to the minor version. Whoever raises it starts here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.core.errors import UserError, reason

HERE = Path()
# Keys of parameters, at any depth, that DVC leaves out of the key of its run-cache, since it calls
# the size of an output so: treeverse/dvc#10296.
UNSEEN = ("size", "nfiles")
# DVC leaves these out of whatever it hashes.
_ALWAYS_IGNORED = (".hg/", ".git/", ".git", ".dvc/")


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


class _Files:
    """What the resolver of templates needs of a file system, with names relative to a folder.

    Attributes:
        asked: the files that were asked for, whether they exist or not.
    """

    join, normpath = staticmethod(os.path.join), staticmethod(os.path.normpath)

    def __init__(self, root: Path) -> None:
        self._root = root
        self.asked: set[Path] = set()

    def exists(self, path: str) -> bool:
        self.asked.add(self._root / path)
        return (self._root / path).exists()

    def isdir(self, path: str) -> bool:
        return (self._root / path).is_dir()

    def suffix(self, path: str) -> str:
        return Path(path).suffix

    def open(self, path: str, mode: str = "r", encoding: str = "utf-8") -> IO[Any]:
        return (self._root / path).open(mode, encoding=encoding)


class _Repo:
    """What the resolver needs of a repository. A real one takes half a second to import."""

    def __init__(self, root: Path) -> None:
        self.fs, self.config = _Files(root), dict[str, Any]()


def resolved_stages(pipeline: dict[str, Any], root: Path) -> tuple[dict[str, Any], set[Path]]:
    """The definition of each stage of a `dvc.yaml` by name, all templates filled in.

    That is one for each combination of a `matrix` and for each item of a `foreach`.

    Args:
        pipeline: the content of the file.
        root: the folder of the file, in which `params.yaml` and the files of `vars` are looked up.

    Returns:
        The definitions, and the files beside `dvc.yaml` that they depend on, which may not exist.

    Raises:
        UserError: naming the stage, or the part of the file, that DVC cannot resolve.
    """
    from dvc.exceptions import DvcException
    from dvc.parsing import DataResolver, EntryDefinition, make_definition

    place, found, repo = "dvc.yaml", dict[str, Any](), _Repo(root)
    try:
        resolver: Any = DataResolver(repo, "", pipeline | {"stages": {}})
        for group, body in pipeline.get("stages", {}).items():
            place = f"dvc.yaml: stage {group}"
            definition = resolver.definitions[group] = make_definition(resolver, group, body)
            if isinstance(definition, EntryDefinition):
                found |= definition.resolve()
            else:
                for name in definition.get_generated_names():
                    found |= resolver.resolve_one(name)
    except DvcException as error:
        cause = reason(error)
        raise UserError(cause if "dvc.yaml" in cause else f"{place}: {cause}") from None
    except AssertionError:
        raise UserError(f"{place}: its keys do not belong together, or one is missing") from None
    # The resolver expects what DVC's schema has let through, and says anything of what it has not.
    except (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        raise UserError(f"{place}: not a definition that DVC can read ({reason(error)})") from None
    return found, repo.fs.asked


def read_params(path: Path) -> Any:
    """The content of a file of parameters, in any of the formats that DVC reads.

    Raises:
        UserError: the file is missing or not of the format that its name says.
    """
    from dvc.exceptions import DvcException
    from dvc.utils.serialize import load_path

    try:
        return load_path(str(path), _Files(HERE))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (DvcException, ValueError) as error:
        raise UserError(f"{path}: not a file of parameters ({reason(error)})") from None


# A pattern, whether it ignores what it matches, and whether it is for folders alone.
_Rule = tuple[re.Pattern[str], bool, bool]


def hashed_files(folder: Path) -> Iterator[Path]:
    """The files below a folder that DVC hashes: without those that `.dvcignore` files name.

    Links to folders are not followed, and another repository of DVC in the folder is left out.
    """
    top = Path(os.path.abspath(folder))
    root = next((path for path in (top, *top.parents) if (path / ".dvc").is_dir()), top)
    rules = _rules(root, top.relative_to(root).parts)
    for parent, names, files in os.walk(folder):
        place = Path(os.path.abspath(parent)).relative_to(root)
        names[:] = [
            name
            for name in names
            if not _ignored(rules, (place / name).as_posix(), is_folder=True)
            and not os.path.exists(os.path.join(parent, name, ".dvc"))
        ]
        for name in files:
            if not _ignored(rules, (place / name).as_posix(), is_folder=False):
                yield Path(parent, name)


def _rules(root: Path, parts: tuple[str, ...]) -> list[_Rule]:
    """The rules of the `.dvcignore` files above a folder, the strongest last.

    DVC refuses such a file in a folder that it hashes.
    """
    from dvc.pathspec_math import change_rule

    rules = list(_compiled(_ALWAYS_IGNORED))
    for i in range(len(parts) or 1):
        place = Path(*parts[:i])
        name = (place / ".dvcignore").as_posix()
        if (root / name).is_file() and not _ignored(rules, name, is_folder=False):
            lines = map(str.strip, (root / name).read_text("utf-8").splitlines())
            kept = [line for line in lines if line and not line.startswith("#")]
            rules += _compiled(
                [change_rule(line, place.as_posix()) for line in kept] if i else kept
            )
    return rules


def _ignored(rules: list[_Rule], path: str, is_folder: bool) -> bool:
    for pattern, ignores, folders_only in reversed(rules):
        if folders_only and not is_folder:
            continue
        if pattern.match(path) or (is_folder and pattern.match(f"{path}/")):
            return ignores
    return False


def _compiled(lines: Iterable[str]) -> Iterator[_Rule]:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    for line in lines:
        pattern, ignores = GitIgnoreSpecPattern.pattern_to_regex(line)
        if pattern is not None and ignores is not None:
            yield re.compile(pattern), ignores, line.endswith("/")


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


@dataclass(frozen=True)
class Upstream:
    """A stage and all stages that it depends on.

    Attributes:
        metrics: the files of metrics that the stage writes.
        files: what any of them computes from and no stage writes, with the files that declare the
            stages and those of parameters; only files of the git repository.
        outdated: the names of those that are not up to date.
    """

    metrics: list[Path]
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
            return Upstream(
                [local(out.fs_path) for out in found[0].outs if out.metric],
                {local(path) for path in paths if Path(path).is_relative_to(repo.scm.root_dir)},
                list(repo.status(targets=[name], with_deps=True)),
            )
    except DvcException as error:
        raise UserError(reason(error)) from None
