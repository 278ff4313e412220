"""The tables of a model card: metrics beside those of a baseline, wordings, classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from harness.core.files import read_json
from harness.reporting import labels, markdown
from unroll.core import paths
from unroll.predicting.wordings import ranges
from unroll.reporting.standings import CHAPTER, SHOWN
from unroll.reporting.trained import task_of

# Classes in a table; of more, the smallest are left out.
MOST = 30


def of_metrics(model: str, metrics: dict[str, Any], corpus: str) -> str:
    """The metrics that are better or worse; a column that has nothing to say is left out."""
    [baseline] = metrics["beside"]
    rows, theirs = [], read_json(paths.baseline_metrics(corpus))[baseline]
    for name, label in labels.read()["metrics"].items():
        if name not in metrics or "better" not in label:
            continue
        interval = metrics.get(f"{name}_interval")
        rows.append(
            (
                label["label"],
                f"**{markdown.shown(metrics[name])}**",
                f"{interval['low']:.4f} to {interval['high']:.4f}" if interval else "",
                markdown.shown(theirs[name]) if name in theirs else "",
                CHAPTER.get(model, {}).get(name, ""),
            )
        )
    head = ("metric", "this model", "95% interval", f"`{baseline}`", "chapter")
    columns = [c for c in zip(head, *rows, strict=True) if any(c[1:])]
    first, *others = zip(*columns, strict=True)
    return markdown.table(first, others)


def of_baselines(metrics: dict[str, Any], corpus: str) -> str:
    """What the baselines of a corpus reach in the task of a model, the best first."""
    known, task = labels.read()["metrics"], task_of(metrics)
    first, *_ = shown = SHOWN[task]
    sign = -1 if known[first]["better"] == "higher" else 1
    every = read_json(paths.baseline_metrics(corpus))
    own = [name for name in every if task_of(every[name]) == task]
    rows = [
        (f"`{name}`", *(f"{every[name][metric]:.4f}" for metric in shown))
        for name in sorted(own, key=lambda name: sign * every[name][first])
    ]
    return markdown.table(("baseline", *(known[metric]["label"] for metric in shown)), rows)


def wordings(model: str, metrics: dict[str, Any], classes: tuple[str, str], rows: str) -> str:
    """How often each wording of `unroll predict` is right, from the ROC curve's points."""
    confusion = metrics["confusion"]
    positives, negatives = confusion["tp"] + confusion["fn"], confusion["tn"] + confusion["fp"]
    roc = pd.read_csv(paths.points(model) / "roc.csv")[::-1]
    words, called, lowest = zip(*ranges(metrics["threshold"], classes), strict=True)
    positive, negative = (
        np.diff(np.rint(np.interp(lowest, roc.threshold, rate) * count), prepend=0)
        for rate, count in ((roc.tpr, positives), (roc.fpr, negatives))
    )
    lines = []
    for i, wording in enumerate(words):
        total = positive[i] + negative[i]
        right = (positive if called[i] == classes[1] else negative)[i]
        lines.append(
            (
                wording,
                f"{lowest[i]:.2f} to {lowest[i - 1] if i else 1:.2f}",
                f"{total / (positives + negatives):.0%}",
                f"{right / total:.0%}" if total else "",
            )
        )
    return markdown.table(("wording", "probability", f"share of the {rows}", "right"), lines)


def of_classes(classes: dict[str, dict[str, float]], rows: str, label: str) -> str:
    """The metrics of each class, those of the most test rows first."""
    kept = sorted(classes, key=lambda name: -classes[name].get("rows", 0))[:MOST]
    columns = list(dict.fromkeys(name for of in classes.values() for name in of))
    known = labels.read()["metrics"] | {"rows": {"label": f"test {rows}"}}
    head = (label, *(known.get(name, {}).get("label", name) for name in columns))
    lines = [(name, *(_cell(classes[name].get(column)) for column in columns)) for name in kept]
    table = markdown.table(head, lines, numbers=range(1, len(head)))
    more = len(classes) - len(kept)
    return table + (f"\n\n{more} smaller ones are in `metrics/`." if more else "")


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else markdown.shown(value)
