"""Sweeps, on a pipeline whose training is a few lines that need no Keras."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, output_of

from unroll.yaml import read_yaml

TRAINER = """
import json, pathlib, time
import h5py, numpy as np
from ruamel.yaml import YAML

params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
rnn = params["models"]["rnn"]
if rnn["patience"] == 13:
    raise SystemExit("error: unlucky")
for epoch in (1, 2):
    done = pathlib.Path("scratch") / f"done-{epoch}"
    done.parent.mkdir(exist_ok=True)
    if done.exists():
        print("goes on after epoch", epoch, flush=True)
        continue
    if rnn["patience"] == 60 and epoch == 2 and not pathlib.Path(HURRY).exists():
        time.sleep(60)
    print(f"rnn: epoch {epoch}/2  loss 0.1  val_loss 0.1  {epoch * 3} s, at most 0 s", flush=True)
    done.touch()
folder = pathlib.Path("models/rnn")
folder.mkdir(parents=True)
with h5py.File(folder / "model.weights.h5", "w") as file:
    file["layers/embedding/vars/0"] = np.zeros((5, rnn["embedding"]))
    file["layers/simple_rnn/cell/vars/0"] = np.zeros((rnn["embedding"], 3))
    file["layers/simple_rnn/cell/vars/1"] = np.zeros((3, 3))
    file["layers/dense/vars/0"] = np.zeros((3, 1))
    file["optimizer/vars/0"] = np.zeros(99)
(folder / "auc").write_text(str(0.9 + rnn["embedding"] / 10_000))
"""
EVALUATOR = """
import json, pathlib

auc = float(pathlib.Path("models/rnn/auc").read_text())
interval = {"low": auc - 0.002, "high": auc + 0.002}
figures = {"auc": auc, "auc_interval": interval, "balanced_accuracy": 0.8}
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path("metrics/rnn.json").write_text(json.dumps(figures))
"""
PIPELINE = """
stages:
  fetch: {cmd: echo x >> @COUNT@; echo corpus > corpus.txt, outs: [corpus.txt]}
  train-rnn:
    cmd: exec python train.py
    deps: [corpus.txt, train.py]
    params: [models.rnn]
    outs: [models/rnn]
  evaluate:
    cmd: exec python evaluate.py
    deps: [models/rnn, evaluate.py]
    metrics: [{metrics/rnn.json: {cache: false}}]
  others: {cmd: touch others, outs: [others], params: [models.lstm, models.ae_lstm, models.ae_bilstm]}
"""


class Project:
    """A small git and DVC project with a sweep in it, up to date and committed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.fetched, self.hurry = folder / "project", folder / "n", folder / "hurry"
        self.folder.mkdir()
        self.environment = {
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        body = {
            "train.py": TRAINER.replace("HURRY", repr(str(self.hurry))),
            "evaluate.py": EVALUATOR,
            "dvc.yaml": PIPELINE.replace("@COUNT@", str(self.fetched)),
            "params.yaml": (ROOT / "params.yaml").read_text("utf-8"),
            ".gitignore": "/scratch/\n/models/\n/others\n/corpus.txt\n",
        }
        for name, text in body.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        self.sweep({"embedding-128": {"models.rnn.embedding": 128}})
        self.run("git", "init", "-q", "-b", "main")
        self.run(sys.executable, "-m", "dvc", "init", "-q")
        self.run(sys.executable, "-m", "dvc", "repro", "-q")
        self.commit("start")

    def run(self, *command: str, code: int = 0) -> str:
        return output_of(command, self.folder, self.environment, code)

    def call(self, jobs: int = 2, code: int = 0) -> str:
        return self.run(sys.executable, "-m", "unroll.sweep", "--jobs", str(jobs), code=code)

    def sweep(self, settings: dict) -> None:
        body = {"model": "rnn", "settings": settings}
        (self.folder / "sweep.yaml").write_text(json.dumps(body))

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
        self.run("git", *identity, "commit", "-q", "-m", message)

    def fetches(self) -> int:
        return len(self.fetched.read_text().splitlines())

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_every_setting_ends_as_an_experiment_and_runs_once(project):
    output = project.call()
    assert "embedding-128      AUC 0.9128, 3.0 s an epoch" in output
    assert project.fetches() == 1
    shown = json.loads(project.run("dvc", "exp", "show", "--json"))
    [head] = [rev for rev in shown if rev["rev"] != "workspace"]
    experiments = {e["name"]: e["revs"][0]["data"] for e in head["experiments"]}
    assert set(experiments) == {"default", "embedding-128"}
    data = experiments["embedding-128"]
    assert data["params"]["params.yaml"]["data"]["models"]["rnn"]["embedding"] == 128
    assert data["metrics"]["metrics/rnn.json"]["data"]["auc"] == 0.9128
    # parameters: 5 x 128 + 128 x 3 + 9 + 3; multiply-adds: 128 words x (128 x 3 + 9) + 3
    assert (
        "| `embedding-128` | 0.9128 (0.9108 to 0.9148) | 0.8000 | 1,036 | 0.05 | 3.0 |"
        in project.text("docs/sweep.md")
    )
    assert "above it, these pay: `embedding-128`;" in project.text("docs/sweep.md")
    assert (project.folder / "docs/sweep.png").read_bytes()[:4] == b"\x89PNG"
    assert not [path for path in (project.folder / "scratch/sweep").iterdir() if path.is_dir()]

    # A later commit that changes nothing of the computation keeps them; a change of code does not.
    project.commit("results")
    assert "All 2 settings are finished" in project.call()
    (project.folder / "evaluate.py").write_text(EVALUATOR.replace("0.8}", "0.7}"))
    project.run("dvc", "repro", "-q")
    project.commit("evaluate differently")
    assert "0 settings are finished, 2 to run" in project.call()
    assert "0.7000" in project.text("docs/sweep.md")


def test_a_setting_that_fails_is_named_and_stops_no_other(project):
    project.sweep(
        {"bad": {"models.rnn.patience": 13}, "embedding-32": {"models.rnn.embedding": 32}}
    )
    project.commit("sweep")
    output = project.call(jobs=1, code=1)
    assert "embedding-32       AUC 0.9032" in output
    assert "bad                FAILED: `dvc repro evaluate` failed" in output
    assert "error: 1 of 3 settings failed: bad;" in output
    assert "error: unlucky" in project.text("scratch/sweep/bad.log")
    assert "Traceback" not in output
    assert "`bad`" not in project.text("docs/sweep.md")


def test_a_sweep_that_is_stopped_goes_on_within_a_training(project):
    project.sweep({"slow": {"models.rnn.patience": 60}})
    project.commit("sweep")
    child = subprocess.Popen(
        [sys.executable, "-m", "unroll.sweep"],
        cwd=project.folder,
        env=os.environ | project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = project.folder / "scratch/sweep/slow.log"
    deadline = time.monotonic() + 120
    while not (log.exists() and "epoch 1/2" in log.read_text()):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=20)
    assert child.returncode == 128 + signal.SIGINT
    assert output.endswith("stopped; the same command goes on from here\n")
    assert "Traceback" not in output

    project.hurry.touch()
    output = project.call()
    assert "1 settings are finished, 1 to run" in output
    assert "goes on after epoch 1" in log.read_text()
    assert "| `slow` |" in project.text("docs/sweep.md")


def test_mistakes_in_a_sweep_are_one_line_each_before_anything_runs(project):
    project.sweep(
        {
            "units-0": {"models.rnn.units": 0},
            "typo": {"models.rnn.unit": 8},
            "Bad name": {"models.rnn.units": 8},
        }
    )
    output = project.call(code=1)
    assert output.splitlines() == [
        "error: sweep.yaml: settings.units-0: models.rnn.units is 0, allowed: "
        "greater than or equal to 1",
        "sweep.yaml: settings.typo: params.yaml has no parameter models.rnn.unit",
        "sweep.yaml: settings.Bad name: not a name, allowed: small letters, digits and single "
        "hyphens, not default",
    ]
    project.sweep({"units-8": {"models.rnn.units": 8}})
    project.run("git", "checkout", "-q", "sweep.yaml")
    params = project.folder / "params.yaml"
    params.write_text(params.read_text("utf-8").replace("seed: 13", "seed: 14"), encoding="utf-8")
    output = project.call(code=1)
    assert output == (
        "error: params.yaml: not as committed, and a sweep starts from a commit; commit first\n"
    )
    assert not (project.folder / "docs").exists()


def test_the_sweep_of_this_project_names_parameters_that_there_are(monkeypatch):
    from unroll import settings

    monkeypatch.chdir(ROOT)
    sweep = settings.read()
    assert [setting.name for setting in sweep.settings][0] == settings.DEFAULT
    assert (sweep.trainer, sweep.evaluator) == ("train-lstm", "evaluate@lstm")
    assert {"stages/train_lstm.py", "corpora.yaml", "versions.yaml"} <= set(sweep.files)
    assert "unroll/sweep.py" not in sweep.files
    assert read_yaml(ROOT / "params.yaml") == sweep.settings[0].params
