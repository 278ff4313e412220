"""Models over several seeds: what is said of them, and whether a difference holds."""

from __future__ import annotations

from typing import Any

from harness.experiments import seeds
from harness.experiments.means import Held, difference
from harness.experiments.seeds import current
from harness.experiments.sweep import Elsewhere
from harness.reporting import labels, markdown
from unroll.reporting import trained

TINY = 0.00005  # a deviation that four digits show as none


def main(
    count: int, models: tuple[str, ...], jobs: int, elsewhere: Elsewhere | None = None
) -> None:
    """Train and measure models, by default all, with `count` seeds, here or `elsewhere`."""
    stages = [f"evaluate@{model}" for model in models or trained.corpora()]
    seeds.main(stages, count, jobs, elsewhere)


def shown(entries: dict[str, Any], model: str, metric: str, part: str = "test") -> str:
    """Mean and standard deviation of a metric, such as `0.9357 ± 0.0012`; empty if not known.

    Args:
        entries: what `current` returned.
    """
    found = entries.get(model, {}).get(part, {}).get(metric)
    if not found:
        return ""
    digits = 4 if not 0 < found["deviation"] < TINY else 5
    return f"{found['mean']:.{digits}f} ± {found['deviation']:.{digits}f}"


def held(
    entries: dict[str, Any], model: str, against: str | float, metric: str, part: str = "test"
) -> Held | None:
    """How far the mean of a model lies above another's over seeds; None if seeds are not known.

    Args:
        entries: what `current` returned.
        against: another model, or the metric of one without chance, such as a baseline.
    """

    def values(name: str) -> list[float]:
        return entries.get(name, {}).get(part, {}).get(metric, {}).get("values", [])

    other = values(against) if isinstance(against, str) else [against]
    return difference(other, values(model)) if values(model) and other else None


def stale() -> list[str]:
    """A line for each entry of the report that is not of the results of the work tree."""
    kept = current()
    return [
        f"{seeds.REPORT}: {model} has other results now, so they are not shown; "
        f"`unroll seeds {len(entry['seeds'])} {model}` trains it again"
        for model, entry in seeds.read().items()
        if model not in kept
    ]


def of_card(model: str) -> str:
    """The paragraph of a card, with its heading; empty where no other seed was tried."""
    entry = current().get(model)
    if not entry:
        return ""
    known = labels.read()["metrics"]
    parts = [part for part in ("test", "validation") if part in entry]
    rows = [
        (known[name]["label"], *(shown({model: entry}, model, name, part) for part in parts))
        for name in known
        if name in entry["test"] and "better" in known[name]
    ]
    said = ", ".join(map(str, entry["seeds"]))
    table = markdown.table(("metric", *parts), rows)
    return (
        f"## Over {len(entry['seeds'])} seeds\n\nMean and standard deviation of trainings with the "
        f"seeds {said} (`{seeds.REPORT}`).\n\n{table}\n\n"
    )
