"""A pipeline of two shell commands in a temporary folder, with clones of it, to share a cache."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from conftest import ROOT
from dvc.repo import Repo

from harness.cli import main

PIPELINE = """\
stages:
  draw:
    cmd: echo draw >> ran && sh draw.sh
    params: [seed]
    deps: [draw.sh]
    outs: [data/drawn]
    metrics:
    - metrics/drawn.json: {cache: false}
  join:
    cmd:
    - echo join >> ran && cat data/drawn/* metrics/drawn.json > data/joined
    - cp metrics/drawn.json metrics/of.json
    deps: [data/drawn, metrics/drawn.json]
    outs: [data/joined]
    metrics:
    - metrics/of.json: {cache: false}
"""
DRAW = """\
seed=$(cut -d ' ' -f 2 params.yaml)
mkdir -p data/drawn metrics
for i in 1 2 3 4 5 6; do seq $seed$i 3 99999 > data/drawn/$i; done
echo "{\\"seed\\": $seed}" > metrics/drawn.json
"""
FILES = {
    ".dvc/config": "[core]\nremote = folder\n['remote \"folder\"']\nurl = ../../remote\n",
    "dvc.yaml": PIPELINE,
    "draw.sh": DRAW,
    "params.yaml": "seed: 1\n",
    ".gitignore": "/data/\n/ran\n",
}
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
OBJECTS = ".dvc/cache/files/md5"


class Tiny:
    """A clone of the tiny project. Its remote is the folder `remote` beside it.

    Attributes:
        objects: the folder of its cache that holds the objects.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.objects = folder, folder / OBJECTS

    @classmethod
    def made(cls, folder: Path, contents: dict[str, str] = FILES) -> Tiny:
        """A new one of these files, that has run."""
        folder.mkdir()
        tiny = cls(folder)
        tiny.git("init", "-q", "-b", "main")
        Repo.init(str(folder)).close()
        for name, text in contents.items():
            (folder / name).write_text(text)
        tiny.repro()
        tiny.git("add", "-A")
        tiny.git(*IDENTITY, "commit", "-q", "-m", "drawn")
        return tiny

    def copy(self, folder: Path) -> Tiny:
        """All of it in another folder; the objects of the cache are the same files."""

        def link(source: str, target: str) -> None:
            (os.link if OBJECTS in source else shutil.copy2)(source, target)

        shutil.copytree(self.folder, folder, copy_function=link)
        return Tiny(folder)

    def clone(self, folder: Path) -> Tiny:
        """What git has of it, in another folder."""
        self.git("clone", "-q", ".", str(folder))
        return Tiny(folder)

    def use(self, **options: str) -> None:
        """Take another remote, by the options that DVC needs for it."""
        lines = ["[core]", "remote = other", "['remote \"other\"']"]
        lines += [f"{name} = {value}" for name, value in options.items()]
        (self.folder / ".dvc/config.local").write_text("\n".join(lines) + "\n")

    def results(self) -> dict[str, bytes]:
        """What the pipeline has written."""
        return files(self.folder / "data") | files(self.folder / "metrics")

    def git(self, *arguments: str) -> bytes:
        """Run git in the folder."""
        return subprocess.run(
            ("git", *arguments), cwd=self.folder, env=environment(), check=True, capture_output=True
        ).stdout

    def repro(self, seed: int | None = None) -> list[str]:
        """Do what `dvc repro` does; the names of the stages that had to run."""
        if seed is not None:
            (self.folder / "params.yaml").write_text(f"seed: {seed}\n")
        with contextlib.chdir(self.folder), Repo() as repo:
            repo.reproduce()
        ran = self.folder / "ran"
        names = ran.read_text().split() if ran.exists() else []
        ran.unlink(missing_ok=True)
        return names

    def share(self, *arguments: str, code: int = 0) -> str:
        """What `unroll push` and the like print; they must end with `code`."""
        said = io.StringIO()
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, environment(), clear=True),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            with pytest.raises(SystemExit) as end:
                main(arguments)
            if isinstance(end.value.code, str):
                print(end.value.code)
        assert code == (1 if isinstance(end.value.code, str) else end.value.code), said.getvalue()
        return said.getvalue()

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A program of Python in a process of its own."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment() | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )


def environment() -> dict[str, str]:
    """Nothing of the user's own settings, nor of an earlier call, as DVC sets some of them once."""
    others = ("AWS_", "GIT_")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return mine | {"AWS_EC2_METADATA_DISABLED": "true"}


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
