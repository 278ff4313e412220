"""What a block of `corpora.yaml` says of a corpus: its kind, its columns, how it is split.

Not here: reading what a block names, which the readers of each kind do.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from harness.core.sections import Section

Column = Annotated[str, Field(min_length=1)]
Columns = Annotated[list[Column], Field(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Split(Section):
    """How rows become training and test rows, where the files themselves do not say it.

    Either a column says it, or the test split is a share of the rows: a random one of each class,
    of whole groups where the corpus has groups, or the last part by time.
    """

    column: Column | None = Field(default=None, description="has `train` or `test` in every row")
    test: Share = Field(default=0.2, description="share of the rows, or of the groups, that test")
    time: Column | None = Field(default=None, description="the rows last by this column test")

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        if self.column and self.model_fields_set - {"column"}:
            raise ValueError("has a column, so it should not have test or time")
        return self


def _noun(word: str) -> str:
    if word in TAKEN:
        raise ValueError("is a metric or a column of the results; take another word")
    return word


# Metrics and columns of tables, among which the number of rows and a class stand.
TAKEN = (
    *("accuracy", "anomaly_auc", "anomaly_average_precision", "auc", "average_precision"),
    *("balanced_accuracy", "beside", "confusion", "copies", "largest_error", "loss", "macro_f1"),
    *("majority", "mixed_up", "mse", "neighbor_accuracy", "parameters", "precision", "recall"),
    *("threshold", "x", "y"),
)
Noun = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$"), AfterValidator(_noun)]


class Nouns(Section):
    """What a row and a class of this corpus are called in tables and pictures."""

    rows: Noun = "rows"
    label: Noun = "class"


class Corpus(Section):
    """What corpora of every kind have."""

    path: str = Field(min_length=1, description="a file or folder; DVC hashes it")
    split: Split = Split()
    label: Column | None = Field(
        default=None, description="the column of the class; none: no classes"
    )
    group: Column | None = Field(
        default=None, description="rows with the same value stay on one side"
    )
    classes: list[str] | dict[str, Columns] | None = Field(
        default=None,
        min_length=2,
        description="their order; a mapping lists each one's labels, such as `ham-*`",
    )
    validation: Share = Field(default=0.1, description="share of the training rows that validate")
    blocks: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="of neighboring rows of each class that validate, else rows at random; for "
        "corpora whose neighbors are alike, such as reviews of one film",
    )
    seed: int = Field(
        default=13, ge=0, le=2**31 - 1, description="of the random choice of rows to hold out"
    )
    encoding: str | None = Field(
        default=None, description="of text without a byte order mark; else UTF-8"
    )
    nouns: Nouns = Nouns()
    normal: str | None = Field(default=None, description="the class whose rows are no anomalies")
    examples: list[int] = Field(
        default=[], description="a row of the test split for each class, to draw"
    )

    def reads(self) -> dict[str, Any]:
        """What says how rows without labels are read: keys of a block, and `others`, the columns
        of a table that are no values.
        """
        keys = {"encoding", "text", "values", "series", "step", "wide", "window", "stride"}
        others = (self.label, self.group, self.split.column, self.split.time)
        said = self.model_dump(include=keys, exclude_defaults=True)
        return said | {"others": [name for name in others if name]}

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            "".encode(name or "utf-8")
        except LookupError:
            raise ValueError("is no encoding; expected one such as cp1252 or utf-16") from None
        return name


class Text(Corpus):
    """Texts in a table (CSV, TSV, JSON Lines, Parquet), or a folder of text files a class."""

    kind: Literal["text"]
    text: Columns = Field(
        default=["text"], description="the columns of the text, joined by a line end"
    )
    count_error: float = Field(
        default=0,
        ge=0,
        le=1e-3,
        description="by which share of all training words the count of one may be too high, so "
        "that rare ones need no memory; 0: exact",
    )


class Series(Corpus):
    """Series of numbers in a long or a wide table, in arrays, or in a `.ts` file."""

    kind: Literal["series"]
    values: Columns | None = Field(default=None, description="the columns of the channels")
    series: Column | None = Field(
        default=None, description="a long table: which series a row belongs to"
    )
    step: Column | None = Field(default=None, description="a long table: the order of the rows")
    wide: bool = Field(
        default=False, description="a table whose rows are series and columns are steps"
    )
    window: int | None = Field(
        default=None, ge=2, le=100_000, description="steps cut from a long signal"
    )
    stride: int = Field(
        default=1, ge=1, le=100_000, description="steps from one window to the next"
    )
    scale: Literal["standard", "range", "none"] = Field(
        default="standard",
        description="by mean and deviation, or to [0, 1]; of the training split alone",
    )


class Images(Corpus):
    """Images of one size: a folder a class, IDX files, or arrays."""

    kind: Literal["images"]
    steps: Literal["rows", "columns"] = Field(
        default="rows", description="what the model reads in turn"
    )


Block = Annotated[Text | Series | Images, Field(discriminator="kind")]
