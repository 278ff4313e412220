"""A pipeline of two shell commands in a temporary folder, with clones of it, to share a cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import ROOT
from s3 import BUCKET, Server

PIPELINE = """\
stages:
  draw:
    cmd: python draw.py
    params: [seed]
    deps: [draw.py]
    outs: [data/drawn]
    metrics:
    - metrics/drawn.json: {cache: false}
  join:
    cmd: cat data/drawn/* metrics/drawn.json > data/joined && cp metrics/drawn.json metrics/of.json
    deps: [data/drawn, metrics/drawn.json]
    outs: [data/joined]
    metrics:
    - metrics/of.json: {cache: false}
"""
DRAW = """\
import json, pathlib, random
seed = int(pathlib.Path("params.yaml").read_text().split()[1])
random.seed(seed)
folder = pathlib.Path("data/drawn")
folder.mkdir(parents=True, exist_ok=True)
for i in range(16):
    (folder / f"{i:02}").write_bytes(random.randbytes(300_000))
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path("metrics/drawn.json").write_text(json.dumps({"seed": seed}))
"""
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@localhost")


class Tiny:
    """A clone of the tiny project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def made(cls, folder: Path) -> Tiny:
        """A new one, that has run."""
        folder.mkdir()
        tiny = cls(folder)
        tiny.run("git", "init", "-q", "-b", "main")
        tiny.run("dvc", "init", "-q")
        (folder / ".dvc/config").write_bytes((ROOT / ".dvc/config").read_bytes())
        (folder / "dvc.yaml").write_text(PIPELINE)
        (folder / "draw.py").write_text(DRAW)
        (folder / "params.yaml").write_text("seed: 1\n")
        (folder / ".gitignore").write_text("/data/\n")
        tiny.run("dvc", "repro", "-q")
        tiny.commit("drawn")
        return tiny

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        self.run("git", *IDENTITY, "commit", "-q", "-m", message)

    def clone(self, folder: Path) -> Tiny:
        """What git has of it, in another folder."""
        self.run("git", "clone", "-q", str(self.folder), str(folder))
        return Tiny(folder)

    def use(self, server: Server, **settings: str) -> None:
        """Take a bucket of a server for the remote, as the commands that `make s3` prints do."""
        remote = {
            "url": f"s3://{BUCKET}/cache",
            "endpointurl": server.url,
            "credentialpath": str(server.credentials),
            "verify": "true",
        }
        lines = ["[core]", "    remote = s3", """['remote "s3"']"""]
        lines += [f"    {name} = {value}" for name, value in (remote | settings).items()]
        (self.folder / ".dvc/config.local").write_text("\n".join(lines) + "\n")

    def run(self, *command: str, code: int = 0) -> str:
        """Standard output and error of a command that must end with `code`."""
        done = self.start(*command)
        output = done.communicate()[0]
        assert done.returncode == code, output
        return output

    def share(self, command: str, *arguments: str, code: int = 0) -> str:
        """The same of `make push`, `make pull` and the like."""
        return self.run("python", "-m", "harness", command, *arguments, code=code)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command, with nothing of the user's own configuration."""
        mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=mine | {"PATH": path, "PYTHONPATH": str(ROOT), "AWS_EC2_METADATA_DISABLED": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def forget(self) -> None:
        """Remove all that came from the remote."""
        for name in (".dvc/cache", "data"):
            shutil.rmtree(self.folder / name, ignore_errors=True)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
