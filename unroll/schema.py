"""What `params.yaml` may say.

This module only says yes or no: no value that a stage computes with passes through it, so it is
no dependency of any stage, and a new rule here reruns nothing.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from unroll.errors import UserError
from unroll.params import trained_models
from unroll.paths import PARAMS
from unroll.yaml import read_yaml

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A mapping of `params.yaml`; unknown keys and values of another type are mistakes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Fetch(Section):
    """Where `fetch` looks for archives."""

    folder: Annotated[str, Field(min_length=1)]
    timeout: Annotated[float, Field(gt=0, le=600)]


class Imdb(Section):
    """The encoding of reviews."""

    vocabulary: Annotated[int, Field(ge=5, le=1_000_000)]
    skip_top: Annotated[int, Field(ge=0)]
    length: Annotated[int, Field(ge=1, le=10_000)]
    validation: Share

    @model_validator(mode="after")
    def _words_remain(self) -> Imdb:
        if self.vocabulary - 4 <= self.skip_top:
            raise ValueError(
                f"vocabulary {self.vocabulary} holds {self.vocabulary - 4} words beside the four "
                f"signs, and skip_top {self.skip_top} leaves none of them; allowed: "
                "skip_top below vocabulary - 4"
            )
        return self


class Mnist(Section):
    """The preparation of images."""

    validation: Share


class Preprocess(Section):
    """One section a corpus."""

    imdb: Imdb
    mnist: Mnist


class Train(Section):
    """How models are computed, the same for all."""

    backend: Literal["tensorflow", "jax"]
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    threads: Annotated[int, Field(ge=1, le=256)]


class Fit(Section):
    """How a model is trained."""

    batch: Count
    epochs: Annotated[int, Field(ge=1, le=100_000)]
    optimizer: Literal["adam", "muon"]
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    adam_lr_ratio: Positive
    weight_decay: Rate
    schedule: Literal["cosine", "plateau"]
    warmup: Rate
    plateau: Count
    patience: Count


class Classifier(Fit):
    """A recurrent classifier of reviews."""

    embedding: Count
    units: Count
    dropout_input: Rate
    dropout_output: Rate


class Autoencoder(Fit):
    """A recurrent autoencoder of images whose rows are steps."""

    latent: Count
    units: Count
    dropout_input: Rate
    dropout_output: Rate
    dropout_latent: Rate


def _kind(section: Any) -> str:
    return "autoencoder" if isinstance(section, dict) and "latent" in section else "classifier"


Model = Annotated[
    Annotated[Classifier, Tag("classifier")] | Annotated[Autoencoder, Tag("autoencoder")],
    Discriminator(_kind),
]


class EvaluateImdb(Section):
    """How classifiers are measured."""

    resamples: Annotated[int, Field(ge=20, le=1_000_000)]


class EvaluateMnist(Section):
    """How autoencoders are measured."""

    neighbours: Count
    sample: Annotated[int, Field(ge=50)]


class Evaluate(Section):
    """One section a corpus."""

    imdb: EvaluateImdb
    mnist: EvaluateMnist


class Params(Section):
    """The whole of `params.yaml`."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    protocol: Literal["holdout", "book"]
    fetch: Fetch
    preprocess: Preprocess
    train: Train
    models: dict[str, Model]
    evaluate: Evaluate


def check(path: Path = PARAMS) -> None:
    """Validate a parameter file whole.

    Raises:
        UserError: one line for each mistake, all mistakes at once: the key's path, the value,
            what is allowed.
    """
    if lines := mistakes(read_yaml(path)):
        raise UserError("\n".join(f"{path}: {line}" for line in lines))


def mistakes(body: Any) -> list[str]:
    """A line for each mistake in the content of a parameter file, sorted."""
    lines = []
    known = trained_models()
    models = body.get("models") if isinstance(body, dict) else None
    named = list(models) if isinstance(models, dict) else known
    try:
        Params.model_validate(body)
    except ValidationError as error:
        strange = {("models", name) for name in named if name not in known}
        lines = [
            _explain(mistake) for mistake in error.errors() if mistake["loc"][:2] not in strange
        ]
    lines += [_unknown(("models", name), known) for name in named if name not in known]
    lines += [f"models.{name} is missing" for name in known if name not in named]
    return sorted(lines)


def _explain(mistake: Any) -> str:
    # Pydantic puts the tag of a union into the path; the file has no such key.
    place = tuple(key for key in mistake["loc"] if key not in ("classifier", "autoencoder"))
    name = ".".join(map(str, place)) or "the file"
    value = repr(mistake["input"])
    value = value if len(value) <= 60 else value[:57] + "..."
    match mistake["type"]:
        case "missing":
            return f"{name} is missing"
        case "extra_forbidden":
            return _unknown(place, _keys(mistake["loc"][:-1]))
        case "value_error":
            return f"{name}: {mistake['ctx']['error']}"
    return f"{name} is {value}, allowed: {mistake['msg'].removeprefix('Input should be ')}"


def _unknown(place: tuple[Any, ...], known: list[str]) -> str:
    close = difflib.get_close_matches(str(place[-1]), known, 1)
    name = ".".join(map(str, place))
    return f"{name} is unknown" + (f"; did you mean {close[0]}?" if close else "")


def _keys(place: tuple[Any, ...]) -> list[str]:
    """The keys that the section at `place`, a path of Pydantic's, may have."""
    if place[:1] == ("models",):
        section: Any = Autoencoder if place[-1] == "autoencoder" else Classifier
    else:
        section = Params
        for key in place:
            section = section.model_fields[key].annotation
    return list(section.model_fields)
