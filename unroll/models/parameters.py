"""What a model's block of `params.yaml` may say, whatever its architecture.

This imports no Keras, so that mistakes are reported at once.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.core.sections import Section
from unroll.core.tokens import FIRST

Share = Annotated[float, Field(ge=0, le=0.99)]  # what is left out or decays leaves something
Epochs = Annotated[int, Field(ge=1, le=100_000)]
Units = Annotated[int, Field(ge=1, le=4096)]


class Adam(Section):
    """Adam for all weights."""

    name: Literal["adam"]
    learning_rate: float = Field(default=0.001, ge=1e-9, le=10)
    weight_decay: Share = 0.004


class Muon(Section):
    """Muon for the matrices of the recurrent layers, Adam for the other weights."""

    name: Literal["muon"]
    learning_rate: float = Field(default=0.02, ge=1e-9, le=10)
    adam_lr_ratio: float = Field(default=0.2, ge=1e-6, le=1000)
    weight_decay: Share = 0.004


class Adagrad(Section):
    """Adagrad for the rows of large tables, Adam for the other weights."""

    name: Literal["adagrad"]
    learning_rate: float = Field(default=0.15, ge=1e-9, le=10)
    gates_lr_ratio: float = Field(default=3.0, ge=1e-6, le=1000)
    adam_lr_ratio: float = Field(default=0.03, ge=1e-6, le=1000)


class Cosine(Section):
    """The learning rate rises to its peak, then decays to 0 along a cosine."""

    name: Literal["cosine"]
    warmup: Share = 0.1


class Plateau(Section):
    """The learning rate is halved whenever the validation loss stalls."""

    name: Literal["plateau"]
    patience: Epochs = 3


class Parameters(Section):
    """What every model has: a recurrent layer, and how it is trained."""

    architecture: str
    units: Units = 32
    dropout_input: Share = 0.1
    dropout_output: Share = 0.1
    batch: int = Field(default=64, ge=1, le=1_000_000)
    epochs: Epochs = 10
    optimizer: Adam | Muon = Field(default=Muon(name="muon"), discriminator="name")
    schedule: Cosine | Plateau = Field(default=Cosine(name="cosine"), discriminator="name")
    patience: Epochs = 5


class Classifier(Parameters):
    """A model that tells classes apart.

    The first five are of texts alone: the words that the model knows, and how it reads them.
    """

    vocabulary: int = Field(default=10_000, ge=5, le=1_000_000)
    skip_top: int = Field(default=0, ge=0, le=1_000_000)
    embedding: int = Field(default=64, ge=1, le=1024)
    vectors: Literal["random", "counted"] = Field(
        default="random", description="of words, at the beginning of training"
    )
    length: int = Field(
        default=128, ge=1, le=100_000, description="steps that are read, the last ones"
    )
    mask: bool = Field(
        default=False, description="whether the padding of short sequences is passed over"
    )
    bidirectional: bool = False
    layers: int = Field(default=1, ge=1, le=3)
    dropout_steps: Share = Field(
        default=0.0, description="share of whole steps, such as words, zeroed in training"
    )
    pooling: Literal["last", "mean_max"] = Field(
        default="last", description="what is scored: the last state, or mean and maximum of all"
    )
    class_weights: Literal["none", "balanced"] = "none"

    @model_validator(mode="after")
    def _words_remain(self) -> Classifier:
        words = self.vocabulary - FIRST
        if self.skip_top >= words:
            raise ValueError(f"skip_top should be less than the {words} words of the vocabulary")
        return self


class Ngrams(Parameters):
    """A model that tells two classes of texts apart by their n-grams.

    `dropout_input` is the share of n-grams that is left out in training.
    """

    units: Units = 16
    dropout_input: Share = 0.4
    dropout_output: Share = 0.2
    batch: int = Field(default=32, ge=1, le=1_000_000)
    epochs: Epochs = 2
    ngrams: int = Field(default=3, ge=1, le=5, description="the most words of an n-gram")
    least_count: int = Field(
        default=5, ge=1, le=1_000_000, description="texts that an n-gram must be in"
    )
    count_error: float = Field(
        default=0.0,
        ge=0,
        le=1e-2,
        description="by which share of all training texts the count of one may be too high, so "
        "that rare ones need no memory; 0: exact",
    )
    alpha: float = Field(default=8.0, gt=0, le=1e6, description="added to counts in ratios")
    length: int = Field(default=1024, ge=1, le=100_000, description="steps that are read")
    gates: bool = Field(default=True, description="whether the words around matter")
    memory: bool = Field(default=True, description="whether states last; needs gates")
    dropout_gates: Share = 0.1
    class_weights: Literal["none", "balanced"] = "none"
    optimizer: Adagrad = Adagrad(name="adagrad")  # type: ignore[assignment]

    @model_validator(mode="after")
    def _memory_has_gates(self) -> Ngrams:
        if self.memory and not self.gates:
            raise ValueError("memory should be false where gates is false")
        return self


class Autoencoder(Parameters):
    """A model that reads a sequence into a code of a few numbers and writes it out again."""

    latent: int = Field(default=2, ge=1, le=100_000)
    dropout_latent: Share = 0.0


# Keys that only say something of texts.
OF_TEXT = ("vocabulary", "skip_top", "embedding", "vectors")
