"""A clone of the repository in which the project can run: what `verify` and a sweep work in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness import git, project
from harness.core.environment import git_free_environment
from harness.dvc_private import copy_configuration


def clone(folder: Path, commit: str, cache: Path) -> Path:
    """Clone the repository, with the configuration of DVC and the folders that the project keeps.

    Args:
        folder: the clone, which must not exist.
        commit: what is checked out.
        cache: the folder of the cache that DVC uses in the clone.

    Returns:
        The project's folder in the clone, another than `folder` if the project is in a subfolder.
    """
    root = git.clone(folder, commit)
    prepare(root, cache)
    for name in map(Path, project.read().keep):
        if name.is_dir() and not name.is_absolute():
            shutil.copytree(name, root / name, copy_function=_link, dirs_exist_ok=True)
    return root


def prepare(root: Path, cache: Path) -> None:
    """Give the project in a clone its configuration, and from the cache what `dvc add` tracks."""
    copy_configuration(root, cache)
    sources = [str(path.relative_to(root)) for path in root.rglob("*.dvc") if path.is_file()]
    if sources:
        subprocess.run(
            [sys.executable, "-m", "dvc", "checkout", "--quiet", *sources],
            cwd=root,
            env=git_free_environment(),
            check=False,  # whoever needs what is missing says so
        )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another disk, or where there are no links
        shutil.copy2(source, target)
