"""What `params.yaml` may say.

No value that a stage computes with passes through this module, so it is no dependency of any
stage. It imports little, so that mistakes are reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, create_model, model_validator

from harness.core.paths import PARAMS
from harness.core.yaml import read_yaml
from harness.stages import validation
from harness.stages.validation import Section

# Rows of the training splits and steps of a sequence; a corpus in place of these has its own.
ROWS = {"imdb": 25_000, "mnist": 60_000}
TEST_ROWS = 10_000  # images
IMAGE_STEPS = 28
SPECIAL_TOKENS = 4  # ids of the vocabulary that are no words
# Bytes that the states of a recurrent layer may take in one step: more than most machines have.
MOST_MEMORY = 64 * 2**30
PREDICTION_BATCH = 1000  # as in unroll/models/saving.py, which takes long to import

Share = Annotated[float, Field(ge=0, le=0.99)]  # what is left out or decays leaves something
Epochs = Annotated[int, Field(ge=1, le=100_000)]


class Mnist(Section):
    """The preparation of images."""

    # The smallest class of either corpus has 5,421 rows: both parts keep one of each class.
    validation: float = Field(ge=0.0001, le=0.9999)


class Imdb(Mnist):
    """The encoding of reviews."""

    vocabulary: int = Field(ge=5, le=1_000_000)
    skip_top: int = Field(ge=0, le=1_000_000)
    length: int = Field(ge=1, le=10_000)

    @model_validator(mode="after")
    def _words_remain(self) -> Imdb:
        words = self.vocabulary - SPECIAL_TOKENS
        if self.skip_top >= words:
            raise ValueError(f"skip_top should be less than the {words} words of the vocabulary")
        return self


class Preprocess(Section):
    """One section per corpus."""

    imdb: Imdb
    mnist: Mnist


class Train(Section):
    """How models are computed, the same for all."""

    backend: Literal["tensorflow", "jax"]
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    threads: int = Field(ge=1, le=256)


class Adam(Section):
    """Adam for all weights."""

    name: Literal["adam"]
    learning_rate: float = Field(ge=1e-9, le=10)
    weight_decay: Share


class Muon(Section):
    """Muon for the matrices of the recurrent layers, Adam for the other weights."""

    name: Literal["muon"]
    learning_rate: float = Field(ge=1e-9, le=10)
    adam_lr_ratio: float = Field(ge=1e-6, le=1000)
    weight_decay: Share


class Cosine(Section):
    """The learning rate rises to its peak, then decays to 0 along a cosine."""

    name: Literal["cosine"]
    warmup: Share


class Plateau(Section):
    """The learning rate is halved whenever the validation loss stalls."""

    name: Literal["plateau"]
    patience: Epochs


class Fit(Section):
    """The recurrent layer of any model, and how it is trained."""

    units: int = Field(ge=1, le=4096)
    dropout_input: Share
    dropout_output: Share
    batch: int = Field(ge=1, le=max(ROWS.values()))
    epochs: Epochs
    optimizer: Adam | Muon = Field(discriminator="name")
    schedule: Cosine | Plateau = Field(discriminator="name")
    patience: Epochs


class Classifier(Fit):
    """A recurrent classifier of reviews."""

    embedding: int = Field(ge=1, le=1024)


class Autoencoder(Fit):
    """A recurrent autoencoder of images whose rows are steps."""

    # A code of more numbers than the image has pixels would be no code.
    latent: int = Field(ge=1, le=28 * 28)
    dropout_latent: Share


def _kind(section: Any) -> str:
    is_autoencoder = isinstance(section, dict) and {"latent", "dropout_latent"} & section.keys()
    return "autoencoder" if is_autoencoder else "classifier"


Model = Annotated[
    Annotated[Classifier, Tag("classifier")] | Annotated[Autoencoder, Tag("autoencoder")],
    Discriminator(_kind),
]


class EvaluateImdb(Section):
    """How classifiers are measured."""

    resamples: int = Field(ge=20, le=1_000_000)


class EvaluateMnist(Section):
    """How autoencoders are measured."""

    neighbours: int = Field(ge=1, le=1000)
    sample: int = Field(ge=50, le=TEST_ROWS)


class Evaluate(Section):
    """One section per corpus."""

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
    entries = (entry.partition(".") for entry in validation.declared(PARAMS))
    return [name for section, _, name in entries if section == "models"]


def check(path: Path = PARAMS) -> None:
    """Validate a whole parameter file.

    Raises:
        UserError: one line per mistake: the dotted name, what is allowed, the value.
    """
    validation.refuse(path, mistakes(read_yaml(path)))


def mistakes(body: Any) -> list[str]:
    """One line per mistake in the content of a parameter file."""
    sections: dict[str, Any] = dict.fromkeys(trained_models(), (Model, ...))
    models = create_model("Models", __base__=Section, **sections)
    params = create_model("Params", __base__=Common, models=(models, ...))
    return validation.mistakes(params, body) or [
        f"models.{name}.{line}"
        for name, model in models.model_validate(body["models"])
        for line in _too_large(model, body)
    ]


def _too_large(model: Classifier | Autoencoder, body: Any) -> Iterator[str]:
    """What no machine could train, though each value is in its range."""
    if isinstance(model, Classifier):
        corpus, steps, width = "imdb", body["preprocess"]["imdb"]["length"], model.embedding
    else:
        corpus, steps, width = "mnist", IMAGE_STEPS, 0
    rows = ROWS[corpus]
    if body["protocol"] == "holdout":
        rows -= round(rows * body["preprocess"][corpus]["validation"])
    if model.batch > rows:
        yield f"batch: should be at most {rows}, the training rows of {corpus} (is {model.batch})"
    batch, width = max(model.batch, PREDICTION_BATCH), max(model.units, width)
    if (size := 4 * batch * steps * width) > MOST_MEMORY:
        yield (
            f"units: a batch of {batch} sequences of {steps} steps of {width} numbers takes "
            f"{size / 2**30:.0f} GiB, should be at most {MOST_MEMORY // 2**30}"
        )
