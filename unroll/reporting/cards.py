"""A card for each model, docs/models/NAME.md: `unroll readme` writes them.

A card is made of what is in git: the metrics and plot data, and the record in `dvc.lock` of the
parameters and packages that the model was trained with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.core.errors import UserError
from harness.core.files import read_json, write_text
from harness.core.paths import LOCK, PIPELINE
from harness.core.yaml import read_yaml
from harness.reporting import labels, markdown
from harness.stages import lock_file
from unroll.core import paths
from unroll.predicting.verdicts import ranges
from unroll.reporting.card_texts import AUTOENCODER, CLASSIFIER
from unroll.reporting.readme import CHAPTER

FOLDER = Path("docs/models")
# The best that needs no model: a coin for reviews; for images the mean of the training images,
# whose error on the test images tests/test_cards.py measures again.
BASELINE = {
    "classifier": {"auc": 0.5, "balanced_accuracy": 0.5},
    "autoencoder": {"loss": 0.2625, "mse": 0.0675},
}
VALIDATION = {"holdout": "a part of the training split", "book": "the test split, as the chapter"}


def cards() -> dict[Path, str]:
    """The text of each card by its path, one for each model among the artifacts of `dvc.yaml`.

    Raises:
        UserError: `dvc.lock` records no training of one, or its metrics are missing.
    """
    artifacts = read_yaml(PIPELINE).get("artifacts", {})
    return {
        FOLDER / f"{Path(entry['path']).name}.md": _card(name, entry)
        for name, entry in artifacts.items()
        if entry.get("type") == "model"
    }


def _card(artifact: str, entry: dict[str, Any]) -> str:
    model = Path(entry["path"]).name
    metrics = read_json(paths.metrics(model))
    values = metrics | {
        "model": model,
        "artifact": artifact,
        "training": _training(model, entry["path"]),
    }
    if "auc" in metrics:
        text, kind = CLASSIFIER, "classifier"
        values["positives"] = metrics["confusion"]["tp"] + metrics["confusion"]["fn"]
        values["wordings"] = wordings(model, metrics)
    else:
        text, kind = AUTOENCODER, "autoencoder"
        values["digits"] = _per_digit(metrics)
    values["metrics"] = _metrics(model, metrics, BASELINE[kind])
    return (
        "<!-- Written by `unroll readme` from metrics/, plots/ and dvc.lock. -->\n\n"
        f"# {model}\n\n{entry['desc']}.\n\n{text.format(**values)}"
    )


def _metrics(model: str, metrics: dict[str, Any], baseline: dict[str, float]) -> str:
    rows = []
    for name, label in labels.read()["metrics"].items():
        if name not in metrics or "better" not in label:
            continue
        interval = metrics.get(f"{name}_interval")
        rows.append(
            (
                label["label"],
                f"**{markdown.shown(metrics[name])}**",
                f"{interval['low']:.4f} to {interval['high']:.4f}" if interval else "",
                f"{baseline[name]:.4f}" if name in baseline else "",
                CHAPTER.get(model, {}).get(name, ""),
            )
        )
    return markdown.table(
        ("metric", "this model", "95% interval", "without a model", "chapter"), rows
    )


def wordings(model: str, metrics: dict[str, Any]) -> str:
    """How often each wording of `unroll predict` is right, from the ROC curve's points."""
    confusion = metrics["confusion"]
    positives, negatives = confusion["tp"] + confusion["fn"], confusion["tn"] + confusion["fp"]
    roc = pd.read_csv(paths.points(model) / "roc.csv")[::-1]
    words, lowest = zip(*ranges(metrics["threshold"]), strict=True)
    positive, negative = (
        np.diff(np.rint(np.interp(lowest, roc.threshold, rate) * count), prepend=0)
        for rate, count in ((roc.tpr, positives), (roc.fpr, negatives))
    )
    rows = []
    for i, wording in enumerate(words):
        total = positive[i] + negative[i]
        right = (positive if wording.endswith("positive") else negative)[i]
        rows.append(
            (
                wording,
                f"{lowest[i]:.2f} to {lowest[i - 1] if i else 1:.2f}",
                f"{total / (positives + negatives):.0%}",
                f"{right / total:.0%}" if total else "",
            )
        )
    return markdown.table(("wording", "probability", "share of the reviews", "right"), rows)


def _per_digit(metrics: dict[str, Any]) -> str:
    digits = pd.DataFrame(metrics["per_digit"])
    rows = [
        (label, *(f"{value:.3f}" for value in digits.loc[name]))
        for name, label in (("loss", "loss"), ("mse", "mean squared error"))
    ]
    return markdown.table(("digit", *digits), rows)


def _training(model: str, path: str) -> str:
    """What `dvc.lock` records of the run that wrote the model.

    Raises:
        UserError: it records none.
    """
    runs = lock_file.entries().items()
    found = [(s, e, out) for s, e in runs for out in e["outs"] if out["path"] == path]
    if not found:
        raise UserError(f"{LOCK}: records no run that wrote {path}; run `unroll repro`")
    [(stage, entry, out)] = found
    params, packages = entry["params"]["params.yaml"], entry["params"]["versions.yaml"]
    settings = params[f"models.{model}"] | params["train"]
    backend, protocol = settings["backend"], params["protocol"]
    curves = pd.read_csv(paths.curves(model), index_col="epoch").val_loss
    lines = (
        f"Stage `{stage}`, seed {params['seed']}; Keras {packages['keras']} on {backend} "
        f"{packages[backend]}.",
        f"Validated on {VALIDATION[protocol]} (protocol {protocol}): {len(curves)} epochs, the "
        f"weights of epoch {curves.idxmin()} kept, validation loss {curves.min():.4f}.",
        f"Settings: {_listed(settings)}.",
        f"Recorded in `dvc.lock` as `{path}`, MD5 `{out['md5']}`, {out['size'] / 1e6:.1f} MB.",
    )
    return "\n".join(f"- {line}" for line in lines)


def _listed(settings: dict[str, Any]) -> str:
    """Names and values; of a section, such as the optimizer, its name and the rest in brackets."""
    parts = []
    for name, value in settings.items():
        if isinstance(value, dict):
            rest = _listed({key: entry for key, entry in value.items() if key != "name"})
            parts.append(f"{name} {value['name']} ({rest})")
        else:
            parts.append(f"{name} {value}")
    return ", ".join(parts)


def main() -> None:
    """Write all cards."""
    for path, text in cards().items():
        write_text(path, text)
