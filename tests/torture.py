"""Kills a small pipeline again and again: `python tests/torture.py --kills 300 --seed 1`.

Stage, DVC, or both are killed, at a random moment or just before a random write, rename or removal
of a file by the stage or by DVC. The same command is then started again, as a user would, until it
ends well; every byte must then be that of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import compileall
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from small import Clone, outputs

from harness.core.errors import UserError
from harness.stages import dvc_file, lock_file
from harness.stages.hashing import digest

KINDS = ("stage", "DVC", "both")
# Killed processes are gone at once; what still lives after this is an orphan.
GONE = 5.0
# Kills in a row, after which a run is left alone, so that every round comes to its end.
IN_A_ROW = 40
# Writes to choose from where nobody counted them.
FEW = 36

# The programs that write: a stage, DVC for it, and what starts them.
WRITERS = ("harness.stages.run", "dvc", "harness.running.repro")

# Counts what a program does to files, as Python tells of it, and kills before the chosen one. In a
# run without a choice, it reports how many there are.
HOOK = """
import atexit, os, signal, sys
by = next((word for word in sys.orig_argv if word in WRITERS), None)
stages = [word.partition("@")[0] for word in sys.orig_argv]
aimed = os.environ.get("KILL_BY") == by and os.environ["KILL_IN"] in (*stages, by)
if by and (aimed or "KILL_COUNTS" in os.environ):
    done = [0]
    def hook(event, arguments):
        written = event == "open" and isinstance(arguments[2], int) and arguments[2] & (
            os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if not written and event not in ("os.rename", "os.remove", "os.mkdir"):
            return
        done[0] += 1
        if aimed and done[0] == int(os.environ["KILL_AT"]):
            with open("KILLED", "a") as file:
                place = str(arguments[0]).replace(os.getcwd() + "/", "")
                file.write(f"{event} {place} by {by}\\n")
            if by == "harness.stages.run":
                if os.environ["KILL_WHAT"] != "stage":
                    os.kill(os.getppid(), signal.SIGKILL)
                if os.environ["KILL_WHAT"] == "DVC":
                    return
            os.kill(os.getpid(), signal.SIGKILL)
    def report():
        with open(os.environ["KILL_COUNTS"], "a") as file:
            file.write(f"{by} {' '.join(stages)} {done[0]}\\n")
    if not aimed:
        atexit.register(report)
    sys.addaudithook(hook)
""".replace("WRITERS", repr(WRITERS))


@dataclass
class Tally:
    """What happened in all rounds."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    epochs: int = 0
    resumed: int = 0
    mismatches: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The figures as lines."""
        lines = [f"{sum(self.kills.values())} kills in {self.rounds} rounds"]
        lines += [f"  {stage:16} {kind:6} {n}" for (stage, kind), n in sorted(self.kills.items())]
        lines += [f"  at {place}: {n}" for place, n in self.places.most_common()]
        share = self.resumed / max(1, self.epochs + self.resumed)
        lines += [
            f"{self.epochs} epochs trained, {self.resumed} saved by going on ({share:.0%})",
            f"{len(self.mismatches)} mismatches{': ' if self.mismatches else ''}"
            + ", ".join(self.mismatches),
            f"{len(self.stuck)} runs that had to be mended by hand{''.join(self.stuck)}",
        ]
        return "\n".join(lines)


class Torture:
    """One small project, brought to its end under fire, round after round."""

    def __init__(self, folder: Path, fresh: Path, seed: int, jobs: int) -> None:
        """Nothing is run yet.

        Args:
            folder: to work in.
            fresh: a project in which no stage has run; every round begins with a copy of it.
        """
        self._folder, self._fresh, self._jobs = folder, fresh, jobs
        self._random = random.Random(seed)  # noqa: S311
        (folder / "hook").mkdir()
        (folder / "hook/sitecustomize.py").write_text(HOOK)
        self.tally = Tally()
        self._stages = dvc_file.stages(fresh)
        self.expected: dict[str, str] = {}
        # How often each writer writes for a stage.
        self.writes: Counter[tuple[str, str]] = Counter()
        # About what a stage takes, in seconds.
        self.typical = 10.0

    def undisturbed(self) -> None:
        """Run all stages once: what is expected, how long it takes, how many writes there are."""
        folder = self._begin("undisturbed")
        began = time.monotonic()
        counts = self._folder / "counts"
        code, text = self._run(folder, {"KILL_COUNTS": str(counts)}, None)
        if code:
            raise UserError(f"the undisturbed run failed:\n{text}")
        self.typical = (time.monotonic() - began) / len(self._stages) * self._jobs
        self.expected = outputs(folder)
        for line in counts.read_text().splitlines():
            by, *words, count = line.split()
            for word in words:
                self.writes[by, word] = max(self.writes[by, word], int(count))
        self.tally = Tally()
        shutil.rmtree(folder)

    def _begin(self, name: str) -> Path:
        shutil.rmtree(self._folder / name, ignore_errors=True)
        return Path(shutil.copytree(self._fresh, self._folder / name, symlinks=True))

    def round(self, most: int) -> None:
        """Kill `most` times at most on the way from nothing to the end; compare every byte."""
        folder = self._begin("round")
        in_a_row = 0
        while True:
            spared = not most or in_a_row >= IN_A_ROW
            environment, kill = ({}, None) if spared else self._plan(folder)
            before = sum(self.tally.kills.values())
            code, text = self._run(folder, environment, kill)
            killed = sum(self.tally.kills.values()) - before
            self.tally.epochs += len(re.findall(r"\| \w+: epoch \d+/", text))
            self.tally.resumed += sum(map(int, re.findall(r"resumes after epoch (\d+)", text)))
            if code == 0:
                break
            if not killed:
                self.tally.stuck.append(f"\n{text}")
                return
            most = max(0, most - killed)
            in_a_row = 0 if spared else in_a_row + 1
        self.tally.rounds += 1
        status = subprocess.run(
            [sys.executable, "-m", "dvc", "status", "-q"], cwd=folder, check=False
        )
        self.tally.mismatches += [
            path
            for path, md5 in self.expected.items()
            if not (folder / path).exists() or digest(folder / path) != md5
        ]
        if status.returncode:
            self.tally.mismatches.append("dvc status")

    def _plan(self, folder: Path) -> tuple[dict[str, str], tuple[float, str]]:
        """The environment that has a write hit, if one is; and when to hit at a random moment."""
        ready = {name.partition("@")[0] for name in self._ready(folder)}
        if not ready or self._random.random() < 0.5:
            return {}, (self._random.uniform(0.5, 1.6 * self.typical), self._random.choice(KINDS))
        # What comes next and was hit the least, as stages that take long are hit by themselves.
        aims = [(self.tally.kills[stage, kind], stage, kind) for stage in ready for kind in KINDS]
        least = min(aims)[0]
        _, stage, kind = self._random.choice(sorted(aim for aim in aims if aim[0] == least))
        by = "harness.stages.run"
        if kind == "DVC":
            # Its own writes come before and after those of the stage.
            by = self._random.choice(WRITERS)
            stage = by if by == "harness.running.repro" else stage
        at = self._random.randint(1, self.writes[by, stage] or FEW)
        # Where there are fewer writes than usual, as after going on, the moment comes later.
        return (
            {"KILL_AT": str(at), "KILL_WHAT": kind, "KILL_IN": stage, "KILL_BY": by},
            (self._random.uniform(1.5, 2.5) * self.typical, kind),
        )

    def _ready(self, folder: Path) -> list[str]:
        """The stages that are not recorded, and all that they wait for is."""
        recorded = lock_file.entries(folder).keys()
        writers = {out: name for name, stage in self._stages.items() for out in stage.outs}
        return [
            name
            for name, stage in self._stages.items()
            if name not in recorded
            and all(writers[dep] in recorded for dep in stage.deps if dep in writers)
        ]

    def _run(
        self, folder: Path, environment: dict[str, str], kill: tuple[float, str] | None
    ) -> tuple[int, str]:
        environment = {"PYTHONPATH": f"{self._folder / 'hook'}{os.pathsep}{folder}"} | environment
        with tempfile.TemporaryFile("w+") as output:
            run = subprocess.Popen(
                [sys.executable, "-m", "harness", "repro", "--jobs", str(self._jobs)],
                cwd=folder,
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            known: dict[int, psutil.Process] = {}
            due = time.monotonic() + kill[0] if kill else None
            while run.poll() is None:
                known |= {child.pid: child for child in _children(run.pid)}
                if kill and due and time.monotonic() > due:
                    due = None
                    self._kill(run.pid, kill[1], list(known.values()))
                time.sleep(0.05)
            _, alive = psutil.wait_procs(list(known.values()), timeout=GONE)
            if alive:
                self.tally.stuck.append(f"\norphans: {[process.cmdline() for process in alive]}")
            output.seek(0)
            text = output.read()
        report = folder / "KILLED"
        if report.exists():
            place = report.read_text().splitlines()[0]
            report.unlink()
            # Names that chance made count as one.
            place = re.sub(r"partial-\d+-\w+", "partial", place)
            place = re.sub(r"\b[0-9a-f]{30,}\b|(?<=/)\.?\w{8,22}(\.tmp)?(?= by)", "*", place)
            self.tally.places[place] += 1
            self.tally.kills[environment["KILL_IN"], environment["KILL_WHAT"]] += 1
        return run.returncode, text

    def _kill(self, root: int, kind: str, known: list[psutil.Process]) -> None:
        running = [(process, _stage_of(process)) for process in known]
        stages = [(process, name) for process, name in running if name]
        calls = [process for process, name in running if not name and _is_dvc(process)]
        name = self._random.choice(stages)[1] if stages else "between"
        doomed = []
        if kind != "stage":
            # Either the call of DVC for a stage, or the command that starts them.
            doomed += self._random.choice([calls, [psutil.Process(root)]])
        if kind != "DVC":
            doomed += [process for process, _ in stages]
        for process in doomed:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        if doomed:
            self.tally.kills[name.partition("@")[0], kind] += 1
            self.tally.places["a random moment"] += 1


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _stage_of(process: psutil.Process) -> str:
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    return words[words.index("harness.stages.run") + 1] if "harness.stages.run" in words else ""


def _is_dvc(process: psutil.Process) -> bool:
    try:
        return "dvc" in process.cmdline()
    except psutil.Error:
        return False


def project(folder: Path, backend: str) -> Path:
    """The project on small corpora, with epochs enough to be killed between them."""
    folder.mkdir()
    clone = Clone.made(folder)
    clone.set("train.backend", backend)
    for model in ("rnn", "lstm", "ae_lstm", "ae_bilstm"):
        clone.set(f"models.{model}.epochs", 6)
    clone.commit("more epochs")
    # So that no process is the one that compiles: the writes of each are always as many.
    compileall.compile_dir(folder, quiet=1)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--backend", choices=["tensorflow", "jax"], default="tensorflow")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        fresh = project(Path(name) / "fresh", arguments.backend)
        torture = Torture(Path(name), fresh, seed, arguments.jobs)
        torture.undisturbed()
        while (left := arguments.kills - sum(torture.tally.kills.values())) > 0:
            torture.round(min(left, 60))
            print(torture.tally.report(), flush=True)
            if torture.tally.stuck:
                break
    sys.exit(bool(torture.tally.mismatches or torture.tally.stuck))


if __name__ == "__main__":
    main()
