"""What the clusters of the tests start ends with the tests, however these end."""

import subprocess
import sys

import psutil
import pytest
from cluster_base import Daemon
from conftest import ROOT

LONG = 60.0  # seconds, for what a busy machine does sometime
# A daemon, which leaves its parent, and what it has started.
LEAVES = ("sh", "-c", "(sleep 600 & sleep 601) & sleep 602")
STARTS = f"""
import os, pathlib, signal, sys, time
from cluster_base import Daemon

daemon = Daemon({LEAVES}, pathlib.Path(sys.argv[1]))
while len(found := daemon.processes()) < 4:
    time.sleep(0.05)
print(*(process.pid for process in found), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="clusters run on Linux alone")


def test_no_process_of_a_daemon_outlives_tests_that_are_killed(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STARTS, tmp_path / "log"],
        cwd=ROOT / "tests",
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 4, done.stderr
    left = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    assert psutil.wait_procs(left, timeout=LONG)[1] == []


def test_a_daemon_that_is_killed_leaves_its_orphans_until_its_end(tmp_path):
    daemon = Daemon(LEAVES, tmp_path / "log", remove=tmp_path / "gone")
    (tmp_path / "gone").mkdir()
    while len(found := daemon.processes()) < 4:
        pass
    found[0].kill()
    assert psutil.wait_procs(found[:1], timeout=LONG)[1] == []
    assert len(daemon.processes()) == 3
    daemon.end()
    assert psutil.wait_procs(found, timeout=LONG)[1] == []
    assert not (tmp_path / "gone").exists()
