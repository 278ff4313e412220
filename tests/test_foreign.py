"""The harness serves a DVC project that has nothing of ours: no table and no script."""

import shutil
from pathlib import Path

import pytest
from conftest import ROOT, output_of

PIPELINE = """\
vars:
- regions.yaml
stages:
  draw:
    matrix:
      color: [red, blue]
      side: [1, 2]
    cmd: >-
      mkdir -p data && seq ${item.side} 3 9 | sed 's/$/ ${item.color}/'
      > data/${item.color}-${item.side}-seed${seed}.txt
    params: [seed]
    outs:
    - data/${item.color}-${item.side}-seed${seed}.txt
  count:
    foreach: [red, blue]
    do:
      cmd: python count.py ${item} data/${item}-1-seed${seed}.txt data/${item}-2-seed${seed}.txt
      params: [weights.scale]
      deps:
      - count.py
      - data/${item}-1-seed${seed}.txt
      - data/${item}-2-seed${seed}.txt
      outs: ["data/counts/${item}.txt"]
      metrics:
      - metrics/${item}.json: {cache: false}
  join:
    foreach: ${regions}
    do:
      cmd: cat data/counts/red.txt data/counts/blue.txt | tail -n ${item} > data/joined-${item}.txt
      deps: [data/counts/red.txt, data/counts/blue.txt]
      outs: ["data/joined-${item}.txt"]
"""
COUNT = """\
import json, pathlib, sys
color, *names = sys.argv[1:]
scale = int(pathlib.Path("params.yaml").read_text().split("scale:")[1].split()[0])
lines = [line for name in names for line in pathlib.Path(name).read_text().splitlines()]
pathlib.Path("data/counts").mkdir(parents=True, exist_ok=True)
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path(f"data/counts/{color}.txt").write_text("\\n".join(sorted(lines)) + "\\n")
pathlib.Path(f"metrics/{color}.json").write_text(json.dumps({"lines": scale * len(lines)}) + "\\n")
"""
SWEEP = """\
stage: count@red
settings:
  double: {weights.scale: 2}
  triple: {weights.scale: 3}
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "count.py": COUNT,
    "regions.yaml": "regions: [1, 3]\n",
    "params.yaml": "seed: 7\nweights:\n  scale: 1\n",
    "sweep.yaml": SWEEP,
    ".gitignore": "/data/\n/scratch/\n/report/\n",
}
STAGES = ["draw@red-1", "draw@red-2", "draw@blue-1", "draw@blue-2"]
STAGES += ["count@red", "count@blue", "join@1", "join@3"]
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@localhost")


class Foreign:
    """The project, or a clone of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, code: int = 0) -> str:
        return output_of(command, self.folder, {"PYTHONPATH": str(ROOT)}, code)

    def harness(self, *arguments: str, code: int = 0) -> str:
        return self.run("python", "-m", "harness", *arguments, code=code)

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        self.run("git", *IDENTITY, "commit", "-q", "-m", message)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """The project after one run, committed, with a folder for its remote."""
    project = Foreign(tmp_path_factory.mktemp("foreign") / "project")
    project.folder.mkdir()
    for name, text in FILES.items():
        (project.folder / name).write_text(text)
    project.run("git", "init", "-q", "-b", "main")
    project.run("dvc", "init", "-q")
    project.run("dvc", "remote", "add", "-q", "-d", "shared", "../../remote")
    for key, value in (("user.name", "Test"), ("user.email", "test@localhost")):
        project.run("git", "config", key, value)
    said = project.harness("repro")
    assert [said.count(f"Running stage '{name}'") for name in STAGES] == [1] * len(STAGES)
    project.commit("results")
    return project


def test_it_runs_once_and_is_up_to_date_then(foreign):
    assert "up to date" in foreign.harness("repro")
    assert (foreign.folder / "data/joined-1.txt").read_text() == "8 blue\n"


def test_every_output_is_verified(foreign):
    assert "10 outputs, 0 different" in foreign.harness("verify")


def test_a_forged_output_is_found(foreign, tmp_path):
    copy = Foreign(tmp_path / "copy")
    shutil.copytree(foreign.folder, copy.folder, symlinks=True)
    lock = copy.folder / "dvc.lock"
    body = lock.read_text()
    recorded = body.split("path: metrics/red.json")[1].split("md5: ")[1].split()[0]
    lock.write_text(body.replace(recorded, "f" * 32))
    copy.commit("forged")
    said = copy.harness("verify", "--stage", "count@red", code=1)
    assert "DIFFERENT: metrics/red.json" in said
    assert "2 outputs, 1 different" in said


def test_the_cache_is_audited(foreign, tmp_path):
    assert ", 0 damaged" in foreign.harness("audit")
    copy = Foreign(tmp_path / "copy")
    shutil.copytree(foreign.folder, copy.folder, symlinks=True)
    [victim, *_] = sorted((copy.folder / ".dvc/cache/files/md5").glob("*/*"))
    victim.chmod(0o644)
    victim.write_bytes(b"other")
    assert str(victim.name) in copy.harness("audit", code=1)


def test_settings_are_swept_and_reported(foreign, tmp_path):
    sweeper = Foreign(tmp_path / "sweeper")
    shutil.copytree(foreign.folder, sweeper.folder, symlinks=True)
    sweeper.harness("sweep")
    table = (sweeper.folder / "docs/sweep.md").read_text()
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    assert list(rows) == ["default", "double", "triple"]
    assert [value for value in ("6", "12", "18") if f"| {value} " not in table] == []
    assert "triple" in sweeper.run("dvc", "exp", "list", "--name-only")


def test_a_change_is_reported(foreign, tmp_path):
    changed = Foreign(tmp_path / "changed")
    shutil.copytree(foreign.folder, changed.folder, symlinks=True)
    (changed.folder / "params.yaml").write_text("seed: 7\nweights:\n  scale: 4\n")
    assert "Running stage 'join" not in changed.harness("repro")
    changed.harness("report", "main")
    report = (changed.folder / "report/report.md").read_text()
    assert "weights.scale" in report
    assert "| 6 | 24 |" in report
    assert (changed.folder / "report/report.html").exists()


def test_a_clone_pulls_what_another_pushed_and_runs_nothing(foreign, tmp_path):
    foreign.harness("push")
    clone = Foreign(foreign.folder.parent / f"clone-{tmp_path.name}")
    foreign.run("git", "clone", "-q", ".", str(clone.folder))
    clone.harness("pull")
    assert "Running stage" not in clone.harness("repro")
    assert (clone.folder / "data/joined-3.txt").exists()
