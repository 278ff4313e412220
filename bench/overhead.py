"""What the pipeline costs beside its work: doing nothing, starting, importing."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from pathlib import Path

from bench.measure import ROOT, cost, project, python, spread, table

STAGES = ("fetch", "preprocess", "plot", "train_rnn", "train_ae", "evaluate")


def bare(folder: Path, stages: int) -> Path:
    """A DVC project with as many stages that do nothing, brought up to date."""
    folder.mkdir()
    lines = ["stages:"]
    for i in range(stages):
        lines += [f"  s{i}:", f"    cmd: echo {i} > s{i}.out", f"    outs: [s{i}.out]"]
        lines += [f"    deps: [s{i - 1}.out]"] if i else []
    (folder / "dvc.yaml").write_text("\n".join(lines) + "\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    for command in (["init", "-q"], ["repro", "-q"]):
        subprocess.run(python("-m", "dvc", *command), cwd=folder, check=True)
    return folder


def report(times: int = 5) -> str:
    """The costs as Markdown."""
    with tempfile.TemporaryDirectory() as name:
        ours = project(Path(name) / "ours")
        subprocess.run(
            python("-m", "dvc", "-q", "config", "cache.dir", str(ROOT / ".dvc/cache")),
            cwd=ours,
            check=True,
        )
        subprocess.run(python("-m", "dvc", "checkout", "--quiet", "--force"), cwd=ours, check=True)
        theirs = bare(Path(name) / "bare", 16)
        seconds: dict[tuple[str, str], list[float]] = {}
        for _ in range(times):
            for project_name, folder in (("Unroll", ours), ("bare DVC, 16 stages", theirs)):
                for verb in ("repro", "status"):
                    took = cost(python("-m", "dvc", verb), folder).seconds
                    seconds.setdefault((verb, project_name), []).append(took)
        rows = [[f"`dvc {verb}`", who, spread(values)] for (verb, who), values in seconds.items()]
        ratio = statistics.median(seconds["repro", "Unroll"]) / statistics.median(
            seconds["repro", "bare DVC, 16 stages"]
        )
        imports = []
        for stage in STAGES:
            command = python("-c", f"import unroll.stage, stages.{stage}")
            values = [cost(command, ours).seconds for _ in range(3)]
            imports.append([f"`{stage}`", spread(values)])
    return "\n\n".join(
        [
            f"Nothing to do: {ratio:.2f} times bare DVC's.",
            table(["command", "project", "seconds"], rows),
            table(["stage", "seconds to start and import"], imports),
        ]
    )
