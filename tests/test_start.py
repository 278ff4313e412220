"""What the start of a stage imports, which is most of the time of a short one."""

import os
import sys
from unittest.mock import Mock

import pytest
from conftest import ROOT, output_of

from harness.stages.run import declared
from unroll.models import backend

# Of the packages that take long to import, those that a script computes with.
USED = {
    "fetch@imdb": set(),
    "preprocess@imdb": {"pandas"},
    "train-lstm@lstm": {"keras", "tensorflow"},
    "train-ae@ae_lstm": {"keras", "tensorflow"},
    "evaluate@lstm": {"keras", "tensorflow", "sklearn", "pandas"},  # pandas by scikit-learn
    "plot@lstm": {"matplotlib"},
    "behavior@lstm": set(),
    "bias@lstm": set(),
}
# dvc_data stands for a whole DVC; its resolver of templates alone is quick.
SLOW = {"dvc_data", "jax", "keras", "matplotlib", "pandas", "sklearn", "tensorflow"}

IMPORTED = """
import sys
from harness.stages import run
from harness.stages.run import declared
params = declared(sys.argv[1])
if params.declares("train"):
    params.train["backend"] = sys.argv[2]
run.main_of(sys.argv[1], params)
print("imported:", *sys.modules)
for name in sys.argv[3:]:  # what was held back for a while can be imported
    __import__(name)
"""


HELD_BACK = ("jax", "matplotlib", "pandas", "sklearn", "tensorflow")


def imported(stage, backend="tensorflow", later=()):
    command = [sys.executable, "-c", IMPORTED, stage, backend, *later]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    output = output_of(command, ROOT, {"PYTHONPATH": path}, code=0)
    [line] = [line for line in output.splitlines() if line.startswith("imported:")]
    return set(line.split()) & SLOW


@pytest.mark.parametrize("stage", USED)
def test_a_stage_imports_nothing_slow_but_what_it_uses(stage):
    later = HELD_BACK if stage == "train-lstm@lstm" else ()
    assert imported(stage, later=later) == USED[stage]


def test_with_another_backend_tensorflow_is_not_imported():
    assert imported("train-lstm@lstm", "jax", HELD_BACK) == {"keras", "jax"}


@pytest.mark.parametrize("chosen", ["", "true"])
def test_a_training_takes_the_memory_of_a_gpu_as_it_needs_it_or_as_the_user_says(
    monkeypatch, chosen
):
    name = "XLA_PYTHON_CLIENT_PREALLOCATE"
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(os, "environ", {name: chosen} if chosen else {})
    monkeypatch.setitem(sys.modules, "keras", Mock())
    monkeypatch.setattr(backend, "_start_tensorflow", lambda threads: None)
    backend.start(declared("train-rnn@rnn"))
    assert os.environ[name] == (chosen or "false")
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
