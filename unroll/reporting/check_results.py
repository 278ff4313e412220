"""Whether README.md and docs/ say what the committed metrics give: a part of `check-results`."""

from __future__ import annotations

import re

from harness.core.errors import UserError
from harness.core.files import read_json
from harness.core.yaml import read_yaml
from harness.experiments.sweep_file import DEFAULT, SWEEP
from harness.experiments.sweep_report import TABLE
from unroll.core import paths
from unroll.reporting import cards, judged, readme


def mismatches() -> list[str]:
    """A line for each file that has to be written again, with the command for it."""
    return [*_written(), *_sweep()]


def _written() -> list[str]:
    text = readme.README.read_text("utf-8")
    try:
        wanted = {readme.README: readme.filled(text), **cards.cards(), **judged.pages()}
    except UserError as error:
        return [str(error)]
    found = {readme.README, *cards.FOLDER.glob("*.md")}
    lines = [
        f"{path}: not what metrics/ and dvc.lock give; run `unroll readme`"
        for path, content in wanted.items()
        if not path.exists() or path.read_text("utf-8") != content
    ]
    return lines + [f"{path}: a card of no model; delete it" for path in found - set(wanted)]


def _sweep() -> list[str]:
    """The sweep starts from the committed results, and README.md quotes it."""
    table = TABLE.read_text("utf-8")
    model = read_yaml(SWEEP)["stage"].partition("@")[2]
    start = f"| `{DEFAULT}` | {read_json(paths.metrics(model))['auc']:.4f} ("
    lines = [] if start in table else [f"{TABLE}: not of these results; run `unroll sweep`"]
    advice = re.findall(r"Of the chapter's advice.*?\n\n", readme.README.read_text("utf-8"), re.S)
    quoted = re.findall(r"0\.\d{4}", "".join(advice))
    lost = ", ".join(number for number in quoted if number not in table)
    return lines + ([f"{readme.README}: quotes {lost}, which {TABLE} has not"] if lost else [])
