"""Sweeps, on a pipeline whose training is a few lines that need no Keras."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, output_of
from matplotlib.text import Text

from harness.core.errors import UserError
from harness.experiments import store, sweep_file, sweep_report
from harness.experiments.store import Cost, Experiment

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
    print(f"rnn: epoch {epoch}/2", flush=True)
    done.touch()
folder = pathlib.Path("models/rnn")
folder.mkdir(parents=True)
with h5py.File(folder / "model.weights.h5", "w") as file:
    file["layers/embedding/vars/0"] = np.zeros((5, rnn["embedding"]))
    file["layers/simple_rnn/cell/vars/0"] = np.zeros((rnn["embedding"], 3))
    file["layers/simple_rnn/cell/vars/1"] = np.zeros((3, 3))
    file["layers/dense/vars/0"] = np.zeros((3, 1))
    file["optimizer/vars/0"] = np.zeros(99)
(folder / "auc").write_text(str(round(0.9 + rnn["embedding"] / 10_000, 4)))
"""
EVALUATOR = """
import json, pathlib

auc = float(pathlib.Path("models/rnn/auc").read_text())
interval = {"low": round(auc - 0.002, 4), "high": round(auc + 0.002, 4)}
figures = {"auc": auc, "auc_interval": interval, "balanced_accuracy": 0.8}
pathlib.Path("metrics").mkdir(exist_ok=True)
pathlib.Path("metrics/rnn.json").write_text(json.dumps(figures))
"""
PIPELINE = """
stages:
  fetch:
    cmd: echo x >> @COUNT@; echo corpus > corpus.txt
    deps: [.gitignore]
    outs: [corpus.txt]
  train-rnn:
    cmd: exec python train.py
    deps: [corpus.txt, train.py]
    params: [models.rnn]
    outs: [models/rnn]
  evaluate:
    cmd: exec python evaluate.py
    deps: [models/rnn, evaluate.py]
    metrics: [{metrics/rnn.json: {cache: false}}]
  others:
    cmd: touch others
    params: [models.lstm, models.ae_lstm, models.ae_bilstm]
    outs: [others]
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
        tried = {
            "bad": {"models.rnn.patience": 13},
            "slow": {"models.rnn.patience": 60, "models.rnn.embedding": 128},
        }
        self.write_sweep(tried)
        self.run("git", "init", "-q", "-b", "main")
        self.run(sys.executable, "-m", "dvc", "init", "-q")
        self.run(sys.executable, "-m", "dvc", "repro", "-q")
        self.commit("start")

    def run(self, *command: str, code: int = 0) -> str:
        return output_of(command, self.folder, self.environment, code)

    def call(self, jobs: int = 2, code: int = 0) -> str:
        return self.run(sys.executable, "-m", "harness", "sweep", "--jobs", str(jobs), code=code)

    def write_sweep(self, tried: dict) -> None:
        body = {"model": "rnn", "settings": tried}
        (self.folder / "sweep.yaml").write_text(json.dumps(body))

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
        self.run("git", *identity, "commit", "-q", "-m", message)

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Tests leave it as they found it."""
    return Project(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def swept(project: Project) -> tuple[int, str, str]:
    """A sweep stopped within a training: its code and its lines; and those of the next."""
    child = subprocess.Popen(
        [sys.executable, "-m", "harness", "sweep", "--jobs", "3"],
        cwd=project.folder,
        env=os.environ | project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = project.folder / "scratch/sweep/slow.log"
    deadline = time.monotonic() + 200
    while not (log.exists() and "epoch 1/2" in log.read_text()):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    stopped, _ = child.communicate(timeout=30)
    project.hurry.touch()
    return child.returncode, stopped, project.call(code=1)


def test_a_sweep_that_is_stopped_says_so_and_goes_on_within_a_training(project, swept):
    code, stopped, _ = swept
    assert code == 128 + signal.SIGINT
    assert stopped.endswith("stopped; the same command goes on from here\n")
    assert "Traceback" not in stopped
    log = project.text("scratch/sweep/slow.log")
    assert log.count("rnn: epoch 1/2") == log.count("rnn: epoch 2/2") == 1
    assert "goes on after epoch 1" in log


def test_a_setting_that_fails_is_named_and_stops_no_other(project, swept):
    *_, output = swept
    assert "bad                FAILED: `dvc repro evaluate` failed; see scratch/sweep/bad.log" in (
        output
    )
    assert output.endswith(
        "error: 1 of 3 settings failed: bad; after mending that, the same command runs them again\n"
    )
    assert "error: unlucky" in project.text("scratch/sweep/bad.log")
    assert re.search(r"^slow +AUC 0\.9128, \d+ s$", output, re.MULTILINE)
    assert "`bad`" not in project.text("docs/sweep.md")


def test_nothing_is_computed_twice(project, swept):
    assert len(project.fetched.read_text().splitlines()) == 1
    assert "rnn: epoch" not in project.text("scratch/sweep/default.log")  # it is in the cache


def test_every_finished_setting_is_an_experiment(project, swept):
    shown = json.loads(project.run("dvc", "exp", "show", "--json"))
    [head] = [revision for revision in shown if revision["rev"] != "workspace"]
    found = {e["name"]: e["revs"][0]["data"] for e in head["experiments"]}
    assert set(found) == {"default", "slow"}
    assert found["slow"]["params"]["params.yaml"]["data"]["models"]["rnn"]["embedding"] == 128
    assert found["slow"]["metrics"]["metrics/rnn.json"]["data"]["auc"] == 0.9128


def test_the_table_sets_figures_beside_costs(project, swept):
    # Parameters: 5 x 128 + 128 x 3 + 9 + 3; multiply-adds: 128 words x (128 x 3 + 9) + 3.
    row = "| `slow` | 0.9128 (0.9108 to 0.9148) | 0.8000 | 1,036 | 0.05 |\n"
    assert row in project.text("docs/sweep.md")
    assert "- above it, these pay: `slow`;" in project.text("docs/sweep.md")
    assert (project.folder / "docs/sweep.png").read_bytes()[:4] == b"\x89PNG"


def test_labels_of_the_chart_cover_neither_each_other_nor_the_default(monkeypatch):
    monkeypatch.chdir(ROOT)
    sweep = sweep_file.read()
    # These cost as much as the default, and here their figures are all but its own.
    same = {"default": 0.9366, "seed-14": 0.9366}
    same |= {"vocabulary-5000": 0.9367, "vocabulary-20000": 0.9365}
    found = {}
    for i, setting in enumerate(sweep.settings):
        auc = same.get(setting.name, 0.91 + 0.004 * i)
        figures = {"auc": auc, "auc_interval": {"low": auc - 0.003, "high": auc + 0.003}}
        cost = Cost(1, 1_570_000 if setting.name in same else 500_000 * i)
        found[setting.name] = Experiment(setting, figures, cost)
    figure = sweep_report.chart(sweep, found)
    figure.draw_without_rendering()
    [axes] = figure.axes
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the lines to them
    assert len(boxes) == len(sweep.settings) - 1
    [default] = [line for line in axes.lines if line.get_label() == sweep_file.DEFAULT]
    boxes.append(default.get_window_extent())
    assert not [1 for i, box in enumerate(boxes) for other in boxes[:i] if box.overlaps(other)]


def test_an_experiment_counts_until_what_it_computed_from_changes(project, swept, monkeypatch):
    monkeypatch.chdir(project.folder)
    sweep = sweep_file.read()

    def finished() -> list[str]:
        return list(store.finished(sweep, store.head()))

    assert finished() == ["default", "slow"]
    project.commit("results")
    assert finished() == ["default", "slow"]
    slow = sweep.settings[-1]
    slow.params["models"]["rnn"]["embedding"] = 127
    assert finished() == ["default"]
    (project.folder / "evaluate.py").write_text(EVALUATOR.replace("0.8}", "0.7}"))
    with pytest.raises(UserError, match=r"^evaluate\.py: not as committed"):
        store.check_committed(sweep)
    project.commit("evaluate differently")
    assert finished() == []
    project.run("git", "reset", "-q", "--hard", "HEAD~1")


def test_mistakes_in_a_sweep_are_one_line_each(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    wrong = {
        "units-0": {"models.rnn.units": 0},
        "typo": {"models.rnn.unit": 8},
        "Bad name": {"models.rnn.units": 8},
    }
    before = project.text("sweep.yaml")
    try:
        project.write_sweep(wrong)
        with pytest.raises(UserError) as error:
            sweep_file.read()
        (project.folder / "sweep.yaml").write_text("model: ae_lstm\nsettings: {}\n")
        with pytest.raises(UserError, match="model is 'ae_lstm', allowed: rnn or lstm"):
            sweep_file.read()
    finally:
        (project.folder / "sweep.yaml").write_text(before)
    assert str(error.value).splitlines() == [
        "sweep.yaml: sweep_file.units-0: models.rnn.units is 0, allowed: "
        "a whole number from 1 to 4096",
        "sweep.yaml: sweep_file.typo: params.yaml has no parameter models.rnn.unit",
        "sweep.yaml: sweep_file.Bad name: not a name, allowed: small letters, digits and single "
        "hyphens, not default",
    ]


def test_the_sweep_of_this_project_knows_its_stages_and_what_they_compute_from(monkeypatch):
    monkeypatch.chdir(ROOT)
    sweep = sweep_file.read()
    assert sweep.settings[0].name == sweep_file.DEFAULT
    assert sweep.evaluator == "evaluate@lstm"
    assert {"stages/train_lstm.py", "corpora.yaml", "versions.yaml"} <= set(sweep.files)
    assert not {"unroll/sweep.py", "stages/train_rnn.py"} & set(sweep.files)
