"""The space of a search: for each parameter, the values that it may take.

Optuna draws from it. Values that are no single number or text, such as lists and sections, are
drawn as their JSON, and numbers with a point are rounded, as nobody reads more digits of a rate.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

DIGITS = 4  # of a number with a point, the leading zeros not counted
_RANGE = {"low", "high", "log", "step"}
_FORM = "expected a list of values, or a range such as {low: 0.1, high: 1.0, log: true}"


@dataclass(frozen=True)
class Space:
    """What a search draws from.

    Attributes:
        entries: by dotted parameter, a list of choices or a range: a dictionary with `low` and
            `high`, both included, and maybe `log` or `step`.
    """

    entries: dict[str, Any]

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The same for Optuna."""
        return {name: _distribution(entry) for name, entry in self.entries.items()}

    @cached_property
    def size(self) -> int | None:
        """The number of points; None where they are not countable."""
        size = 1
        for distribution in self.distributions.values():
            count = _count(distribution)
            if count is None:
                return None
            size *= count
        return size

    def points(self) -> Iterator[dict[str, Any]]:
        """All points of a countable space, as Optuna has them, always in the same order."""
        axes = (_values(distribution) for distribution in self.distributions.values())
        for values in itertools.product(*axes):
            yield self.rounded(dict(zip(self.distributions, values, strict=True)))

    def rounded(self, point: dict[str, Any]) -> dict[str, Any]:
        """A drawn point with fewer digits, still within its ranges."""
        found = {}
        for name, value in point.items():
            distribution = self.distributions[name]
            if isinstance(distribution, FloatDistribution):
                # A multiple of a step needs all of its digits, but not those of rounding errors.
                value = float(f"{value:.{10 if distribution.step else DIGITS}g}")
                value = min(max(value, distribution.low), distribution.high)
            found[name] = value
        return found

    def changes(self, point: dict[str, Any]) -> dict[str, Any]:
        """What a point changes in the parameters."""
        return {
            name: json.loads(value) if _is_coded(self.entries[name]) else value
            for name, value in point.items()
        }


def short_names(names: list[str]) -> dict[str, str]:
    """The last part of each dotted name, or more of it where that is the end of several."""

    def short(name: str) -> str:
        parts = name.split(".")
        ends = (".".join(parts[-n:]) for n in range(1, len(parts) + 1))
        return next(
            (e for e in ends if sum(f".{other}".endswith(f".{e}") for other in names) == 1), name
        )

    return {name: short(name) for name in names}


def mistakes(entry: Any) -> list[str]:
    """One line for each mistake in what a space says of a parameter."""
    if isinstance(entry, list):
        same = any(value in entry[:i] for i, value in enumerate(entry))
        return ["a choice stands twice"] if same else [] if entry else ["no choices"]
    if not (isinstance(entry, dict) and {"low", "high"} <= set(entry) <= _RANGE):
        return [_FORM]
    low, high, step = entry["low"], entry["high"], entry.get("step")
    if not all(_is_number(value) for value in (low, high, *([] if step is None else [step]))):
        return ["low, high and step must be numbers"]
    log = entry.get("log", False)
    if not isinstance(log, bool):
        return [f"log is {log!r}, expected true or false"]
    lines = []
    if low >= high:
        lines.append(f"low is {low}, expected less than high, which is {high}")
    if step is not None and step <= 0:
        lines.append(f"step is {step}, expected more than 0")
    if log and step is not None:
        lines.append("log and step exclude each other")
    if log and low <= 0:
        lines.append(f"low is {low}, expected more than 0 on a log scale")
    if _is_whole(entry) and isinstance(step, float):
        lines.append(f"step is {step}, expected a whole number, as low and high are")
    return lines


def ends(entry: Any) -> list[Any]:
    """The values of an entry that tell whether all of it is allowed: choices, or the two ends."""
    return entry if isinstance(entry, list) else [entry["low"], entry["high"]]


def _distribution(entry: Any) -> BaseDistribution:
    if isinstance(entry, list):
        return CategoricalDistribution(
            [json.dumps(v) for v in entry] if _is_coded(entry) else entry
        )
    low, high, log = entry["low"], entry["high"], entry.get("log", False)
    if _is_whole(entry):
        step = entry.get("step") or 1
        return IntDistribution(low, low + (high - low) // step * step, log, step)
    step = entry.get("step")
    if step:  # Optuna would cut this itself, and warn
        high = low + int((high - low) / step + 1e-9) * step
    return FloatDistribution(low, high, log, step)


def _is_coded(entry: Any) -> bool:
    plain = (str, int, float, bool)
    return isinstance(entry, list) and not all(isinstance(value, plain) for value in entry)


def _is_whole(entry: dict[str, Any]) -> bool:
    return isinstance(entry["low"], int) and isinstance(entry["high"], int)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(distribution: BaseDistribution) -> int | None:
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if distribution.step is None:
        return None
    return round((distribution.high - distribution.low) / distribution.step) + 1


def _values(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, step, count = distribution.low, distribution.step, _count(distribution)
    assert step is not None
    assert count is not None
    return [low + i * step for i in range(count)]
