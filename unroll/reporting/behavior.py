"""docs/behavior.md: what the models answer to small sentences, from `metrics/behavior/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.reporting import markdown
from unroll.core import paths
from unroll.plotting.dots import dots
from unroll.reporting.trained import measured

PAGE, PICTURE = Path("docs/behavior.md"), Path("docs/behavior.png")

_PAGE = """\
<!-- Written by `unroll readme` from metrics/behavior/. -->

# What the models do with small sentences

A model with a good score on the test split may still not know what "not" does. `behavior.yaml` has
small sentences by capability, of which the answer is certain, or at least which of two must have
the higher score, or that both must have the same. The stage `behavior` puts them to each model and
counts failures ({cases} cases; after Ribeiro et al., CheckList, ACL 2020).

![Share of failures by capability, a point a model]({picture})

Share of failures; the least in each row is bold:

{failures}

A failure says that a model cannot be trusted with such sentences. No failure does not say that it
can, as the sentences are few and simple. They are no part of the corpus. A line under `judged` in
`dvc.yaml` puts them to another model of English film reviews.

## Some sentences

The probability that each is positive, and, below, the least one that the model calls positive:

{sentences}
"""


def page() -> dict[Path, str]:
    """The text by its path; none where no model is judged.

    Raises:
        UserError: the metrics of a model are missing.
    """
    found = measured("behavior", paths.behavior)
    if not found:
        return {}
    first = next(iter(found.values()))
    head = [f"`{model}`" for model in found]
    numbers = range(1, len(head) + 1)
    shares = [_shares(name, found) for name in first["capabilities"]]
    total = _row("all cases", [f["failures"] for f in found.values()])
    lines = [
        (text, *(f"{f['sentences'][text]:.3f}" for f in found.values()))
        for text in first["sentences"]
    ]
    lines.append(("*threshold*", *(f"{f['threshold']:.3f}" for f in found.values())))
    text = _PAGE.format(
        cases=first["cases"],
        picture=PICTURE.name,
        failures=markdown.table(("capability", *head), [*shares, total], numbers),
        sentences=markdown.table(("text", *head), lines, numbers),
    )
    return {PAGE: text}


def draw() -> None:
    """Write the picture."""
    found = measured("behavior", paths.behavior)
    if found:
        values = {m: {n: (v,) for n, v in f["capabilities"].items()} for m, f in found.items()}
        dots(PICTURE, "Small sentences", "share of failures", values, shares=True)


def _shares(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    return _row(name, [f["capabilities"][name] for f in found.values()])


def _row(name: str, values: list[float]) -> tuple[str, ...]:
    return (name, *(f"**{v:.0%}**" if v == min(values) else f"{v:.0%}" for v in values))
