"""What `params.yaml` may say.

This module only says yes or no: no value that a stage computes with passes through it, so it is
no dependency of any stage, and a new rule here reruns nothing. It imports little, so that mistakes
are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, create_model

from harness.core.errors import UserError
from harness.core.paths import PARAMS
from harness.stages import dvc_file, small_yaml
from harness.stages.validation import Section, compare

# Rows of the training splits and steps of a sequence; a corpus in place of these has its own.
ROWS = {"imdb": 25_000, "mnist": 60_000}
TEST_ROWS = 10_000  # images
IMAGE_STEPS = 28
# What the states of a recurrent layer may take in one step of training or prediction, in bytes:
# more than most machines have.
MOST_MEMORY = 64 * 2**30
PREDICTION_BATCH = 1000  # as in unroll/model_files.py, which takes long to import
SIGNS = 4  # ids of the vocabulary that are no words


class Mnist(Section):
    """The preparation of images."""

    # The smallest class of either corpus has 5,421 rows: both parts keep one of each class.
    validation: float = Field(ge=0.0001, le=0.9999)


class Imdb(Mnist):
    """The encoding of reviews."""

    vocabulary: int = Field(ge=5, le=1_000_000)
    skip_top: int = Field(ge=0, le=1_000_000)
    length: int = Field(ge=1, le=10_000)


class Preprocess(Section):
    """One section a corpus."""

    imdb: Imdb
    mnist: Mnist


class Train(Section):
    """How models are computed, the same for all."""

    backend: Literal["tensorflow", "jax"]
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    threads: int = Field(ge=1, le=256)


class Fit(Section):
    """The recurrent layer of any model, and how it is trained.

    Of what is dropped, and of the steps that warm up, some must remain.
    """

    units: int = Field(ge=1, le=4096)
    dropout_input: float = Field(ge=0, le=0.99)
    dropout_output: float = Field(ge=0, le=0.99)
    batch: int = Field(ge=1, le=max(ROWS.values()))
    epochs: int = Field(ge=1, le=100_000)
    optimizer: Literal["adam", "muon"]
    learning_rate: float = Field(ge=1e-9, le=10)
    adam_lr_ratio: float = Field(ge=1e-6, le=1000)
    weight_decay: float = Field(ge=0, le=0.99)
    schedule: Literal["cosine", "plateau"]
    warmup: float = Field(ge=0, le=0.99)
    plateau: int = Field(ge=1, le=100_000)
    patience: int = Field(ge=1, le=100_000)


class Classifier(Fit):
    """A recurrent classifier of reviews."""

    embedding: int = Field(ge=1, le=1024)


class Autoencoder(Fit):
    """A recurrent autoencoder of images whose rows are steps."""

    # A code of more numbers than the image has pixels would be no code.
    latent: int = Field(ge=1, le=28 * 28)
    dropout_latent: float = Field(ge=0, le=0.99)


class EvaluateImdb(Section):
    """How classifiers are measured."""

    resamples: int = Field(ge=20, le=1_000_000)


class EvaluateMnist(Section):
    """How autoencoders are measured."""

    neighbours: int = Field(ge=1, le=1000)
    sample: int = Field(ge=50, le=TEST_ROWS)


class Evaluate(Section):
    """One section a corpus."""

    imdb: EvaluateImdb
    mnist: EvaluateMnist


class Common(Section):
    """All of `params.yaml` but the models, which the pipeline names."""

    seed: int = Field(ge=0, le=2**31 - 1)
    protocol: Literal["holdout", "book"]
    preprocess: Preprocess
    train: Train
    evaluate: Evaluate


def trained_models() -> list[str]:
    """The models that the pipeline trains: each `models.NAME` that a stage declares."""
    names = [
        entry.removeprefix("models.")
        for stage in dvc_file.stages().values()
        for entry in stage.params.get(str(PARAMS), ())
        if entry.startswith("models.")
    ]
    return list(dict.fromkeys(names))


def check(path: Path = PARAMS) -> None:
    """Validate a parameter file whole.

    Raises:
        UserError: one line for each mistake, all mistakes at once: the key's path, the value,
            what is allowed.
    """
    if lines := mistakes(small_yaml.read(path)):
        raise UserError("\n".join(f"{path}: {line}" for line in lines))


def mistakes(body: Any) -> list[str]:
    """A line for each mistake in the content of a parameter file, sorted."""
    sections = body.get("models") if isinstance(body, dict) else None
    sections = sections if isinstance(sections, dict) else {}
    kinds = {name: _kind(sections.get(name)) for name in trained_models()}
    fields: dict[str, Any] = {name: (kind, ...) for name, kind in kinds.items()}
    models = create_model("Models", __base__=Section, **fields)
    lines, right = compare(create_model("Params", __base__=Common, models=(models, ...)), body)
    return sorted([*lines, *_contradictions(right, kinds)])


def _kind(section: Any) -> type[Fit]:
    """The kind of model that most keys of a section speak of."""
    keys = section.keys() if isinstance(section, dict) else set()
    kinds: list[type[Fit]] = [Classifier, Autoencoder]
    return max(kinds, key=lambda kind: len(kind.model_fields.keys() & keys))


def _contradictions(right: dict[str, Any], kinds: dict[str, type[Fit]]) -> Iterator[str]:
    """A line for each set of values, right by themselves, that cannot hold together."""
    with suppress(KeyError):  # a value that is wrong has its line already
        yield from _words_remain(right)
    for name, kind in kinds.items():
        with suppress(KeyError):
            yield from _batch_fits(right, f"models.{name}", kind)


def _words_remain(right: dict[str, Any]) -> Iterator[str]:
    words = right["preprocess.imdb.vocabulary"] - SIGNS
    skip_top = right["preprocess.imdb.skip_top"]
    if skip_top >= words:
        yield (
            f"preprocess.imdb.skip_top is {skip_top} and leaves none of the {words} words that "
            f"preprocess.imdb.vocabulary holds beside {SIGNS} signs, allowed: at most {words - 1}"
        )


def _batch_fits(right: dict[str, Any], model: str, kind: type[Fit]) -> Iterator[str]:
    batch, units = right[f"{model}.batch"], right[f"{model}.units"]
    corpus = "mnist" if kind is Autoencoder else "imdb"
    rows = ROWS[corpus]
    if right["protocol"] == "holdout":
        rows -= round(rows * right[f"preprocess.{corpus}.validation"])
    if batch > rows:
        yield (
            f"{model}.batch is {batch}, more than the {rows} rows of {corpus} that are trained "
            f"on, allowed: at most {rows}"
        )
    steps = IMAGE_STEPS if kind is Autoencoder else right["preprocess.imdb.length"]
    width = max(units, right.get(f"{model}.embedding", 0))
    taken = 4 * max(batch, PREDICTION_BATCH) * steps * width
    if taken > MOST_MEMORY:
        yield (
            f"{model}: a batch of {max(batch, PREDICTION_BATCH)} sequences of {steps} steps of "
            f"{width} numbers takes {taken / 2**30:.0f} GiB, allowed: at most "
            f"{MOST_MEMORY // 2**30}"
        )
