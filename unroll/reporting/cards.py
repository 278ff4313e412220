"""A card for each model, docs/models/NAME.md: `unroll readme` writes them.

A card is made of what is in git: the figures in `metrics/` and `plots/points/`, and the record in
`dvc.lock` of the parameters and packages that the model was trained with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import UserError
from harness.core.files import read_json, write_text
from harness.core.paths import LOCK, PIPELINE
from harness.core.yaml import read_yaml
from harness.reporting import markdown
from harness.stages import lock_file
from unroll.core import paths
from unroll.core.arrays import read_columns
from unroll.predicting.verdicts import ranges
from unroll.reporting import card_texts
from unroll.reporting.readme import CHAPTER, NAMES

FOLDER = Path("docs/models")
# The best that needs no model: a coin for reviews; for images the mean of the training images,
# whose error on the test images tests/test_cards.py measures again.
BASELINE = {"auc": 0.5, "balanced_accuracy": 0.5, "loss": 0.2625, "mse": 0.0675}


def cards() -> dict[Path, str]:
    """The text of each card by its path, one for each model among the artifacts of `dvc.yaml`.

    Raises:
        UserError: `dvc.lock` records no training of one, or a table or figure is missing.
    """
    artifacts = read_yaml(PIPELINE).get("artifacts", {})
    return {
        FOLDER / f"{Path(entry['path']).name}.md": _card(name, entry)
        for name, entry in artifacts.items()
        if entry.get("type") == "model"
    }


def _card(artifact: str, entry: dict[str, Any]) -> str:
    model = Path(entry["path"]).name
    figures = read_json(paths.metrics(model))
    is_classifier = "auc" in figures
    own = _wordings(model, figures) if is_classifier else _per_digit(figures)
    kind = "classifier" if is_classifier else "autoencoder"
    parts = [
        "<!-- Written by `make readme`; what it says of a run is in metrics/ and dvc.lock. -->",
        f"# {model}",
        f"{entry['desc']}.",
        card_texts.USE[kind].format(model=model, artifact=artifact),
        "## Figures on the test set",
        _figures(model, figures),
        card_texts.FIGURES[kind].format(n=f"{figures.get('reviews', figures.get('images')):,}"),
        own,
        "## How it was trained",
        _training(model, entry["path"]),
        "## Data",
        card_texts.DATA[kind],
        "## Limits",
        card_texts.LIMITS[kind],
        "## Licence",
        card_texts.LICENCE[kind],
    ]
    return "\n\n".join(parts) + "\n"


def _figures(model: str, figures: dict[str, Any]) -> str:
    shown = {**NAMES, "mse": "mean squared error", "neighbour_accuracy": "neighbour accuracy"}
    rows = []
    for name, title in shown.items():
        # The log loss of a classifier is no figure that the chapter or the baseline has.
        if name not in figures or (name == "loss" and "auc" in figures):
            continue
        interval = figures.get(f"{name}_interval")
        between = f"{interval['low']:.4f} to {interval['high']:.4f}" if interval else ""
        digits = 5 if name == "mse" else 4
        baseline = f"{BASELINE[name]:.4f}" if name in BASELINE else ""
        chapter = CHAPTER.get(model, {}).get(name, "")
        rows.append([title, f"**{figures[name]:.{digits}f}**", between, baseline, chapter])
    return markdown.table(
        ["figure", "this model", "95% interval", "without a model", "chapter"], rows
    )


def _wordings(model: str, figures: dict[str, Any]) -> str:
    """How often each wording of `unroll predict` is right, from the ROC curve's points."""
    confusion = figures["confusion"]
    positives, negatives = confusion["tp"] + confusion["fn"], confusion["tn"] + confusion["fp"]
    columns = read_columns(paths.points(model) / "roc.csv", ("threshold", "tpr", "fpr"))
    scores, tpr, fpr = (column[::-1] for column in columns)
    rows, above, highest = [], np.zeros(2), 1.0
    for wording, lowest in ranges(figures["threshold"]):
        to_here = np.array(
            [
                np.interp(lowest, scores, tpr) * positives,
                np.interp(lowest, scores, fpr) * negatives,
            ]
            if lowest
            else [positives, negatives]
        )
        positive, negative = to_here - above
        right = positive if wording.endswith("positive") else negative
        total = positive + negative
        rows.append(
            [
                wording,
                f"{lowest:.2f} to {highest:.2f}",
                f"{total / (positives + negatives):.0%}",
                f"{right / total:.0%}" if total else "",
            ]
        )
        above, highest = to_here, lowest
    head = ["wording", "probability", "of the test reviews", "were so"]
    text = card_texts.WORDINGS.format(threshold=f"{figures['threshold']:.4f}")
    return f"## What its words mean\n\n{text}\n\n{markdown.table(head, rows)}"


def _per_digit(figures: dict[str, Any]) -> str:
    digits = figures["per_digit"]
    rows = [
        ["loss", *(f"{digits[digit]['loss']:.3f}" for digit in digits)],
        ["mean squared error", *(f"{digits[digit]['mse']:.3f}" for digit in digits)],
    ]
    return f"## Digit by digit\n\n{markdown.table(['digit', *digits], rows)}"


def _training(model: str, path: str) -> str:
    for stage, record in lock_file.entries().items():
        for out in record.get("outs", []):
            if out["path"] == path:
                params = record["params"]["params.yaml"]
                return _settings(model, stage, out, params, record["params"]["versions.yaml"])
    raise UserError(f"{LOCK}: records no run that wrote {path}; run `make repro`")


def _settings(
    model: str, stage: str, out: dict[str, Any], params: dict[str, Any], packages: dict[str, str]
) -> str:
    epochs, losses = read_columns(paths.curves(model), ("epoch", "val_loss"))
    settings = params[f"models.{model}"] | params["train"]
    shown = _listed(settings)
    backend = params["train"]["backend"]
    validation = {
        "holdout": "a part of the training split",
        "book": "the test split, as the chapter",
    }
    return "\n".join(
        [
            f"- Stage `{stage}`, seed {params['seed']}; Keras {packages['keras']} on {backend} "
            f"{packages[backend]}.",
            f"- Validated on {validation[params['protocol']]} (protocol {params['protocol']}): "
            f"{len(epochs)} epochs, the weights of epoch {int(epochs[np.argmin(losses)])} kept, "
            f"validation loss {losses.min():.4f}.",
            f"- Settings: {shown}.",
            f"- Recorded in `dvc.lock` as `{out['path']}`, MD5 `{out['md5']}`, "
            f"{out['size'] / 1e6:.1f} MB.",
        ]
    )


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
    for path, text in cards().items():
        write_text(path, text)
