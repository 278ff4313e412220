"""A small project to search: a training of a few epochs whose loss follows from its parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tiny import IDENTITY, Tiny

PIPELINE = """\
stages:
  train:
    cmd: exec python train.py
    params: [seed, epochs, rate, units]
    deps: [train.py]
    outs: [model]
    metrics: [{held/score.json: {cache: false}}]
    plots: [{curve.csv: {cache: false}}]
  measure:
    cmd: exec python measure.py
    deps: [model, measure.py]
    outs: [said]
    metrics: [{score.json: {cache: false}}]
"""
# Best at a rate of 0.1 and 8 units. As a training does: a curve and a checkpoint after every epoch.
# Waits before an epoch while the journal has as many as the gate allows: of trials, and of others.
TRAIN = """\
import hashlib, json, math, os, pathlib, time
from ruamel.yaml import YAML

params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
if params["units"] == 13:
    raise SystemExit("error: the loss is nan in epoch 1, step 7")
if params["units"] == 14:
    os.kill(os.getpid(), 9)  # as the system does where memory runs out
text = json.dumps(params, sort_keys=True)
chance = int(hashlib.sha256(text.encode()).hexdigest()[:4], 16) / 2**16
far = abs(math.log10(params["rate"]) + 1) + abs(params["units"] - 8) / 8
checkpoint = pathlib.Path("scratch", hashlib.sha256(text.encode()).hexdigest())
checkpoint.parent.mkdir(exist_ok=True)
rows = json.loads(checkpoint.read_text()) if checkpoint.exists() else []

is_trial = params["seed"] == 1

def waits():
    lines = pathlib.Path(os.environ["JOURNAL"]).read_text().splitlines()
    mine = [line for line in lines if ('"seed": 1,' in line) == is_trial]
    allowed = json.loads(pathlib.Path(os.environ["GATE"]).read_text())
    return len(mine) >= allowed[0 if is_trial else 1]

def write(name, text):
    path = pathlib.Path(name)
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(".partial-" + path.name)
    partial.write_text(text)
    partial.replace(path)

def curve():
    write("curve.csv", "loss\\n" + "".join(f"{loss}\\n" for loss in rows))

if rows:
    print("resumes after epoch", len(rows), flush=True)
    curve()
while len(rows) < params["epochs"]:
    if "JOURNAL" in os.environ:
        while waits():
            time.sleep(0.02)
        with open(os.environ["JOURNAL"], "a") as file:
            file.write(f"{text} {len(rows) + 1}\\n")
    rows.append(round(far + 1 / (len(rows) + 1) + 0.01 * chance, 5))
    curve()
    write(checkpoint, json.dumps(rows))
    print("epoch", len(rows), rows[-1], flush=True)
write("model", f"{rows[-1]} {params['units']}")
write("held/score.json", json.dumps({"score": round(3 - rows[-1], 5)}))
"""
MEASURE = """\
import json, pathlib

loss = float(pathlib.Path("model").read_text().split()[0])
pathlib.Path("score.json").write_text(json.dumps({"score": round(70 - loss, 5)}))
pathlib.Path("said").write_text(str(loss))
"""
HOOKS = """\
def curve(folder, stage, params):
    path = folder / "curve.csv"
    losses = path.read_text().split()[1:] if path.exists() else []
    return [float(loss) for loss in losses][: params["epochs"] - 1]

def cost(folder, stage, params):
    return {"parameters": 10 * int((folder / "model").read_text().split()[1])}

def mistakes(body):
    return [] if body["rate"] > 0 else [f"rate is {body['rate']}, allowed: more than 0"]
"""
TABLE = """\
[tool.harness]
command = "tiny"
metric = "score"
validation = "held"
curve = "search_hooks:curve"
cost = "search_hooks:cost"
check_params = "search_hooks:mistakes"
"""
SEARCH: dict[str, Any] = {
    "rates": {
        "stage": "measure",
        "trials": 6,
        "pruning": {"min_epochs": 1, "reduction_factor": 2, "startup_trials": 2},
        "finalists": 1,
        "seeds": 2,
        "space": {
            "rate": {"low": 0.001, "high": 10.0, "log": True},
            "units": {"low": 4, "high": 16, "step": 4},
        },
    },
}
# A driver with an engine that starts each job as a process here, in a clone of its own.
ENGINE = """\
import subprocess, sys
from pathlib import Path
from harness.cluster import engine, trials
from harness.core.errors import user_errors
from harness.running.processes import end_all
from harness.searching import search

class Local:
    title, at_most, running = "Local", None, {}
    def check(self): pass
    def is_here(self): return True
    def submit(self, group, tasks, avoid):
        for task in tasks:
            clone = Path(sys.argv[1]) / task.name
            subprocess.run(["git", "clone", "-q", group.origin.url, clone], check=True)
            command = [sys.executable, "-m", "harness", "job", group.origin.commit, *task.arguments]
            self.running[task.name] = subprocess.Popen(command, cwd=clone, start_new_session=True)
    def live(self, group):
        live = [name for name, child in self.running.items() if child.poll() is None]
        return {name: engine.Live("running", "here", "now", name) for name in live}
    def cancel(self, group, names):
        end_all([self.running[name] for name in names])

engine.of = lambda cluster, on: Local()
with user_errors():
    search.main("rates", 1, trials.searching("slurm", False, poll=0.2))
"""
PARAMS = "seed: 1\nepochs: 4\nrate: 0.05\nunits: 4\n"
IGNORED = "/model\n/said\n/scratch/\n__pycache__\n"


def made(folder: Path, searches: dict[str, Any] = SEARCH) -> Tiny:
    """The project, that has run and is committed; `remote` and `work` of its jobs are beside it."""
    store = folder.parent / "remote"
    contents = {
        ".dvc/config": f"[core]\nremote = store\n['remote \"store\"']\nurl = {store}\n",
        "cluster.yaml": f"work: {folder.parent / 'work'}\ncheckpoint_seconds: 0.2\n",
        "dvc.yaml": PIPELINE,
        "train.py": TRAIN,
        "measure.py": MEASURE,
        "search_hooks.py": HOOKS,
        "pyproject.toml": TABLE,
        "params.yaml": PARAMS,
        "search.yaml": json.dumps(searches),
        ".gitignore": IGNORED,
    }
    tiny = Tiny.made(folder, contents)
    for value in IDENTITY[1::2]:
        tiny.git("config", value.partition("=")[0], value.partition("=")[2])
    return tiny


def experiments(tiny: Tiny) -> dict[str, str]:
    """The commit of each experiment, by its name."""
    form = "--format=%(refname) %(objectname)"
    lines = tiny.git("for-each-ref", form, "refs/exps").decode().splitlines()
    return {
        line.split(" ")[0].rpartition("/")[2]: line.split(" ")[1]
        for line in sorted(lines)
        if "/exps/" in line
    }
