"""`make verify`, on the small project."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.checking import verify
from harness.stages.hashing import digest


@pytest.fixture
def forged(clone, tmp_path, monkeypatch):
    """A clone whose committed lock file and picture agree, though no stage drew the picture."""
    folder = tmp_path / "copy"
    shutil.copytree(clone.folder, folder, symlinks=True)
    monkeypatch.chdir(folder)
    pictures = Path("plots/figures/rnn")
    before = digest(pictures)
    (pictures / "confusion.png").write_text("not a picture at all")
    lock = Path("dvc.lock")
    lock.write_text(lock.read_text().replace(before, digest(pictures)))
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *identity, "commit", "-qam", "forged"], check=True)


def test_every_stage_runs_and_what_differs_is_named(forged):
    done = subprocess.run(
        [sys.executable, "-m", "harness", "verify"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.count("Running stage") == 16
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines() if "@" in line[:20]]
    found = [row for row in rows if row[0] == "plot@rnn" and len(row) == 3 and "|" not in row[1]]
    assert found == [["plot@rnn", "plots/figures/rnn", "DIFFERENT: plots/figures/rnn"]]
    assert " outputs, 1 different" in done.stdout


def test_one_stage_is_run_on_what_the_cache_holds(forged):
    rows = verify.run("evaluate", jobs=1)
    assert {stage for stage, *_ in rows} == {
        f"evaluate@{model}" for model in ("rnn", "lstm", "ae_lstm", "ae_bilstm")
    }
    assert {finding for *_, finding in rows} == {verify.SAME}
