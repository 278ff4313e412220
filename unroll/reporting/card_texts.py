"""The texts of model cards: templates by task and kind, and what is said of a corpus.

Not here: what a run decides, which cards.py fills in.
"""

from __future__ import annotations

from pathlib import Path

from harness.core.yaml import read_yaml
from unroll.core import paths
from unroll.core.tasks import MANY, REBUILD, TWO
from unroll.corpora.blocks import Block

CORPORA, URL = Path("docs/corpora"), "URL-OF-THIS-REPOSITORY"

CARD = """\
<!-- Written by `unroll readme` from metrics/, plots/, docs/corpora/ and dvc.lock. -->

# {model}

{about}.

{reads}

```sh
unroll predict {model} {input}
dvc {get}   # elsewhere
```

## Metrics on the test set

{metrics}

{note}

{details}## Beside baselines

What is compared with above is the best baseline by its validation figures, or PCA with as many
numbers as the code. All of them, on the same test split:

{baselines}

## How it was trained

{training}

{corpus}
"""
# By kind: what a model reads in turn, and what `unroll predict` is given.
STEPS = {"text": "word", "series": "step", "images": "row"}
INPUTS = {"text": '"A text"', "series": "FILE", "images": "FILE"}

_READS = "It reads {rows} {step} by {step}"
READS = {
    TWO: f"{_READS} and gives, after the last one, the probability of {{high}}: sequence to "
    "vector.",
    MANY: f"{_READS} and gives, after the last one, a probability to each of {{classes}} classes: "
    "sequence to vector.",
    REBUILD: f"{_READS} into a code of {{latent}} numbers (sequence to vector), and writes them "
    "again from the code alone (vector to sequence). Codes have no meaning of their own: another "
    "training, even with the same parameters and another seed, arranges them differently.",
}
CUT = " Of longer ones it reads the last {length} {step}s."
CUT_WITHIN = (
    " Words are all tokens, marks of punctuation included, and it knows phrases of up to {ngrams} "
    "of them. Of {rows} of more than {length} it reads the first third of so many, and the end."
)

_INTERVALS = (
    " The loss is the mean cross-entropy in nats. The intervals are percentiles over bootstrap "
    "resamples of the {rows}; they do not include the variation between seeds."
)
NOTES = {
    TWO: "On {count} test {rows}, {positives} of them {high}." + _INTERVALS,
    MANY: "On {count} test {rows}, {majority} of them {largest}, the largest class." + _INTERVALS,
    REBUILD: "On {count} test {rows}. The loss is the {loss}. There are no intervals.",
}
LOSS = {"images": "mean binary cross-entropy in nats per pixel", "series": "mean squared error"}
NEIGHBORS = (
    " Nearest-neighbor accuracy: how often the nearest codes of training {rows} are of the same "
    "{label}."
)
ANOMALIES = (
    " The error of {rows} is also measured as a score of anomalies, which are all that is not "
    "{normal}; it is largest, {error}, in row {row} of the test split."
)

COPIES = " Of their texts, {copies} are in the training split as well, word for word."
NO_COPY = " None of their texts is in the training split."

WORDINGS = (
    "The model calls {rows} {high} if their probability is at least {threshold}, the threshold "
    "that maximized Youden's J, smoothed, on validation data. `unroll predict` chooses its words "
    "by how far the probability is from the threshold toward certainty. How often the words were "
    "right on the test {rows}:"
)


def of_corpus(name: str, block: Block) -> str:
    """What docs/corpora/NAME.md says of a corpus, or else what its block does."""
    path = CORPORA / f"{name}.md"
    if path.exists():
        return "## " + path.read_text("utf-8").partition("## ")[2].rstrip()
    source, sources = Path(block.path), read_yaml(paths.CORPORA)["sources"]
    places = [
        place.get("package") or place["url"]
        for name_of, fetched in sources.items()
        if paths.raw(name_of) in (source, *source.parents)
        for place in fetched["from"].values()
    ]
    columns = getattr(block, "text", None) or getattr(block, "values", None) or []
    split, rule = block.split, f"the last {block.split.test:.0%} by `{block.split.time}` test"
    if split.column:
        rule = f"`{split.column}` says which rows test"
    elif not split.time:
        rule = f"where the files do not say which rows test, {split.test:.0%} at random do"
    facts = (
        f"`{block.path}`" + f", fetched from {' or '.join(places)}" * bool(places),
        columns and f"columns {', '.join(f'`{column}`' for column in columns)}",
        block.label and f"class in the column `{block.label}`",
        rule,
        block.group and f"rows of one `{block.group}` are on one side",
    )
    head = f"## Data\n\nThe corpus `{name}` of `{paths.CORPORA}`:\n"
    return "\n".join([head, *(f"- {fact}" for fact in facts if fact)])
