"""Jobs on Slurm: one array for a sweep, one question for all jobs, no accounting needed.

Elements of an array share one name, so the script, which Slurm keeps, says which element is which
job.
"""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from collections.abc import Collection, Sequence
from functools import partial

from harness.cluster import cluster_file, script
from harness.cluster.cluster_file import CLUSTER, Cluster
from harness.cluster.engine import QUEUED, RUNNING, Group, Live
from harness.cluster.patience import patiently
from harness.cluster.task import Task
from harness.core.errors import UserError, reason

LIMIT = 60  # seconds for an answer
WAKING = 60.0  # seconds that a controller may take to hear of its nodes
_MOST = 1000  # elements of one array, by Slurm's default
_FORM = "%A|%F|%K|%T|%N|%S|%x|%r"
_OUT = ("down", "drain", "fail", "maint", "powe", "reboot")  # how states of nodes begin
_ENDED = ("CANCELLED", "COMPLETED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL")
_GOING = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT")
_ENTRY = re.compile(r"^(\d+)\) name=(\S+) ;;$", re.MULTILINE)


class Slurm:
    """The cluster that the commands of Slurm on this machine speak to."""

    title = "Slurm"
    at_most: int | None = None  # the array's own limit holds back the others

    def __init__(self, cluster: Cluster) -> None:
        self._options = cluster.slurm or cluster_file.Slurm()
        self._names: dict[str, dict[str, str]] = {}  # of the elements of each array

    def check(self) -> None:
        """Ask for the partition, and for a test of the submission without submitting."""
        partition = self._options.partition
        known = _call("sinfo", "--noheader", "--format=%R").split()
        if partition and partition not in known:
            raise UserError(
                f"{CLUSTER}: slurm.partition: Slurm has no partition {partition}; it has "
                f"{', '.join(known) or 'none'}"
            )
        features = set(re.split(r"[\s,()&|]+", _call("sinfo", "--noheader", "--format=%f")))
        wanted = re.findall(r"[\w.+-]+", re.sub(r"\*\d+", "", self._options.constraint or ""))
        if lacking := [name for name in wanted if name not in features]:
            raise UserError(
                f"{CLUSTER}: slurm.constraint: no node has {', '.join(lacking)}; there are "
                f"{', '.join(sorted(features - {'', 'null'})) or 'no features'}"
            )
        # A controller that has just started refuses all jobs until its nodes have answered.
        waking = "unk" in _call("sinfo", "--noheader", "--format=%T")
        test = partial(self._sbatch, "test", "exit 0", "--test-only")
        try:
            patiently(test, "Slurm", limit=WAKING if waking else 0.0)
        except UserError as error:
            raise UserError(f"{CLUSTER}: slurm: Slurm would refuse the jobs: {error}") from None

    def is_here(self) -> bool:
        """Whether every node has an address of this machine."""
        addresses = set(_call("sinfo", "--noheader", "--Node", "--format=%o").split())
        mine = {"localhost", "127.0.0.1", socket.gethostname()}
        return bool(addresses) and addresses <= mine

    def submit(self, group: Group, tasks: Sequence[Task], avoid: Collection[str]) -> None:
        """Submit arrays, one if there are no more than Slurm's limit."""
        for first in range(0, len(tasks), _MOST):
            part = tasks[first : first + _MOST]
            limit = f"--array=0-{len(part) - 1}%{self._options.at_most}"
            self._sbatch(group.name, self._script(group, part), limit, *self._excluded(avoid))

    def live(self, group: Group) -> dict[str, Live]:
        """Of two elements with the same job, the running one.

        What Slurm could not launch it holds for an administrator; that is ended here, and so counts
        as lost. A job that waits only because the other nodes went down may use all nodes again.
        """
        asked = ("squeue", "--noheader", "--array", f"--name={group.name}", f"--format={_FORM}")
        found: dict[str, Live] = {}
        held = []
        for line in _call(*asked).splitlines():
            job, array, element, state, node, since, excluded, why = line.strip().split("|", 7)
            name = self._elements(array, job).get(element)
            if name is None or state in _ENDED:
                continue
            mark = f"{array}_{element}"
            if why.startswith("launch failed"):
                held.append(mark)
                continue
            if excluded.strip("(nul)") and why.startswith("ReqNodeNotAvail"):
                _call("scontrol", "update", f"JobId={mark}", "ExcNodeList=")
            going = RUNNING if state in _GOING else QUEUED
            if name not in found or going == RUNNING:
                found[name] = Live(going, node, since if going == RUNNING else "", mark)
        if held:
            _call("scancel", *held)
        return found

    def cancel(self, group: Group, names: Collection[str]) -> None:
        """End the elements of these jobs."""
        marks = [found.id for name, found in self.live(group).items() if name in names]
        if marks:
            _call("scancel", *marks)

    def _sbatch(self, name: str, body: str, *more: str) -> None:
        options = self._options
        given: dict[str, object] = {"partition": options.partition, "time": options.time}
        given |= {"mem": options.memory}
        given |= {"cpus-per-task": options.cpus, "constraint": options.constraint}
        given |= {"job-name": name, "export": "NIL", "chdir": "/", "output": "/dev/null"}
        words = [f"--{key}={value}" for key, value in given.items() if value is not None]
        _call("sbatch", "--parsable", "--requeue", *words, *more, body=f"#!/bin/bash -l\n{body}\n")

    def _script(self, group: Group, tasks: Sequence[Task]) -> str:
        """The script of an array, with a table from its elements to the jobs."""
        table = "".join(f"{i}) name={shlex.quote(task.name)} ;;\n" for i, task in enumerate(tasks))
        words = "".join(f"{i}) set -- {shlex.join(t.arguments)} ;;\n" for i, t in enumerate(tasks))
        case = 'case "$SLURM_ARRAY_TASK_ID" in\n'
        return (
            f'{case}{table}esac\n{case}{words}esac\nexport HARNESS_NODE="$SLURMD_NODENAME"\n'
            + script.logged(
                group.origin, group.name, group.cluster, self._options.setup, '"$name"', '"$@"'
            )
        )

    def _elements(self, array: str, job: str) -> dict[str, str]:
        """The jobs of an array by element, from its script; none if it has just ended."""
        if array not in self._names:
            try:
                text = _call("scontrol", "write", "batch_script", job, "-")
            except UserError:
                return {}
            found = {element: shlex.split(name)[0] for element, name in _ENTRY.findall(text)}
            self._names[array] = found
        return self._names[array]

    def _excluded(self, avoid: Collection[str]) -> list[str]:
        of = [f"--partition={self._options.partition}"] if self._options.partition else []
        lines = _call("sinfo", "--noheader", "--Node", "--format=%N|%T", *of).split()
        states = dict(line.split("|") for line in lines)
        every = {name for name in states if not states[name].startswith(_OUT)}
        bad = sorted(set(avoid) & every)
        return [f"--exclude={','.join(bad)}"] if bad and set(bad) < every else []


def _call(*command: str, body: str | None = None) -> str:
    """What a command of Slurm prints.

    Raises:
        UserError: it is not installed, gives no answer, or refuses.
    """
    try:
        done = subprocess.run(
            command, input=body, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except FileNotFoundError:
        raise UserError(
            f"{command[0]}: there is no such command; run this on a machine that submits to Slurm"
        ) from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]}: no answer from Slurm within {LIMIT} s") from None
    if done.returncode:
        said = reason(UserError(done.stderr or done.stdout)).removeprefix(f"{command[0]}: ")
        raise UserError(f"{command[0]}: {said}")
    return done.stdout
