"""A stage ends when it is asked to, never outlives DVC, and resumes where it was killed."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, output_of
from pipelines import LIMIT, PATHS, Pipeline, Running, gone

from harness import lock
from harness.core.errors import UserError
from harness.lock import alone

STAGES = """\
stages:
  steps:
    cmd: exec python -m harness.stages steps
    params: [seed]
    outs: [data/steps]
  native:
    cmd: exec python -m harness.stages native
    params: [seed]
    outs: [data/native]
"""
# Keeps a file for each step, as a training does for each epoch; waits after the third if told to.
STEPS = """\
import pathlib, time
from harness.core.files import write_text
def main(params):
    done = params.unfinished
    done.mkdir(parents=True, exist_ok=True)
    print("resumes after", len(list(done.iterdir())), flush=True)
    for step in range(len(list(done.iterdir())), 5):
        while step == 3 and pathlib.Path("scratch/wait").exists():
            time.sleep(0.02)
        write_text(done / str(step), "")
        print("step", step, flush=True)
    write_text(pathlib.Path("data/steps"), str(params.seed) * 40_000)
"""
# Native code that no signal interrupts, for hours.
NATIVE = """\
import hashlib
def main(params):
    print("in native code", params.seed, flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""


@pytest.fixture
def project(tmp_path):
    """A project of two stages of ours; `steps` waits in the middle while there is scratch/wait."""
    files = {"work/steps.py": STEPS, "work/native.py": NATIVE, "scratch/wait": ""}
    table = {"pyproject.toml": '[tool.harness]\nstages = "work"\n'}
    return Pipeline(tmp_path / "project", STAGES, **files, **table)


def test_a_stage_that_is_asked_to_end_while_it_is_in_native_code_ends_at_once(project):
    running = project.start("harness.stages", "native")
    running.until("in native code")
    os.kill(running.process.pid, signal.SIGTERM)
    assert running.rest() == "native: stopped; the same command resumes from here\n"
    assert running.process.returncode == 128 + signal.SIGTERM


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a stage looks every half second")
@pytest.mark.parametrize("command", [("harness", "repro"), ("dvc", "repro", "steps")])
def test_no_stage_outlives_what_started_it_and_the_next_run_resumes(project, command):
    path = project.folder / "dvc.yaml"
    path.write_text(STAGES.partition("  native")[0])
    running = project.start(*command)
    running.until("step 2")
    everyone = running.everyone()
    assert len(everyone) >= 2
    running.kill()
    assert gone(everyone)
    (project.folder / "scratch/wait").unlink()
    assert "resumes after 3\n" in project.run(*command)


@pytest.mark.slow
def test_where_results_are_recorded_and_not_there_a_killed_stage_resumes_too(project):
    # As in a new clone: the lock file comes with it, what it records does not.
    wait, stage = project.folder / "scratch/wait", ("harness.stages", "steps")
    wait.unlink()
    project.run("dvc", "repro", "-q", "steps")
    wait.touch()
    first = project.start(*stage)
    first.until("step 2")
    first.kill()
    wait.unlink()
    assert "resumes after 3\n" in project.run(*stage)
    # Finished and recorded: whoever asks for it once more wants it computed.
    assert "resumes after 0\n" in project.run(*stage)


def test_a_stage_runs_once_at_a_time(project):
    running = project.start("harness.stages", "steps")
    running.until("step 2")
    second = project.run("harness.stages", "steps", code=1)
    assert f"stage steps is already running (pid {running.process.pid})" in second
    running.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the system shows which signals are awaited")
def test_a_run_that_is_asked_to_end_before_it_has_begun_says_the_same(project):
    running = project.start("harness", "repro")
    status = Path(f"/proc/{running.process.pid}/status")
    awaited = 1 << (signal.SIGTERM - 1)
    while not int(re.findall(r"SigCgt:\s*(\w+)", status.read_text())[0], 16) & awaited:
        time.sleep(0.01)
    running.process.send_signal(signal.SIGINT)
    assert running.rest().endswith("stopped; `python -m harness repro` resumes from here\n")
    assert running.process.returncode == 128 + signal.SIGINT


ENDING = """
import time
from harness import ending
ending._LIMIT = 1
def raises():
    raise OSError("not now")
def hangs():
    time.sleep(9999)
ending.end_when_asked("stopped", {before})
print("ready", flush=True)
time.sleep(9999)
"""


@pytest.mark.parametrize(
    ("before", "said", "code"),
    [
        ("None", "stopped\n", 128 + signal.SIGTERM),
        ("raises", "stopped\n", 128 + signal.SIGTERM),
        ("hangs", "", -signal.SIGALRM),
    ],
)
def test_a_process_that_is_asked_to_end_does_so_whatever_its_last_work_does(
    tmp_path, before, said, code
):
    (tmp_path / "ending_program.py").write_text(ENDING.format(before=before))
    running = Running(tmp_path, "ending_program")
    running.until("ready")
    os.kill(running.process.pid, signal.SIGTERM)
    assert running.rest() == said
    assert running.process.returncode == code


def test_a_lock_is_free_again_when_its_holder_is_gone(folder):
    with alone("stage@a/b", "it"):
        pass
    with alone("stage@a/b", "it"):
        pass


HOLDER = """
import time
from harness.lock import alone
from harness.running.processes import Calls
calls = Calls(alone("it", "it"))
with calls.started(["sh", "-c", "sleep 9999 & echo stray $!; wait"]):
    time.sleep(9999)
"""


def test_a_lock_is_held_by_what_outlives_its_holder(folder, monkeypatch):
    (folder / "holder_program.py").write_text(HOLDER)
    running = Running(folder, "holder_program")
    stray = psutil.Process(int(running.until("stray").split()[1]))
    running.kill()
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    with pytest.raises(UserError, match=rf"already running \(pid {running.process.pid}\)"):
        alone("it", "it")
    stray.kill()
    monkeypatch.setattr(lock, "PATIENCE", LIMIT)
    alone("it", "it").close()


def test_a_python_without_the_packages_is_one_line():
    start = [sys.executable, "-S", "-m", "unroll", "repro"]
    output = output_of(start, ROOT, {"PYTHONPATH": ""}, 1)
    assert "lacks the packages of requirements.txt; run `make venv`" in output
    assert output.count("\n") == 1


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(project):
    (project.folder / "scratch/wait").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "harness.stages", "steps"],
        cwd=project.folder,
        env=os.environ | PATHS,
        # No file may grow beyond this: to a program the same as a full disk.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "error: steps: " in done.stderr
    assert not list(project.folder.glob("data/*"))


def test_a_folder_that_cannot_be_written_is_one_line(project):
    (project.folder / "scratch/wait").unlink()
    (project.folder / "data").write_text("in the way")
    output = project.run("harness.stages", "steps", code=1)
    assert output.splitlines()[-1].startswith("error: steps: ")
    assert "Traceback" not in output
