"""Time to quality: the chapter's recipe against the pipeline, both from prepared data."""

from __future__ import annotations

import json
import statistics
import tempfile
from itertools import pairwise
from pathlib import Path

from bench.measure import ROOT, Cost, cost, project, python, table

# The chapter's own runs (P. Rivas, 2020): epochs until its early stop, figures on the test set.
EPOCHS = {"rnn": 9, "lstm": 9, "ae_lstm": 131, "ae_bilstm": 88}
FIGURE = {"rnn": "auc", "lstm": "auc", "ae_lstm": "loss", "ae_bilstm": "loss"}
CHAPTER = {"rnn": 0.92, "lstm": 0.93, "ae_lstm": 0.1782, "ae_bilstm": 0.1161}
STAGES = ("train-rnn", "train-lstm", "train-ae@lstm", "train-ae@bilstm")


def chapter(model: str, full: bool, short_epochs: int) -> tuple[float, float, float | None, int]:
    """Seconds, processor seconds, test figure and epochs of the chapter's recipe for one model.

    In the short mode a few epochs are run and the rest extrapolated to the chapter's own number of
    epochs, and there is no figure.
    """
    command = python("-m", "bench.chapter", model, *([] if full else [str(short_epochs)]))
    lines = [json.loads(line) for _, line in cost(command, ROOT).lines if line.startswith("{")]
    epochs, end = lines[:-1], lines[-1]
    if full:
        return end["seconds"], end["cpu"], end[FIGURE[model]], len(epochs)

    def extrapolated(clock: str) -> float:
        # The first epoch also compiles; the others tell what an epoch costs.
        steps = [b[clock] - a[clock] for a, b in pairwise(epochs)]
        return epochs[0][clock] + statistics.median(steps) * (EPOCHS[model] - 1)

    return extrapolated("seconds"), extrapolated("cpu"), None, EPOCHS[model]


def pipeline(folder: Path, backend: str, jobs: int) -> tuple[Cost, dict[str, float]]:
    """All training and evaluation stages from prepared data, and the test figures."""
    # Patience plays no part in the default schedule, but makes every training stage outdated.
    changes = {f"models__{model}__patience": 999 for model in EPOCHS}
    clone = project(folder, train__backend=backend, **changes)
    spent = cost(python("-m", "unroll.repro", "--jobs", str(jobs)), clone)
    figures = {
        model: json.loads((clone / f"metrics/{model}.json").read_text())[FIGURE[model]]
        for model in EPOCHS
    }
    return spent, figures


def report(full: bool, short_epochs: int = 3) -> str:
    """The comparison as Markdown."""
    columns: list[tuple[str, Cost, dict[str, float]]] = []
    references = {}
    # Alternating, so that a slow spell of the machine does not hit one side alone.
    for backend, models in (("tensorflow", ("rnn", "ae_lstm")), ("jax", ("lstm", "ae_bilstm"))):
        for model in models:
            references[model] = chapter(model, full, short_epochs)
        with tempfile.TemporaryDirectory() as folder:
            columns.append((backend, *pipeline(Path(folder) / "clone", backend, 2)))
    seconds = sum(reference[0] for reference in references.values())
    cpu = sum(reference[1] for reference in references.values())
    note = "" if full else " (extrapolated)"
    rows = [[f"chapter's recipe{note}", f"{seconds:.0f}", f"{cpu:.0f}", "1"]]
    rows += [
        [f"Unroll, {name}", f"{c.seconds:.0f}", f"{c.cpu:.0f}", f"**{seconds / c.seconds:.1f}**"]
        for name, c, _ in columns
    ]
    totals = table(["all four models", "seconds", "processor seconds", "times faster"], rows)
    rows = []
    for model, (wall, _, figure, epochs) in references.items():
        rows.append(
            [
                f"`{model}`",
                FIGURE[model],
                f"{wall:.0f}{note}",
                str(epochs),
                f"{CHAPTER[model]}",
                "not run" if figure is None else f"{figure:.4f}",
                *(f"{figures[model]:.4f}" for _, _, figures in columns),
            ]
        )
    head = ["model", "test figure", "chapter's recipe, s", "epochs", "chapter", "recipe here"]
    head += [f"Unroll, {name}" for name, _, _ in columns]
    stages = []
    for name, spent, _ in columns:
        for stage in STAGES:
            clocks = [second for second, line in spent.lines if line.startswith(f"{stage} ")]
            took = max(clocks) - min(clocks)
            stages.append([f"`{stage}`, {name}", f"{min(clocks):.0f}", f"{took:.0f}"])
    return "\n\n".join(
        [totals, table(head, rows), table(["stage", "begins at second", "seconds"], stages)]
    )
