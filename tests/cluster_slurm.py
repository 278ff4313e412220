"""A real Slurm cluster on this machine, from Debian's packages `slurm-wlm` and `munge`."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from cluster_base import Cluster, free_port

# Daemons are not on the PATH of every user.
PATH = f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
PARTITION = "main"
CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
# A job that lost its node waits until its credential has expired.
AuthInfo=socket={folder}/munge/socket,cred_expire=5
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
# In seconds: a node that is silent for so long is down; a job has so long to end when it is asked
# to, and so long to begin before it counts as missing from its node.
SlurmdTimeout=5
KillWait=2
BatchStartTimeout=2
MessageTimeout=5
SchedulerParameters=sched_interval=2,batch_sched_delay=1
PartitionName={partition} Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=4000 "
    "Feature=small\n"
)


def program(name: str) -> str:
    """The path of a program of Slurm; an empty text if there is none."""
    return shutil.which(name, path=PATH) or ""


class Slurm(Cluster):
    """The controller with munge, and a `slurmd` for each node."""

    engine = "slurm"
    variable = "SLURMD_NODENAME"  # which Slurm sets in every job

    def __init__(self, folder: Path, nodes: int) -> None:
        super().__init__(folder, nodes)
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(mode=0o755, exist_ok=True)
        key = self.folder / "munge/key"
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secrets.token_bytes(128))
        host = socket.gethostname().partition(".")[0]
        text = CONF.format(
            host=host,
            port=free_port(),
            folder=self.folder,
            user=getpass.getuser(),
            partition=PARTITION,
        )
        for name in self.nodes:
            text += NODE.format(name=name, host=host, port=free_port())
        conf = self.folder / "slurm.conf"
        conf.write_text(text)
        self.environment = {"SLURM_CONF": str(conf)}
        self._daemons = os.environ | self.environment
        munge = self.folder / "munge"
        files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log"}
        options = [f"--{option}={munge / name}" for option, name in files.items()]
        command = [program("munged"), "--foreground", "--force", *options]
        self.start("munge", [*command, f"--seed-file={munge / 'seed'}"], dict(self._daemons))
        self.wait("munge", (munge / "socket").exists)

    def start_head(self) -> None:
        self.start("head", [program("slurmctld"), "-D"], dict(self._daemons))
        self.wait("the controller", lambda: "UP" in self._said("scontrol", "ping"))

    def kill_head(self) -> None:
        for daemon in self.daemons.pop("head"):
            daemon.kill()
            daemon.end()

    def launch_node(self, name: str) -> None:
        self.start(name, [program("slurmd"), "-D", "-N", name], dict(self._daemons))

    def is_up(self, name: str) -> bool:
        return self.state(name) in ("idle", "mixed", "allocated")

    def kill_node(self, name: str, jobs: bool = True) -> None:
        for daemon in self.daemons[name]:
            daemon.kill(() if jobs else ("slurmd", "slurmstepd"))

    def resume(self) -> int:
        down = self._said("sinfo", "--noheader", "--Node", "--states=drain", "--format=%N").split()
        for name in down:
            self._said("scontrol", "update", f"NodeName={name}", "State=RESUME")
        return len(down)

    def cancel_one(self) -> str:
        asked = ("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%F_%K")
        found = self._said(*asked).split()
        self._said("scancel", *found[:1])
        return found[0] if found else ""

    def state(self, name: str) -> str:
        """What the controller says of a node, such as `idle`, `down`, `down*` if silent."""
        return self._said("sinfo", "--noheader", "--nodes", name, "--format", "%T").strip()

    def _said(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout
