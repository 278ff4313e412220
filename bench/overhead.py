"""What the pipeline costs beside its work: doing nothing, starting, importing."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from bench.measure import ROOT, cost, project, python, spread
from harness.core.yaml import read_yaml
from harness.reporting.markdown import table

STAGES = (
    "fetch@imdb",
    "preprocess@imdb",
    "plot@lstm",
    "train-rnn@rnn",
    "train-ae@ae_lstm",
    "evaluate@lstm",
)

# What a stage imports and makes ready before its script's own work; its checks are timed below.
START = """
import sys
from harness.stages import run
from harness.stages.run import declared
run.main_of(sys.argv[1], declared(sys.argv[1]))
"""

# Runs one stage as the pipeline does, and times what makes its result safe.
GUARDED = """
import json, sys, time
from harness.stages import checks, hashing, lock_file
from unroll.schema import corpora as pins
from unroll.schema import params as schema
from harness.stages import run
from harness.stages import versions
from unroll.training import checkpoints

spent, depth = 0.0, 0

def time_calls(owner, name):
    function = getattr(owner, name)
    def timed(*arguments):
        global spent, depth
        depth += 1
        begin = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            depth -= 1
            spent += (not depth) * (time.perf_counter() - begin)
    setattr(owner, name, timed)

for owner in (schema, pins, versions):
    time_calls(owner, "check")
for owner, name in (
    (hashing, "digests"), (hashing, "fingerprint"), (lock_file, "is_recorded"),
    (checks, "verify"), (checks, "unchanged"),
):
    time_calls(owner, name)
for name in ("save", "newest"):
    time_calls(checkpoints.Checkpoints, name)
begin = time.perf_counter()
run.main(sys.argv[1], sys.argv[2:])
print(json.dumps([spent, time.perf_counter() - begin]))
"""
GUARDED_STAGES = (
    *(["fetch@imdb"], ["preprocess@imdb"], ["train-rnn@rnn"], ["train-ae@ae_bilstm"]),
    *(["evaluate@lstm", "imdb"], ["plot@lstm", "imdb"]),
)


def bare(folder: Path, stages: int, deps: int = 0) -> Path:
    """A DVC project of stages that do nothing, brought up to date.

    Args:
        deps: how many files each stage depends on, beside the output of the stage before.
    """
    folder.mkdir()
    names = [f"{i}.txt" for i in range(deps)]
    for name in names:
        (folder / name).write_text(name)
    lines = ["stages:"]
    for i in range(stages):
        read = [*names, *([f"s{i - 1}.out"] if i else [])]
        lines += [f"  s{i}:", f"    cmd: echo {i} > s{i}.out", f"    outs: [s{i}.out]"]
        lines += [f"    deps: [{', '.join(read)}]"]
    (folder / "dvc.yaml").write_text("\n".join(lines) + "\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    for command in (["init", "-q"], ["repro", "-q"]):
        subprocess.run(python("-m", "dvc", *command), cwd=folder, check=True)
    return folder


def report(times: int = 9) -> str:
    """The costs as Markdown."""
    with tempfile.TemporaryDirectory() as name:
        ours = project(Path(name) / "ours")
        subprocess.run(
            python("-m", "dvc", "-q", "config", "cache.dir", str(ROOT / ".dvc/cache")),
            cwd=ours,
            check=True,
        )
        subprocess.run(python("-m", "dvc", "checkout", "--quiet", "--force"), cwd=ours, check=True)
        stages = read_yaml(ours / "dvc.lock")["stages"].values()
        deps = round(statistics.mean(len(stage["deps"]) for stage in stages))
        projects = {
            "Unroll": ours,
            f"bare DVC, {len(stages)} stages": bare(Path(name) / "bare", len(stages)),
            f"bare DVC, {len(stages)} stages of {deps} dependencies each": bare(
                Path(name) / "files", len(stages), deps
            ),
        }
        seconds: dict[tuple[str, str], list[float]] = {}
        for _ in range(times):
            for who, folder in projects.items():
                for verb in ("repro", "status"):
                    took = cost(python("-m", "dvc", verb), folder).seconds
                    seconds.setdefault((verb, who), []).append(took)
        rows = [[f"`dvc {verb}`", who, spread(values)] for (verb, who), values in seconds.items()]
        own, *others = (statistics.median(seconds["repro", who]) for who in projects)
        ratios = [own / other for other in others]
        imports = []
        for stage in STAGES:
            values = [cost(python("-c", START, stage), ours).seconds for _ in range(5)]
            imports.append([f"`{stage}`", spread(values)])
        safety = []
        for stage, *arguments in GUARDED_STAGES:
            *_, (_, line) = cost(python("-c", GUARDED, stage, *arguments), ours).lines
            spent, whole = json.loads(line)
            numbers = [f"{spent:.2f}", f"{whole:.1f}", f"{spent / whole:.1%}"]
            safety.append([f"`{stage}`", *numbers])
    return "\n\n".join(
        [
            f"Nothing to do: `dvc repro` takes {ratios[0]:.2f} times what it does with as many "
            f"stages that depend on each other alone, {ratios[1]:.2f} times what it does where "
            "each also declares as many dependencies as ours do on the average.",
            table(["command", "project", "seconds"], rows),
            table(["stage", "seconds to start and import"], imports),
            "What makes a result safe: checks, digests before and after, a checkpoint an epoch.",
            table(["stage", "seconds for safety", "seconds in all", "share"], safety),
        ]
    )
