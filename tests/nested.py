"""A pipeline without training, in a repository that has what clones of it must cope with.

It is in a subfolder of a larger repository, whose path has a comma and a hash sign. The repository
alone says who commits, the user has another name for remotes, and `.dvc/config.local` has a secret.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, output_of

HARNESS = (sys.executable, "-m", "harness")
TRAIN = """
import json, pathlib, time
from ruamel.yaml import YAML

train = YAML(typ="safe").load(pathlib.Path("params.yaml"))["train"]
if train["patience"] == 13:
    raise SystemExit("error: unlucky")
scratch = pathlib.Path("scratch")
scratch.mkdir(exist_ok=True)
for epoch in (1, 2):
    done = scratch / f"done-{epoch}"
    if done.exists():
        print("resumes after epoch", epoch, flush=True)
        continue
    while train["patience"] == 60 and epoch == 2 and not pathlib.Path("@HURRY@").exists():
        time.sleep(0.05)
    print(f"epoch {epoch}/2", flush=True)
    done.touch()
pathlib.Path("model").write_text(f"{train['width']} {0.9 + train['rate']:.4f}")
pathlib.Path("held").mkdir(exist_ok=True)
score = round(0.8 + train["rate"], 4)
pathlib.Path("held/score.json").write_text(json.dumps({"score": score}))
"""
MEASURE = """
import json, pathlib

score = float(pathlib.Path("model").read_text().split()[1])
interval = {"low": round(score - 0.002, 4), "high": round(score + 0.002, 4)}
metrics = {"rows": 9, "score": score, "score_interval": interval, "other_score": 0.8}
pathlib.Path("score.json").write_text(json.dumps(metrics))
pathlib.Path("said/rows").mkdir(parents=True, exist_ok=True)
pathlib.Path("said/rows/score").write_text(f"{score}")
"""
PIPELINE = """
stages:
  fetch:
    cmd: echo x >> '@COUNT@' && cat downloads/corpus words.txt > corpus
    deps: [words.txt]
    outs: [corpus]
  train:
    cmd: exec python train.py
    deps: [corpus, train.py]
    params: [train]
    outs: [model]
    metrics: [{held/score.json: {cache: false}}]
  measure:
    matrix: {on: [whole]}
    cmd: exec python measure.py
    deps: [model, measure.py]
    outs: [said]
    metrics: [{score.json: {cache: false}}]
  others:
    cmd: echo ${other} > others
    params: [other]
    outs: [others]
"""
HOOKS = """
from pathlib import Path

def cost(folder, stage, params):
    width = int((folder / "model").read_text().split()[0])
    return {"parameters": 1000 + width, "multiply-adds": 10 * width}

def compare(name, before, after, part):
    path = Path({"test": "said/rows/score", "validation": "model"}[part])
    first, second = (float(find(path).read_text().split()[-1]) for find in (before, after))
    difference = second - first
    return {"score": (difference, difference - 0.001, difference + 0.001, 0.01)}

def mistakes(body):
    return [] if body["train"]["width"] > 0 else ["train.width is 0, allowed: 1 or more"]
"""
TABLE = """
[tool.harness]
command = "nested"
metric = "score"
cost = "hooks:cost"
compare = "hooks:compare"
validation = "held"
check_params = "hooks:mistakes"
keep = ["downloads"]
"""
SWEEP = """
stage: measure@whole
settings:
  bad: {train.patience: 13}
  slow: {train.patience: 60, train.width: 128, train.rate: 1e-2}
"""
CONFIG = """
[core]
    analytics = false
['remote "near"']
    url = ../../stored
"""
LOCAL = """
['remote "far"']
    url = s3://bucket/cache
    credentialpath = ../keys
    secret_access_key = hidden
"""
WORDS = """
outs:
- md5: 993ed7d20d5f775dc558eb129f5a6c20
  hash: md5
  path: words.txt
"""
IGNORED = (
    *("/scratch/", "/downloads/", "/model", "/said", "/others", "/corpus", "/words.txt"),
    "__pycache__",
)
FILES = {
    "train.py": TRAIN,
    "measure.py": MEASURE,
    "dvc.yaml": PIPELINE,
    "hooks.py": HOOKS,
    "pyproject.toml": TABLE,
    "sweep.yaml": SWEEP,
    "params.yaml": "train: {patience: 1, width: 64, rate: 1e-3}\nother: 1  # kept\n",
    "words.txt": "words\n",
    "words.txt.dvc": WORDS,
    "downloads/corpus": "corpus\n",
    ".gitignore": "".join(f"{name}\n" for name in IGNORED),
    ".dvc/config": CONFIG,
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvc/config.local": LOCAL,
}


class Nested:
    """The project, up to date and committed."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "Lab, shared #1"
        self.folder = self.top / "inner"
        self.fetched, self.hurry, self.home = folder / "n", folder / "hurry", folder / "home"
        self.home.mkdir()
        (self.home / ".gitconfig").write_text("[clone]\n    defaultRemoteName = upstream\n")
        self.environment = {
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": str(ROOT),
        }
        for name, text in FILES.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = text.replace("@HURRY@", str(self.hurry)).replace("@COUNT@", str(self.fetched))
            path.write_text(text, encoding="utf-8")
        (self.folder / ".dvc/config.local").chmod(0o600)
        self.run("git", "init", "-q", "-b", "main", str(self.top))
        self.run("git", "config", "user.name", "Test")
        self.run("git", "config", "user.email", "test@localhost")
        self.run(sys.executable, "-m", "dvc", "repro", "-q")
        self.commit("start")

    def run(self, *command: str, code: int = 0) -> str:
        """Standard output and error of a command that must end with `code`."""
        return output_of(command, self.folder, self.environment, code)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command as a hook of a linked worktree would, with git's variables set."""
        git = self.top / ".git"
        tied = {"GIT_DIR": str(git), "GIT_INDEX_FILE": str(git / "index"), "GIT_PREFIX": ""}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | self.environment | tied,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A", ".")
        self.run("git", "commit", "-q", "-m", message)

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")
