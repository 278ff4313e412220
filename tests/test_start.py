"""The start of a stage: what it imports, which is most of its time, and what it refuses."""

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
from conftest import ROOT, output_of

from harness.core.files import partial_prefix
from harness.stages.run import declared
from unroll.models import backend

# Of the packages that take long to import, those that a script computes with.
USED = {
    "fetch@imdb": set(),
    "preprocess@imdb": set(),
    "train-lstm": {"keras", "tensorflow"},
    "train-ae@lstm": {"keras", "tensorflow"},
    "evaluate@lstm": {"keras", "tensorflow", "sklearn", "pandas"},  # pandas by scikit-learn
    "plot@lstm": {"matplotlib"},
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
if params.declares("train"):  # what was held back for a while can be imported
    import jax, matplotlib, pandas, sklearn, tensorflow
"""


def imported(stage, backend="tensorflow"):
    command = [sys.executable, "-c", IMPORTED, stage, backend]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    output = output_of(command, ROOT, {"PYTHONPATH": path}, code=0)
    [line] = [line for line in output.splitlines() if line.startswith("imported:")]
    return set(line.split()) & SLOW


@pytest.mark.parametrize("stage", USED)
def test_a_stage_imports_nothing_slow_but_what_it_uses(stage):
    assert imported(stage) == USED[stage]


def test_with_another_backend_tensorflow_is_not_imported():
    assert imported("train-lstm", "jax") == {"keras", "jax"}


@pytest.mark.parametrize("module", ["harness", "harness.stages", "unroll"])
def test_without_the_packages_a_command_is_one_line(module):
    output = output_of([sys.executable, "-S", "-m", module, "any"], ROOT, {"PYTHONPATH": ""}, 1)
    assert "lacks the packages of requirements.txt; run `make venv`" in output
    assert output.count("\n") == 1


def test_without_the_packages_an_import_does_not_end_the_interpreter():
    code = "import harness, harness.core.environment, unroll; print('alive')"
    output = output_of([sys.executable, "-S", "-c", code], ROOT, {"PYTHONPATH": str(ROOT)}, 0)
    assert output == "alive\n"


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def door(folder):
    """A project of one stage whose script writes a file, and a function that runs the stage."""
    Path("dvc.yaml").write_text(
        "stages: {one: {cmd: x, params: [seed, data], deps: [in.txt], outs: [out/one]}}\n"
    )
    Path("params.yaml").write_text("seed: 1\ndata: {rows: 2}\n")
    Path("in.txt").write_text("in")
    Path("stages").mkdir()
    Path("stages/__init__.py").touch()
    Path("stages/one.py").write_text(
        "from pathlib import Path\n"
        "from harness.core.files import write_text\n"
        "def main(params):\n"
        "    write_text(Path('out/one/rows.txt'), str(params.data['rows'] * params.seed))\n"
    )

    def run(code: int) -> str:
        command = [sys.executable, "-m", "harness.stages", "one"]
        return output_of(command, folder, {"PYTHONPATH": str(ROOT)}, code)

    return run


def test_a_stage_clears_away_what_a_killed_run_of_it_left_in_its_outputs(door, dead):
    left = [Path(place) for place in ("out/one/deep", "out/one", "out", "scratch")]
    name = f"{partial_prefix().replace(str(os.getpid()), str(dead))}half.npy"
    for place in left:
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("half")
    door(0)
    assert Path("out/one/rows.txt").read_text() == "2"
    assert not [place for place in left if (place / name).exists()]


def test_a_stage_refuses_a_parameter_that_dvc_does_not_see_before_it_runs(door):
    Path("params.yaml").write_text("seed: 1\ndata: {rows: 2, size: 3}\n")
    output = door(1)
    assert output.startswith("error: params.yaml: rename data.size; DVC leaves size and nfiles out")
    assert output.count("\n") == 1
    assert not Path("out").exists()


def test_a_stage_without_a_script_is_one_line(door):
    Path("stages/one.py").unlink()
    assert door(1) == "error: dvc.yaml: stage one has no script stages/one.py\n"


def test_a_stage_notices_that_an_input_changed_though_size_and_time_are_the_same(door):
    with Path("stages/one.py").open("a") as script:
        script.write(
            "    import os\n"
            "    stat = os.stat('in.txt')\n"
            "    Path('in.txt').write_text('IN')\n"
            "    os.utime('in.txt', ns=(stat.st_atime_ns, stat.st_mtime_ns))\n"
        )
    assert "in.txt changed while one ran, so the result is not recorded" in door(1)


@pytest.mark.parametrize("chosen", ["", "true"])
def test_a_training_takes_the_memory_of_a_gpu_as_it_needs_it_or_as_the_user_says(
    monkeypatch, chosen
):
    name = "XLA_PYTHON_CLIENT_PREALLOCATE"
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(os, "environ", {name: chosen} if chosen else {})
    monkeypatch.setitem(sys.modules, "keras", Mock())
    monkeypatch.setattr(backend, "_start_tensorflow", lambda threads: None)
    backend.start(declared("train-rnn"))
    assert os.environ[name] == (chosen or "false")
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
