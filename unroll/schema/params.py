"""What `params.yaml` may say, and whether it, `corpora.yaml` and `dvc.yaml` belong together.

No value that a stage computes with passes through this module, so it is no dependency of any
stage. It imports little, so that mistakes are reported at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from harness.core.paths import PARAMS, PIPELINE
from harness.core.sections import Section
from harness.core.yaml import read_yaml
from harness.stages import validation
from unroll.models import architectures


class Train(Section):
    """How models are computed, the same for all."""

    backend: Literal["tensorflow", "jax"]
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    threads: int = Field(ge=1, le=256)


class Evaluate(Section):
    """How models are measured."""

    resamples: int = Field(ge=20, le=1_000_000)
    neighbors: int = Field(ge=1, le=1000)
    sample: int = Field(ge=50, le=10_000)


class Baseline(Section):
    """What the models that are no networks read."""

    last: int = Field(ge=1, le=100_000)
    min_count: int = Field(ge=1, le=1000)
    neighbors: int = Field(ge=1, le=1000)
    codes: list[Annotated[int, Field(ge=1, le=100_000)]]


class Unknown(Section, extra="allow"):
    """A model whose architecture is missing or wrong: nothing is known of its other keys."""


class Common(Section):
    """All of `params.yaml` but the models, which the pipeline names."""

    seed: int = Field(ge=0, le=2**31 - 1)
    protocol: Literal["holdout", "book"]
    train: Train
    evaluate: Evaluate
    baseline: Baseline


def trained_models() -> list[str]:
    """The models that the pipeline trains: each `models.NAME` that a stage declares."""
    entries = (entry.partition(".") for entry in validation.declared(PARAMS))
    return list(dict.fromkeys(name for section, _, name in entries if section == "models"))


def check(path: Path = PARAMS) -> None:
    """Validate a whole parameter file.

    Raises:
        UserError: one line per mistake: the dotted name, what is allowed, the value.
    """
    validation.refuse(path, mistakes(read_yaml(path)))


def mistakes(body: Any) -> list[str]:
    """One line per mistake in the content of a parameter file."""
    found = body.get("models") if isinstance(body, dict) else None
    blocks, trained = found if isinstance(found, dict) else {}, trained_models()
    kinds: dict[str, Any] = {name: (_parameters(blocks.get(name)), ...) for name in trained}
    models = create_model("Models", __base__=Section, **kinds)
    params = create_model("Params", __base__=Common, models=(models, ...))
    extra = [name for name in blocks if name not in trained]
    lines = validation.mistakes(params, body)
    return [line for line in lines if not _of(line, extra)] + [
        f"models.{name}: no stage trains it{validation.nearest(str(name), trained)}; add a line "
        f"for it to `vars` in {PIPELINE}, or remove it"
        for name in extra
    ]


def _of(line: str, names: list[Any]) -> bool:
    return any(line.startswith(f"models.{name}: unknown key") for name in names)


def _parameters(block: Any) -> Any:
    """What a model's block may say: that of its architecture."""
    names = architectures.names()
    name = block.get("architecture") if isinstance(block, dict) else None
    if name in names:
        return architectures.find(name).Parameters
    kind: Any = Literal[tuple(names)]
    return create_model("Unknown", __base__=Unknown, architecture=(kind, ...))
