"""A stage ends when it is asked to, never outlives DVC, and goes on where it was killed."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, output_of

from harness.core.errors import UserError
from harness.running.process import alone, clear_partial_files

# Seconds from a signal to the end: two are promised, a busy machine is given more.
LIMIT = 10.0


@pytest.fixture
def copy(clone, tmp_path):
    """A copy of the small project in which the simple network has to be trained at length."""
    folder = tmp_path / "copy"
    shutil.copytree(clone.folder, folder, symlinks=True)
    path = folder / "params.yaml"
    text = path.read_text()
    for entry in ("epochs", "patience"):
        text, found = re.subn(rf"(?m)^(    {entry}:) \d+", r"\1 99999", text, count=1)
        assert found
    path.write_text(text)
    return folder


class Running:
    """`make repro`'s command in a folder, its lines read until one is awaited."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
        raise AssertionError(f"{text!r} was never said")

    def rest(self) -> str:
        assert self.process.stdout is not None
        output = self.process.stdout.read()
        self.process.wait()
        return output

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def gone(processes: list[psutil.Process], within: float) -> bool:
    return not psutil.wait_procs(processes, timeout=within)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_ends_at_once_with_one_line(copy, number):
    running = Running(copy, "harness.running.repro")
    running.until("rnn: epoch 2/")
    everyone = [*running.children(), psutil.Process(running.process.pid)]
    began = time.monotonic()
    os.kill(running.process.pid, number)
    output = running.rest()
    assert time.monotonic() - began < LIMIT
    assert gone(everyone, LIMIT)
    assert running.process.returncode == 128 + number
    said = [line for line in output.splitlines() if not line.startswith("train-rnn ")]
    assert said == ["stopped; `make repro` goes on from here"]


def test_a_stage_that_is_asked_to_stop_while_it_imports_ends_at_once_too(copy):
    (copy / "scratch/locks/train-rnn").write_text("")
    running = Running(copy, "harness.stages.run", "train-rnn")
    while not (copy / "scratch/locks/train-rnn").read_text():
        time.sleep(0.1)
    time.sleep(1)
    began = time.monotonic()
    os.kill(running.process.pid, signal.SIGTERM)
    assert "train-rnn: stopped" in running.rest()
    assert time.monotonic() - began < LIMIT


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a stage looks every half second")
@pytest.mark.parametrize("command", [("harness.running.repro",), ("dvc", "repro", "train-rnn")])
def test_no_stage_outlives_what_started_it_and_the_next_run_goes_on(copy, command):
    running = Running(copy, *command)
    running.until("rnn: epoch 3/")
    children = running.children()
    assert children
    running.process.kill()
    running.process.wait()
    assert gone(children, LIMIT)
    again = Running(copy, *command)
    again.until("rnn: resumes after epoch")
    children = again.children()
    again.process.kill()
    again.process.wait()
    assert gone(children, LIMIT)


def test_where_results_are_recorded_and_not_there_a_killed_training_goes_on_too(clone, tmp_path):
    # As in a new clone: the lock file comes with it, what it records does not.
    folder = tmp_path / "copy"
    shutil.copytree(clone.folder, folder, symlinks=True)
    first = Running(folder, "harness.stages.run", "train-rnn")
    first.until("rnn: epoch 1/")
    first.process.kill()
    first.process.wait()
    again = Running(folder, "harness.stages.run", "train-rnn")
    again.until("rnn: resumes after epoch 1")
    again.rest()
    assert again.process.returncode == 0
    # Finished and recorded: whoever asks for it once more wants it computed.
    assert "rnn: epoch 1/" in Running(folder, "harness.stages.run", "train-rnn").rest()


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells which signals are awaited")
def test_a_run_that_is_asked_to_stop_before_it_has_begun_says_the_same(copy):
    running = Running(copy, "harness.running.repro")
    status = Path(f"/proc/{running.process.pid}/status")
    awaited = 1 << (signal.SIGTERM - 1)
    while not int(re.findall(r"SigCgt:\s*(\w+)", status.read_text())[0], 16) & awaited:
        time.sleep(0.01)
    running.process.send_signal(signal.SIGINT)
    assert running.rest() == "stopped; `make repro` goes on from here\n"
    assert running.process.returncode == 128 + signal.SIGINT


def test_a_stage_runs_once_at_a_time(copy):
    running = Running(copy, "harness.stages.run", "train-rnn")
    running.until("rnn: epoch 1/")
    second = Running(copy, "harness.stages.run", "train-rnn")
    assert f"stage train-rnn is running already, in process {running.process.pid}" in second.rest()
    assert second.process.returncode == 1
    running.process.kill()
    running.process.wait()


def test_a_python_without_the_packages_is_told_in_one_line():
    start = [sys.executable, "-S", "-m", "harness", "repro"]
    output = output_of(start, ROOT, {"PYTHONPATH": ""}, 1)
    assert "lacks the packages of requirements.txt; run `make venv`" in output
    assert output.count("\n") == 1


def test_a_lock_is_free_again_when_its_holder_is_gone(folder):
    with alone("stage", "it"):
        pass
    with alone("stage", "it"):
        pass


def test_what_a_killed_process_left_half_written_is_cleared_away(folder):
    gone_process = subprocess.Popen([sys.executable, "-c", ""])
    gone_process.wait()
    scratch = folder / "scratch"
    (scratch / f"partial-{gone_process.pid}-folder").mkdir(parents=True)
    for name in (f"partial-{gone_process.pid}-a.npy", f"partial-{os.getpid()}-b.npy", "kept"):
        (scratch / name).write_text("half")
    clear_partial_files()
    assert sorted(path.name for path in scratch.iterdir()) == [
        "kept",
        f"partial-{os.getpid()}-b.npy",
    ]


def test_a_run_after_a_kill_between_the_writes_of_dvc_mends_what_they_left(clone, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(clone.folder, folder, symlinks=True)
    whole = (folder / "dvc.lock").read_bytes()
    for name in ("dvc.lock", ".dvc/tmp/rwlock"):
        (folder / name).write_bytes(b"")
    running = Running(folder, "harness.running.repro")
    output = running.rest()
    assert running.process.returncode == 0, output
    assert "dvc.lock was cut off and is again the committed one" in output
    assert ".dvc/tmp/rwlock was cut off and is removed" in output
    assert "up to date" in output
    assert (folder / "dvc.lock").read_bytes() == whole


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(clone, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(clone.folder, folder, symlinks=True)
    shutil.rmtree(folder / "data/prepared/mnist")
    done = subprocess.run(
        [sys.executable, "-m", "harness.stages", "preprocess@mnist"],
        cwd=folder,
        # No file may grow beyond this: to a program the same as a full disk.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "error: preprocess@mnist: " in done.stderr
    assert "is the disk full?" in done.stderr
    assert not list((folder / "data/prepared").glob("mnist/x_train.npy"))
    assert not list((folder / "scratch").glob("partial-*"))


def test_a_folder_that_cannot_be_written_is_one_line(clone, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(clone.folder, folder, symlinks=True)
    shutil.rmtree(folder / "data/prepared/mnist")
    (folder / "data/prepared/mnist").write_text("in the way")
    running = Running(folder, "harness.stages.run", "preprocess@mnist")
    output = running.rest()
    assert running.process.returncode == 1
    assert len(output.splitlines()) == 1
    assert "mend that and run it again" in output


def test_a_second_holder_is_told_who_holds(folder, monkeypatch):
    monkeypatch.setattr("harness.running.process._PATIENCE", 0.0)
    with alone("stage", "stage x"), pytest.raises(UserError, match=f"in process {os.getpid()}"):
        alone("stage", "stage x")
