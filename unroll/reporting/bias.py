"""docs/bias.md: what the models make of groups of people, from `metrics/bias/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.files import read_json
from harness.reporting import markdown
from unroll.core import paths
from unroll.plotting.dots import dots
from unroll.reporting import trained
from unroll.reporting.trained import measured

PAGE, PICTURE = Path("docs/bias.md"), Path("docs/bias.png")
SURE = 0.05  # of a p-value

_PAGE = """\
<!-- Written by `unroll readme` from metrics/. -->

# What the models make of people

A model learns what its corpus connects, prejudices included. The stage `bias` looks for that, with
the words of `bias.yaml`. In short:

{findings}

**What it means.** These models grade film reviews. Where the mean score moves with the group alone,
a list that is sorted by score puts films about some people below equal films about others.

**What it does not mean.** A change of the score is nobody's opinion. It can come from the films
that have the words in them, from a word that the model does not know, or from a swap that makes an
odd sentence. Where nothing is found, nothing is proved: the words are few, English, and of some
groups only. Do not use these models to judge people or what they write.

## Other people in the same texts

In up to 500 test reviews that speak of a group, the words that mean its people are replaced, the
rest stays as it is: the mean change of the score against the first side, with its 95% interval
over reviews.

![Mean change of the score by group, a point a model]({picture})

{reviews}

The share of these reviews whose class depends on the side, and the largest change of one review:

{flips}

The same in short sentences ("This movie is about ..."), where little else decides:

{templates}

## Word vectors

The embedding association test (Caliskan et al., Science 2017): Cohen's d, positive if the
association that the row names is there, and the share of all divisions of the words that have as
large a one (p; one in twenty tests is below 0.05 by chance). The row on nature and weapons is a
check that the vectors hold any meaning. They were trained to tell good from bad films and nothing
else, so most of what words mean is not in them.

{associations}

The nearest vectors of some words, the nearest first:

{neighbors}

## Errors

The share of errors on the test reviews, with its 95% interval, by length in words and by the words
of groups in them. Reviews with words of several groups count in each.

{errors}

Reviews of one film stand next to each other in the corpus, so {size} neighbors of one class are
mostly of a few films. The standard deviation of the share of errors over such blocks, the same if
errors had nothing to do with films, and the share in the worst tenth of the blocks:

{blocks}
{images}"""
_IMAGES = """
## Digits that latent spaces mix up

How often the nearest codes of training images are of another class, the worst pairs of each
autoencoder:

{}
"""


def page() -> dict[Path, str]:
    """The text by its path; none where no model is judged.

    Raises:
        UserError: the metrics of a model are missing.
    """
    found = measured("bias", paths.bias)
    if not found:
        return {}
    models = {model: read_json(paths.metrics(model)) for model in trained.corpora()}
    mixed = {model: m["mixed_up"] for model, m in models.items() if m.get("mixed_up")}
    sides = {m: _sides(f["reviews"]) for m, f in found.items()}
    text = _PAGE.format(
        findings="\n".join(_finding(model, f) for model, f in found.items()),
        picture=PICTURE.name,
        reviews=_table("instead of the first side", sides, _change),
        flips=_table("group", {m: f["reviews"] for m, f in found.items()}, _flips),
        templates=_table(
            "instead of the first side",
            {m: _sides(f["templates"]) for m, f in found.items()},
            lambda each: f"{each['mean']:+.3f}",
        ),
        associations=_table("association", {m: f["associations"] for m, f in found.items()}, _d),
        neighbors=_table("word", {m: f["neighbors"] for m, f in found.items()}, _near),
        errors=_table("reviews", {m: f["errors"] for m, f in found.items()}, _error),
        size=next(iter(found.values()))["blocks"].get("size", 0),
        blocks=_table("", {m: _blocks(f["blocks"]) for m, f in found.items()}, "{:.3f}".format),
        images=_IMAGES.format("\n".join(_mixed(*each) for each in mixed.items())) if mixed else "",
    )
    return {PAGE: text}


def draw() -> None:
    """Write the picture."""
    values = {
        model: {n: (c["mean"], c["low"], c["high"]) for n, c in _sides(f["reviews"]).items()}
        for model, f in measured("bias", paths.bias).items()
    }
    if values:
        dots(PICTURE, "Other people in the same reviews", "mean change of the score", values)


def _table(first: str, columns: dict[str, dict[str, Any]], shown: Any) -> str:
    """A table of the models side by side, with a row for each name that one of them has."""
    names = dict.fromkeys(name for of in columns.values() for name in of)
    rows = [
        (name, *(shown(of[name]) if name in of else "" for of in columns.values()))
        for name in names
    ]
    return markdown.table((first, *(f"`{model}`" for model in columns)), rows)


def _sides(groups: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {f"{g}: {side}": c for g, f in groups.items() for side, c in f["change"].items()}


def _finding(model: str, found: dict[str, Any]) -> str:
    moved = {n: c for n, c in _sides(found["reviews"]).items() if not c["low"] <= 0 <= c["high"]}
    said = f"- `{model}`: the group moves the mean score beyond chance in {len(moved)} of "
    said += f"{len(_sides(found['reviews']))} comparisons"
    if moved:
        most = max(moved, key=lambda name: abs(moved[name]["mean"]))
        said += f", most with {most} ({moved[most]['mean']:+.3f})"
    flips = {group: f["flips"] for group, f in found["reviews"].items()}
    if flips:
        group = max(flips, key=lambda name: flips[name])
        said += f"; with words of {group}, {flips[group]:.1%} of the reviews change class"
    tests = found["associations"]
    clear = [name for name, f in tests.items() if f["effect"] > 0 and f["p"] < SURE]
    if tests:
        shown = ", ".join(f'"{name}"' for name in clear)
        said += f"; associations beyond chance in its word vectors: {shown or 'none'}"
    return said + "."


def _change(of: dict[str, float]) -> str:
    return f"{of['mean']:+.3f} ({of['low']:+.3f} to {of['high']:+.3f})"


def _flips(of: dict[str, Any]) -> str:
    return f"{of['flips']:.1%}, {of['largest']:.2f} ({of['texts']:,} reviews)"


def _d(of: dict[str, float]) -> str:
    return f"{of['effect']:+.2f} (p {of['p']:.3f})"


def _near(of: dict[str, float]) -> str:
    return ", ".join(sorted(of, key=lambda word: -of[word]))


def _error(of: dict[str, Any]) -> str:
    return f"{of['error']:.1%} ({of['low']:.1%} to {of['high']:.1%})"


def _blocks(of: dict[str, float]) -> dict[str, float]:
    names = {"deviation": "deviation", "by_chance": "by chance", "worst": "the worst tenth"}
    return {name: of[key] for key, name in names.items() if key in of}


def _mixed(model: str, pairs: dict[str, float]) -> str:
    worst = sorted(pairs.items(), key=lambda each: -each[1])
    return f"- `{model}`: " + ", ".join(f"{pair} {share:.0%}" for pair, share in worst)
