"""Tests of capabilities: small sentences with an answer or a direction that must hold.

(M. T. Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, ACL 2020.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
from pydantic import Field, ValidationError, model_validator

from harness.core.errors import UserError
from harness.core.sections import Section
from harness.core.yaml import read_yaml

PATH = Path("behavior.yaml")
UNSURE = "unsure"
# How much a score may differ between texts that must have the same; as in CheckList.
TOLERANCE = 0.1


class Test(Section):
    """A test as the file has it, see there."""

    text: str = ""
    answer: str = ""
    rise: list[str] = Field(default=[], min_length=2)
    same: list[str] = Field(default=[], min_length=2)
    times: int = Field(default=1, ge=1, le=1000)

    @model_validator(mode="after")
    def _one_kind(self) -> Test:
        if sum(map(bool, (self.text, self.rise, self.same))) != 1:
            raise ValueError("should have one of text, rise and same")
        if bool(self.text) != bool(self.answer):
            raise ValueError("should have text and answer together")
        return self


class Tests(Section):
    """The whole file."""

    slots: dict[str, str | list[str]]
    capabilities: dict[str, list[Test]] = Field(min_length=1)
    sentences: list[str]


@dataclass(frozen=True)
class Case:
    """A test with its slots filled.

    Attributes:
        kind: `rise`, `same`, or the answer, which is a class or `UNSURE`.
    """

    capability: str
    kind: str
    texts: tuple[str, ...]


def read(path: Path = PATH) -> tuple[list[Case], list[str]]:
    """The cases, and the sentences that are only shown.

    Raises:
        UserError: the file is missing or is no such file.
    """
    try:
        found = Tests.model_validate(read_yaml(path))
        slots = {k: [v] if isinstance(v, str) else v for k, v in found.slots.items()}
        cases = [
            Case(capability, kind, tuple(" ".join([text] * test.times) for text in texts))
            for capability, tests in found.capabilities.items()
            for test in tests
            for kind, templates in _kinds(test)
            for texts in _filled(templates, slots)
        ]
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: {place}: {first['msg']}") from None
    except (KeyError, ValueError, IndexError) as error:
        raise UserError(f"{path}: a text has a slot that `slots` has not ({error})") from None
    return cases, found.sentences


def _kinds(test: Test) -> list[tuple[str, list[str]]]:
    kinds = (test.answer, [test.text]), ("rise", test.rise), ("same", test.same)
    return [(kind, texts) for kind, texts in kinds if kind and any(texts)]


def _filled(templates: Sequence[str], slots: dict[str, list[str]]) -> Iterator[list[str]]:
    """The texts with each combination of the values of their slots."""
    names = sorted({name for t in templates for _, name, _, _ in Formatter().parse(t) if name})
    for values in product(*(slots[name] for name in names)):
        yield [text.format(**dict(zip(names, values, strict=True))) for text in templates]


def measure(
    cases: Sequence[Case],
    scores: Callable[[list[str]], np.ndarray],
    *,
    classes: Sequence[str],
    threshold: float,
    unsure: tuple[float, float],
) -> dict[str, Any]:
    """The share of failures, of all cases and by capability, and the number of cases.

    Args:
        scores: from texts to the probability of the second class, (n,).
        classes: the names of both classes.
        threshold: the lowest score of the second class.
        unsure: the range of scores, ends included, that claim nothing.

    Raises:
        UserError: an answer is no class.
    """
    if unknown := {case.kind for case in cases} - {*classes, UNSURE, "rise", "same"}:
        raise UserError(f"{PATH}: the answer {unknown.pop()!r} is not one of {', '.join(classes)}")
    texts = [text for case in cases for text in case.texts]
    found = iter(np.asarray(scores(texts), np.float64).tolist())
    failed: dict[str, list[bool]] = {}
    for case in cases:
        own = [next(found) for _ in case.texts]
        if case.kind == "rise":
            wrong = any(second <= first for first, second in pairwise(own))
        elif case.kind == "same":
            decisions = {score >= threshold for score in own}
            wrong = max(own) - min(own) > TOLERANCE or len(decisions) > 1
        elif case.kind == UNSURE:
            wrong = not unsure[0] <= own[0] <= unsure[1]
        else:
            wrong = (own[0] >= threshold) != (case.kind == classes[1])
        failed.setdefault(case.capability, []).append(wrong)
    every = [wrong for each in failed.values() for wrong in each]
    return {
        "failures": round(float(np.mean(every)), 4),
        "cases": len(cases),
        "capabilities": {name: round(float(np.mean(each)), 4) for name, each in failed.items()},
    }
