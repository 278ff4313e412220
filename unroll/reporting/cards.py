"""A card for each model, docs/models/NAME.md: `unroll readme` writes them.

A card is made of what is in git: the metrics and plot data, what docs/corpora/ says of the corpus,
and the record in `dvc.lock` of the parameters and packages that the model was trained with.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from harness.core.errors import UserError
from harness.core.files import read_json, write_text
from harness.core.paths import LOCK, PIPELINE
from harness.core.yaml import read_yaml
from harness.stages import dvc_file, lock_file
from unroll.core import paths
from unroll.core.tasks import MANY, TWO
from unroll.corpora.blocks import Block, Images
from unroll.models import architectures
from unroll.models.parameters import OF_TEXT
from unroll.reporting import card_tables, card_texts, seeds, trained
from unroll.schema import corpora

FOLDER = Path("docs/models")
VALIDATION = {"holdout": "a part of the training split", "book": "the test split, as the chapter"}


def cards() -> dict[Path, str]:
    """The text of each card by its path, one for each model that the pipeline trains.

    Raises:
        UserError: `dvc.lock` records no training of one, or its metrics are missing.
    """
    corpora.check()
    entries = read_yaml(PIPELINE).get("artifacts", {})
    artifacts = {Path(entry["path"]): (name, entry) for name, entry in entries.items()}
    return {
        FOLDER / f"{model}.md": _card(model, corpus, *artifacts.get(paths.model(model), ("", {})))
        for model, corpus in trained.corpora().items()
    }


def _card(model: str, corpus: str, artifact: str, entry: dict[str, Any]) -> str:
    metrics, path = read_json(paths.metrics(model)), paths.model(model)
    block = TypeAdapter(Block).validate_python(read_yaml(paths.CORPORA)["corpora"][corpus])
    stage, run = _run(path)
    settings = _settings(model, run["params"]["params.yaml"][f"models.{model}"], block.kind)
    return card_texts.CARD.format(
        model=model,
        about=entry.get("desc") or _about(settings, corpus),
        input=card_texts.INPUTS[block.kind],
        get=f"artifacts get {card_texts.URL} {artifact}"
        if artifact
        else f"get {card_texts.URL} {path}",
        metrics=card_tables.of_metrics(model, metrics, corpus),
        baselines=card_tables.of_baselines(metrics, corpus),
        training=_training(model, stage, run, settings),
        corpus=card_texts.of_corpus(corpus, block),
        **_of_task(model, metrics, block, settings),
    )


def _of_task(
    model: str, metrics: dict[str, Any], block: Block, settings: dict[str, Any]
) -> dict[str, str]:
    """The paragraphs that depend on what the model does."""
    task, kind = trained.task_of(metrics), block.kind
    # The nouns that the metrics were measured with, whatever the block says now.
    noun = next(name for name, value in metrics.items() if type(value) is int)
    per = next((name for name in metrics if name.startswith("per_")), "")
    rows, label = noun.replace("_", " "), per.removeprefix("per_").replace("_", " ")
    step = block.steps[:-1] if isinstance(block, Images) else card_texts.STEPS[kind]
    words = settings | {"rows": rows, "label": label, "step": step, "normal": f"`{block.normal}`"}
    words |= {"count": f"{metrics[noun]:,}", "loss": card_texts.LOSS.get(kind)}
    reads, note, details = card_texts.READS[task], card_texts.NOTES[task], ""
    if "length" in settings:
        reads += card_texts.CUT_WITHIN if "ngrams" in settings else card_texts.CUT
    if task == TWO:
        cells, points = metrics["confusion"], paths.points(model) / "confusion.csv"
        names = pd.read_csv(points, dtype=str, keep_default_na=False).actual.unique()
        low, high = names.tolist()
        words |= {"high": f"`{high}`", "positives": f"{cells['tp'] + cells['fn']:,}"}
        words["threshold"] = f"{metrics['threshold']:.4f}"
        details = f"## What its words mean\n\n{_filled(card_texts.WORDINGS, words)}\n\n"
        details += f"{card_tables.wordings(model, metrics, (low, high), rows)}\n\n"
    elif task == MANY:
        counts = {name: of["rows"] for name, of in metrics[per].items()}
        words |= {"classes": len(metrics["confusion"]), "majority": f"{metrics['majority']:.1%}"}
        words["largest"] = f"`{max(counts, key=lambda name: counts[name])}`"
    else:
        note += card_texts.NEIGHBORS if "neighbor_accuracy" in metrics else ""
        if "largest_error" in metrics:
            note += card_texts.ANOMALIES
            words |= metrics["largest_error"]
    if copies := metrics.get("copies"):
        note += card_texts.COPIES if copies["both"] else card_texts.NO_COPY
        words["copies"] = f"{copies['both']:,}"
    details += seeds.of_card(model)
    if per:
        details += f"## By {label}\n\n{card_tables.of_classes(metrics[per], rows, label)}\n\n"
    return {"reads": _filled(reads, words), "note": _filled(note, words), "details": details}


def _filled(text: str, words: dict[str, Any]) -> str:
    """A paragraph of a template, in lines of the length that the others have."""
    return textwrap.fill(text.format(**words), 100, break_long_words=False, break_on_hyphens=False)


def _about(settings: dict[str, Any], corpus: str) -> str:
    """The name of the architecture, as its file says it, and how it is used."""
    layers, doc = settings.get("layers", 1), architectures.find(settings["architecture"]).__doc__
    name = str(doc).partition("\n")[0].partition(":")[0].rstrip(".")
    ways = ["two directions"] if settings.get("bidirectional") else []
    return ", ".join([name, *ways, *([f"{layers} layers"] if layers > 1 else []), f"on {corpus}"])


def _settings(model: str, recorded: dict[str, Any], kind: str) -> dict[str, Any]:
    """The parameters that a model was trained with, those that have their defaults included."""
    try:
        parameters = architectures.find(recorded["architecture"]).Parameters
        every = parameters.model_validate(recorded).model_dump()
    except (KeyError, ValidationError):
        raise UserError(
            f"{LOCK}: {model} was trained with other parameters than there are; run `unroll repro`"
        ) from None
    unused = {"text": (), "series": OF_TEXT, "images": (*OF_TEXT, "length", "mask")}[kind]
    return {name: value for name, value in every.items() if name not in unused}


def _run(path: Path) -> tuple[str, dict[str, Any]]:
    """The stage that wrote a model, and what `dvc.lock` records of its run.

    Raises:
        UserError: it records none.
    """
    stages = dvc_file.stages()  # the file may record others, which have gone from `dvc.yaml`
    for stage, entry in lock_file.entries().items():
        if stage in stages and any(out["path"] == str(path) for out in entry["outs"]):
            return stage, entry
    raise UserError(f"{LOCK}: records no run that wrote {path}; run `unroll repro`")


def _training(model: str, stage: str, run: dict[str, Any], settings: dict[str, Any]) -> str:
    """What is recorded of the run that wrote the model."""
    params, packages = run["params"]["params.yaml"], run["params"]["versions.yaml"]
    [out] = (out for out in run["outs"] if out["path"] == str(paths.model(model)))
    backend, protocol = params["train"]["backend"], params["protocol"]
    curves = pd.read_csv(paths.curves(model), index_col="epoch").val_loss
    lines = (
        f"Stage `{stage}`, seed {params['seed']}; Keras {packages['keras']} on {backend} "
        f"{packages[backend]}.",
        f"Validated on {VALIDATION[protocol]} (protocol {protocol}): {len(curves)} epochs, the "
        f"weights of epoch {curves.idxmin()} kept, validation loss {curves.min():.4f}.",
        f"Settings: {_listed(settings | params['train'])}.",
        f"Recorded in `dvc.lock` as `{out['path']}`, MD5 `{out['md5']}`, "
        f"{out['size'] / 1e6:.1f} MB.",
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
