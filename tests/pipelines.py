"""Projects of a few quick stages, and commands that run in them until a line or a signal."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from pathlib import Path

import psutil
from conftest import ROOT, output_of

# Generous, as the machine may be busy: whatever is awaited takes a second or two alone.
LIMIT = 120.0
PATHS = {"PYTHONPATH": str(ROOT)}
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
IGNORED = "/data/\n/scratch/\n/.dvc/tmp/\n/.dvc/cache/\n/.dvc/config.local\n__pycache__/\n"


class Pipeline:
    """A project in a folder, from what its files hold; the first of them is `dvc.yaml`."""

    def __init__(self, folder: Path, stages: str, **files: str) -> None:
        self.folder = folder
        (folder / ".dvc").mkdir(parents=True)
        texts = {"dvc.yaml": stages, "params.yaml": "seed: 1\n"}
        texts |= {".dvc/config": "[core]\n    analytics = false\n", ".gitignore": IGNORED}
        for name, text in (texts | files).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        return output_of(["git", *IDENTITY, *arguments], self.folder, {}, 0)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a state")

    def run(self, *command: str, code: int = 0) -> str:
        """What `python -m COMMAND` prints, which must end with `code`."""
        return output_of([sys.executable, "-m", *command], self.folder, PATHS, code)

    def start(self, *command: str) -> Running:
        return Running(self.folder, *command)


class Running:
    """A command `python -m COMMAND` in a folder, its lines read until one is awaited."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=os.environ | PATHS,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        atexit.register(self.process.terminate)  # where a test has failed before its end

    def until(self, text: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return line
        raise AssertionError(f"{text!r} was never printed")

    def rest(self) -> str:
        output = self.process.communicate(timeout=LIMIT)[0]
        assert output is not None
        return output

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT)

    def everyone(self) -> list[psutil.Process]:
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=LIMIT)[1]
