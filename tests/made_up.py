"""Results that no run has made: the project's own files, with small numbers and pictures."""

from __future__ import annotations

import re
import shutil
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from conftest import ROOT, output_of
from fewer import keep
from PIL import Image
from ruamel.yaml import YAML

from harness.core.files import write_csv, write_json
from harness.core.metrics_table import COLUMNS, rows
from harness.core.yaml import read_yaml
from harness.stages import dvc_file
from unroll.metrics import classification, many_classes, reconstruction

# What pages, reports and cards are made of: no model, corpus or other data.
FILES = (
    *(".dvc", "dvc.yaml", "params.yaml", "corpora.yaml", "pyproject.toml", "docs/corpora"),
    *("versions.yaml", "harness/reporting/page.html"),
)
# A model of a user beside those of the chapter, of more classes than most charts have room for.
CORPUS: dict[str, Any] = {
    "kind": "text",
    "path": "tickets.csv",
    "text": ["subject", "message"],
    "label": "category",
    "nouns": {"rows": "help_tickets", "label": "category"},
}
MODEL = {"architecture": "gru", "bidirectional": True, "layers": 2, "vocabulary": 500}
CATEGORIES = [
    f"{word} {number}" for number in range(1, 7) for word in ["bills", "vat", "log|in", "app", "a%"]
]
LINE = "    tickets_gru: {corpus: tickets, <<: *many}\n"
PICTURES = {
    "roc": ("confusion", "loss", "roc"),
    "roc_classes": ("confusion", "errors", "loss", "roc"),
    "latent": ("examples", "latent", "loss", "means", "random"),
}
ROC, CONFUSION = ("fpr", "tpr", "threshold"), ("actual", "predicted", "count")


def results(folder: Path) -> Path:
    """A project with results of the chapter's models and `tickets_gru`, not yet in git."""
    listed = output_of(("git", "ls-files", "-co", "--exclude-standard", "-z", *FILES), ROOT, {}, 0)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    keep(folder, "rnn", "lstm", "ae_lstm", "ae_bilstm")
    pipeline = (folder / "dvc.yaml").read_text()
    (folder / "dvc.yaml").write_text(
        re.sub(r"(?<=\n)    lstm: .*\n", rf"\g<0>{LINE}", pipeline, count=1)
    )
    add(folder / "corpora.yaml", "corpora", "tickets", CORPUS)
    add(folder / "params.yaml", "models", "tickets_gru", MODEL)
    models = {
        name: entry
        for part in read_yaml(folder / "dvc.yaml")["vars"][2:5]
        for group in part.values()
        for name, entry in group.items()
    }
    for number, (model, entry) in enumerate(models.items()):
        rng = np.random.default_rng(number)
        points = folder / "plots/points" / model
        measured = MAKE[entry["view_template"]](points, entry, rng)
        measured["beside"] = BESIDE[entry["view_template"]]
        write_json(folder / f"metrics/{model}.json", measured)
        held = {name: measured[name] for name in ("auc", "accuracy", "loss") if name in measured}
        write_json(folder / f"metrics/validation/{model}.json", held)
        write_csv(points / "figures.csv", COLUMNS, rows(model, measured))
        losses = [(epoch, 1 / epoch, 1.1 / epoch) for epoch in range(1, 5 + number)]
        write_csv(folder / f"plots/curves/{model}.csv", ("epoch", "loss", "val_loss"), losses)
        pictures = folder / "plots/figures" / model
        pictures.mkdir(parents=True)
        for name in PICTURES[entry["view_template"]]:
            Image.new("RGB", (64, 48), (40 * number, 99, 99)).save(pictures / f"{name}.png")
    for corpus, found in BASELINES.items():
        write_json(folder / f"metrics/baselines/{corpus}.json", found)
        table = [row for name in found for row in rows(f"{corpus}_{name}", found[name])]
        write_csv(folder / f"plots/points/baselines_{corpus}/figures.csv", COLUMNS, table)
    for number, model in enumerate(read_yaml(folder / "dvc.yaml")["vars"][7]["with_baselines"], 1):
        _judged(folder, model, number)
    lock(folder)
    return folder


def _judged(folder: Path, model: str, number: int) -> None:
    """What the stages `behavior` and `bias` write."""
    points, capabilities = folder / f"plots/points/{model}", {"negation": 0.5, "but": 0.1 * number}
    sentences = {"not good": 0.6, "good": 0.6 + 0.1 * number}
    behavior = {"cases": 70, "failures": 0.3, "threshold": 0.5, "capabilities": capabilities}
    write_json(folder / f"metrics/behavior/{model}.json", behavior | {"sentences": sentences})
    write_csv(points / "behavior.csv", ("capability", "failures"), capabilities.items())
    change = {"mean": -0.02 * number, "low": -0.05, "high": -0.01}
    swaps = {"age": {"texts": 90, "flips": 0.03, "largest": 0.2, "change": {"old": change}}}
    bias = {
        "reviews": swaps,
        "templates": swaps,
        "associations": {"men with good": {"effect": 0.7, "p": 0.04, "words": 8}},
        "neighbors": {"man": {"boy": 0.4, "guy": 0.6}},
        "errors": {"all": {"rows": 100, "error": 0.14, "low": 0.13, "high": 0.15}},
        "blocks": {"size": 25, "deviation": 0.08, "by_chance": 0.07, "worst": 0.3},
    }
    write_json(folder / f"metrics/bias/{model}.json", bias)
    table = [("age: old", *change.values())]
    write_csv(points / "bias.csv", ("group", "change", "low", "high"), table)
    head = ("row", "actual", "score", "wrong", "place", "word", "contribution", "strong")
    words = [(3, "negative", 0.9, 1, 0, "so", 0.1, 0), (3, "negative", 0.9, 1, 1, "good", 2.0, 1)]
    write_csv(points / "mistakes.csv", head, words)


def lock(folder: Path) -> None:
    """Record a run of each training stage."""
    params = read_yaml(folder / "params.yaml")
    entries = {
        stage.name: {
            "cmd": "true",
            "outs": [{"path": out, "md5": f"{len(out):032x}", "size": 10**6} for out in stage.outs],
            "params": {
                "params.yaml": {
                    name: reduce(dict.__getitem__, name.split("."), params)
                    for name in stage.params["params.yaml"]
                },
                "versions.yaml": {"keras": "3.0", "tensorflow": "2.0"},
            },
        }
        for stage in dvc_file.stages(folder).values()
        if stage.name.startswith("train-")
    }
    write_json(folder / "dvc.lock", {"schema": "2.0", "stages": entries})


def _two(points: Path, entry: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    y = np.arange(20_000) % 2
    score = 1 / (1 + np.exp(-rng.normal(3 * y - 1.5, 2)))
    names = ["negative", "positive"]
    found = classification.measure(
        y, score, 0.45, classes=names, rows="reviews", resamples=20, seed=0
    )
    write_csv(points / "roc.csv", ROC, classification.roc_points(y, score))
    pairs = classification.confusion_pairs(found["confusion"], names)
    write_csv(points / "confusion.csv", CONFUSION, pairs)
    return found


def _many(points: Path, entry: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    k = len(CATEGORIES)
    y = np.r_[np.arange(40 * k) % k, np.zeros(60, np.int64)]
    score = rng.random((len(y), k)) + 0.6 * np.eye(k)[y]
    score /= score.sum(axis=1, keepdims=True)
    found = many_classes.measure(
        y, score, classes=CATEGORIES, **CORPUS["nouns"], resamples=20, seed=0
    )
    write_csv(points / "roc.csv", (*ROC, "class"), many_classes.roc_points(y, score, CATEGORIES))
    pairs = many_classes.confusion_pairs(found["confusion"])
    write_csv(points / "confusion.csv", CONFUSION, pairs)
    return found


def _rebuild(points: Path, entry: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    digits, y = [str(digit) for digit in range(10)], np.arange(500) % 10
    loss = 0.1 + rng.random(500) / 10
    found = reconstruction.measure(
        loss, loss / 5, rows="images", label="digit", y=y, classes=digits
    )
    found |= {"neighbor_accuracy": 0.8, "mixed_up": {"4 as 9": 0.2, "3 as 5": 0.1}}
    of_digits = [(name, *of.values()) for name, of in found["per_digit"].items()]
    write_csv(points / "classes.csv", ("digit", "loss", "mse"), of_digits)
    codes = [(*rng.random(2).round(3), digits[c]) for c in y]
    write_csv(points / "latent.csv", ("x", "y", "digit"), codes)
    return found


def _difference(metric: str, value: float, low: float, high: float) -> dict[str, Any]:
    return {metric: value, f"{metric}_interval": {"low": low, "high": high}}


# What is said of the baselines: a model of two classes loses, the others do not.
BESIDE = {
    "roc": {"words": _difference("auc", -0.02, -0.03, -0.01)},
    "roc_classes": {"words": _difference("auc", 0.02, 0.01, 0.03)},
    "latent": {"pca-2": _difference("loss", -0.02, -0.03, -0.01)},
}
_WORDS = {"auc": 0.95, "accuracy": 0.88, "balanced_accuracy": 0.88, "validation": {"auc": 0.94}}
BASELINES = {
    "imdb": {"words": _WORDS | {"threshold": 0.5}},
    "tickets": {"words": _WORDS},
    "mnist": {"pca-2": {"loss": 0.2, "mse": 0.05, "validation": {"loss": 0.2}}},
}
MAKE = {"roc": _two, "roc_classes": _many, "latent": _rebuild}


def add(path: Path, section: str, name: str, body: dict[str, Any]) -> None:
    """Put a block into a section of a file."""
    yaml = YAML()
    content = yaml.load(path)
    content[section][name] = body
    yaml.dump(content, path)
