"""A pipeline with a stage that trains for a few epochs, with checkpoints, to run on a cluster.

Its model is a chain of digests, so that an epoch left out, done twice or begun from other bytes
changes all that follow. It needs no package, and takes as long as the environment says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

PIPELINE = """\
stages:
  corpus:
    cmd: python corpus.py
    deps: [corpus.py]
    outs: [data/corpus]
  train:
    cmd: python train.py
    params: [seed, epochs, width]
    deps: [train.py, data/corpus]
    outs: [data/model]
    metrics:
    - metrics/model.json: {cache: false}
"""
CORPUS = """\
import pathlib

for number in range(20):
    path = pathlib.Path("data/corpus", f"{number}.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{number}\\n" * 1000)
"""
# As a stage of `harness.stages` does: checkpoints aside and renamed, two kept, none at the end.
TRAIN = """\
import hashlib, json, os, pathlib, shutil, sys, time

params = json.loads(pathlib.Path("params.yaml").read_text())
texts = b"".join(path.read_bytes() for path in sorted(pathlib.Path("data/corpus").iterdir()))
key = hashlib.sha256(json.dumps(params, sort_keys=True).encode() + texts).hexdigest()
folder = pathlib.Path("scratch/unfinished", key)
folder.mkdir(parents=True, exist_ok=True)

def write(path, content):
    partial = path.with_name(f".partial-{path.name}")
    partial.write_bytes(content)
    partial.replace(path)

epoch, state = 0, key.encode()
for path in sorted(folder.glob("epoch-*")):
    epoch, state = int(path.name[-3:]), path.read_bytes()
def allowed():
    gate = os.environ.get("GATE")
    return int(pathlib.Path(gate).read_text()) if gate else params["epochs"]

while epoch < params["epochs"]:
    epoch += 1
    time.sleep(float(os.environ.get("EPOCH_SECONDS", 0)))
    while epoch > allowed():
        time.sleep(0.05)
    state = hashlib.shake_256(state + texts + b"%d" % epoch).digest(2000 * params["width"])
    if journal := os.environ.get("JOURNAL"):
        node = os.environ.get("CLUSTER_NODE") or os.environ["SLURMD_NODENAME"]
        with open(journal, "a") as file:
            file.write(f"{params['width']} {epoch} {node}\\n")
    print("epoch", epoch, flush=True)
    write(folder / f"epoch-{epoch:03}", state)
    (folder / f"epoch-{epoch - 2:03}").unlink(missing_ok=True)
pathlib.Path("metrics").mkdir(exist_ok=True)
write(pathlib.Path("data/model"), state)
score = int.from_bytes(state[:4], "big") / 2**32
write(pathlib.Path("metrics/model.json"), json.dumps({"score": score}).encode())
shutil.rmtree(folder)
"""
SETTINGS = {f"width-{width}": {"width": width} for width in range(2, 7)}
IGNORED = "/data/\n/scratch/\n"


@dataclass(frozen=True)
class Training:
    """What a sweep trains.

    Attributes:
        seed: another one gives a training that no node has done before.
        settings: by name, beside the default, which has the width 1.
    """

    seed: int
    settings: dict[str, Any] = field(default_factory=lambda: SETTINGS, hash=False)
    epochs: int = 6

    def files(self) -> dict[str, str]:
        """The files of the project, without `cluster.yaml`."""
        params = {"seed": self.seed, "epochs": self.epochs, "width": 1}
        return {
            ".gitignore": IGNORED,
            "dvc.yaml": PIPELINE,
            "corpus.py": CORPUS,
            "train.py": TRAIN,
            "params.yaml": json.dumps(params),
            "sweep.yaml": json.dumps({"stage": "train", "settings": self.settings}),
        }
