"""Projects with results, and the pages and reports of them, all made in this process."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import made_up
from conftest import output_of
from dvc.cli import main as dvc
from dvc.repo import Repo
from PIL import Image

from harness.core.files import read_json
from harness.core.metrics_table import COLUMNS, rows
from harness.reporting import page, report

# By model and metric, with the verdict on it; with the metric its interval moves along.
CHANGES = {
    ("rnn", "auc"): (0.0007, "intervals overlap, unpaired"),
    ("rnn", "balanced_accuracy"): (-0.02, "worse, unpaired"),
    ("rnn", "loss"): (0.01, "worse without interval"),
    ("ae_lstm", "loss"): (-0.01, "better without interval"),
    ("lstm", "auc_interval.high"): (0.0001, "interval changed"),
}


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    return output_of(("git", *identity, *words), folder, {}, 0)


def commit(folder: Path) -> Path:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "results")
    return folder


def results(folder: Path) -> Path:
    """A repository of the project with made-up results, committed."""
    return commit(made_up.results(folder))


def changed(folder: Path) -> Path:
    """The same after a change of parameters, as it were: of two models, and of one interval."""
    _edit(folder / "params.yaml", r"(?<=units: )\d+", "7")
    _edit(folder / "plots/curves/rnn.csv", r"(?<=\n1,)[^,]+", "0.7")
    path = folder / "metrics/tickets_gru.json"
    content = read_json(path)
    content["confusion"]["bills 1"]["vat 1"] += 1
    path.write_text(json.dumps(content))
    for (model, name), (change, _) in CHANGES.items():
        path = folder / f"metrics/{model}.json"
        content = read_json(path)
        for place in (name, f"{name}_interval.low", f"{name}_interval.high"):
            group = content
            *above, key = place.split(".")
            for part in above:
                group = group.get(part, {})
            if key in group:
                group[key] = round(group[key] + change, 4)
        path.write_text(json.dumps(content))
        table = "\n".join(",".join(map(str, row)) for row in [COLUMNS, *rows(model, content)])
        (folder / f"plots/points/{model}/figures.csv").write_text(table + "\n")
    pictures = folder / "plots/figures"
    shutil.copyfile(pictures / "ae_bilstm/examples.png", pictures / "ae_lstm/examples.png")
    return folder


def foreign(folder: Path) -> Path:
    """A DVC project with nothing of ours, committed, then changed."""
    Repo.init(str(folder), no_scm=True).close()
    pipeline: dict[str, Any] = {
        "params": ["params.yaml"],
        "metrics": ["scores.json", "old/scores.json"],
        "plots": ["curve.csv", "drawn.png"],
    }
    (folder / "dvc.yaml").write_text(json.dumps(pipeline))
    (folder / ".dvc/config").write_text("")  # with git, as usual
    (folder / "old").mkdir()
    for n in (3, 4):
        (folder / "params.yaml").write_text(f"n: {n}\n")
        for name in pipeline["metrics"]:
            (folder / name).write_text(json.dumps({"hits": n, "of": {"first": n / 8}}))
        (folder / "curve.csv").write_text(f"step,height\n0,0\n1,{n}\n")
        Image.new("RGB", (64, 48), (20 * n, 99, 99)).save(folder / "drawn.png")
        if n == 3:
            commit(folder)
    return folder


def plots(folder: Path, kind: str, *words: str) -> Path:
    """The page of `dvc plots WORDS`."""
    with chdir(folder):
        assert dvc(["plots", *words, "-o", f"pages/{kind}", "-q"]) == 0
    return folder / f"pages/{kind}/index.html"


def set_up(folder: Path) -> None:
    with chdir(folder):
        page.main()


def report_of(folder: Path, kind: str = "report", revision: str = "main") -> Path:
    """The report as HTML, that in Markdown beside it."""
    with chdir(folder):
        report.main(revision)
        shutil.move("report", f"pages/{kind}")
    return folder / f"pages/{kind}/report.html"


def _edit(path: Path, pattern: str, text: str) -> None:
    """Put `text` in the place of the first match."""
    content, count = re.subn(pattern, text, path.read_text(), count=1)
    assert count
    path.write_text(content)
