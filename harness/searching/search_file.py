"""What a search tries: a block of `search.yaml`, by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness import project
from harness.core.errors import UserError
from harness.core.paths import PARAMS
from harness.core.yaml import read_yaml
from harness.experiments.sweep_file import Setting
from harness.searching import space
from harness.searching.halving import Halving
from harness.searching.space import Space
from harness.stages import overlay, validation

SEARCH = Path("search.yaml")
SEED = "seed"
TRIALS = 40  # where a block names neither trials nor hours
_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_HOW = "a block has `stage: NAME` and `space:` with what each parameter may be"


class Pruning(BaseModel):
    """See `harness.searching.halving`."""

    model_config = ConfigDict(extra="forbid", strict=True)
    min_epochs: int = Field(default=Halving().min_epochs, ge=1)
    reduction_factor: int = Field(default=Halving().reduction_factor, ge=2)
    startup_trials: int = Field(default=Halving().startup_trials, ge=1)


class Block(BaseModel):
    """A block as it stands in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    stage: str
    trials: int | None = Field(default=None, ge=1)
    hours: float | None = Field(default=None, gt=0)
    sampler: Literal["tpe", "random"] = "tpe"
    seed: int = Field(default=1, ge=0)
    pruning: Pruning | None = Pruning()
    finalists: int = Field(default=3, ge=1)
    seeds: int = Field(default=5, ge=2)
    space: dict[str, Any] = Field(min_length=1)


@dataclass(frozen=True)
class Search:
    """A search, every parameter and every end of a range valid.

    Attributes:
        stage: the last that is run of a trial, after those before it.
        trials: how many are drawn at most; None for no limit.
        hours: after which none is drawn; None for no limit.
        sampler: `tpe` or `random`.
        seed: of what is drawn.
        halving: which trials are cut short; None for none of them.
        finalists: how many of the best trials run with other seeds.
        seeds: how many seeds each of them has, and the default.
        params: the content of `params.yaml`.
    """

    name: str
    stage: str
    space: Space = field(hash=False)
    trials: int | None
    hours: float | None
    sampler: str
    seed: int
    halving: Halving | None
    finalists: int
    seeds: int
    params: dict[str, Any] = field(hash=False)

    def trial_name(self, number: int) -> str:
        """The name of a trial, and of its experiment."""
        return f"{self.name}-trial-{number:02d}"

    def setting(self, number: int, changes: dict[str, Any]) -> Setting:
        """What a trial runs.

        Raises:
            UserError: the changes are valid one by one and not together.
        """
        params, lines = overlay.changed(self.params, changes)
        if lines:
            raise UserError("; ".join(lines))
        return Setting(self.trial_name(number), changes, params)

    def other_seeds(self) -> list[int]:
        """The seeds of finalists, without that of the trials, by whose chance they were picked."""
        first = self.params[SEED]
        return list(range(first + 1, first + 1 + self.seeds))


def read(name: str, path: Path = SEARCH) -> Search:
    """A block of the file.

    Raises:
        UserError: there is none of that name, or one line for each mistake in it.
    """
    body = read_yaml(path)
    if not isinstance(body, dict):
        raise UserError(f"{path}: expected a block for each search; {_HOW}")
    if name not in body:
        close = validation.nearest(name, [str(key) for key in body])
        raise UserError(
            f"{path}: there is no block {name}{close}; it has {', '.join(map(str, body))}; {_HOW}"
        )
    if not _NAME.fullmatch(name):
        raise UserError(f"{path}: {name}: not a name, allowed: small letters, digits, - and _")
    project.read().check()
    params = read_yaml(PARAMS)
    lines = validation.mistakes(Block, body[name])
    if not lines:
        lines = _mistakes(body[name]["space"], params)
    if lines:
        raise UserError("\n".join(f"{path}: {name}.{line}" for line in lines))
    block = Block.model_validate(body[name])
    limited = block.trials is not None or block.hours is not None
    return Search(
        name,
        block.stage,
        Space(block.space),
        block.trials if limited else TRIALS,
        block.hours,
        block.sampler,
        block.seed,
        Halving(**block.pruning.model_dump()) if block.pruning else None,
        block.finalists,
        block.seeds,
        params,
    )


def _mistakes(entries: dict[str, Any], params: Any) -> list[str]:
    lines = []
    if not isinstance(params, dict) or type(params.get(SEED)) is not int:
        lines.append(f"seeds: {PARAMS} has no whole number `{SEED}` for the finalists to change")
    for name, entry in entries.items():
        wrong = space.mistakes(entry)
        if name == SEED:
            wrong = ["not to be searched; the finalists run with several"]
        if above := [other for other in entries if name.startswith(f"{other}.")]:
            wrong = [f"part of {above[0]}, which the space has, too"]
        if not wrong:
            found = (overlay.changed(params, {name: value})[1] for value in space.ends(entry))
            lines += list(dict.fromkeys(f"space.{line}" for each in found for line in each))
        lines += [f"space.{name}: {line}" for line in wrong]
    return lines
