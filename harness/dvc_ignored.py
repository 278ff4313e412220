"""The files of a folder that DVC hashes, by the rules of `.dvcignore` as DVC reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# DVC leaves these out of whatever it hashes.
_ALWAYS_IGNORED = (".hg/", ".git/", ".git", ".dvc/")

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
