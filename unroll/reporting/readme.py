"""The results table of README.md, made from `metrics/`: `unroll readme`."""

from __future__ import annotations

import re
from pathlib import Path

from harness.core.errors import UserError
from harness.core.files import read_json, write_text
from harness.reporting import labels, markdown
from unroll.core import paths
from unroll.core.tasks import MANY, REBUILD, TWO
from unroll.reporting import trained

README = Path("README.md")
BEGIN, END = "<!-- results: `unroll readme` -->", "<!-- end of results -->"

# What the chapter prints for its own runs: P. Rivas, Deep Learning for Beginners (Packt, 2020),
# chapter 13. AUC and balanced accuracy on the test reviews; loss on the test images.
CHAPTER = {
    "rnn": {"auc": "0.92", "balanced_accuracy": "0.8382"},
    "lstm": {"auc": "0.93", "balanced_accuracy": "0.8544"},
    "ae_lstm": {"loss": "0.1782"},
    "ae_bilstm": {"loss": "0.1161"},
}


# What is said of any other model.
MAIN = {TWO: "auc", MANY: "accuracy", REBUILD: "loss"}


def table() -> str:
    """The results of the chapter's models beside the chapter's, then those of others, as Markdown.

    Raises:
        UserError: the metrics of a model are missing.
    """
    rows, names, corpora = [], labels.read()["metrics"], trained.corpora()
    for model in sorted(corpora, key=lambda model: model not in CHAPTER):
        ours = read_json(paths.metrics(model))
        for name, theirs in CHAPTER.get(model, {MAIN[trained.task_of(ours)]: ""}).items():
            shown = f"**{ours[name]:.4f}**"
            if interval := ours.get(f"{name}_interval"):
                shown += f" ({interval['low']:.4f} to {interval['high']:.4f})"
            place = f"`{model}`" + f" on `{corpora[model]}`" * (not theirs)
            rows.append((place, names[name]["label"], shown, theirs))
    head = ("model", "metric on the test set", "Unroll (95% interval)", "chapter")
    return markdown.table(head, rows)


def filled(readme: str) -> str:
    """The text of the README with the table between its marks.

    Raises:
        UserError: the marks are not there.
    """
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    text, count = re.subn(pattern, f"{BEGIN}\n{table()}\n{END}", readme, flags=re.DOTALL)
    if count != 1:
        raise UserError(f"{README}: expected the lines {BEGIN!r} and {END!r} once")
    return text


def main() -> None:
    """Write the table into the README."""
    write_text(README, filled(README.read_text("utf-8")))
