"""`unroll add`: from a file to two blocks of YAML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click


def asked() -> bool:
    """Whether someone can answer questions."""
    return sys.stdin.isatty()


@click.command()
@click.argument("name")
@click.argument("path")
@click.option("--kind", type=click.Choice(["text", "series", "images"]))
@click.option("--text", metavar="COLUMNS", help="Of the texts, with commas between them.")
@click.option("--values", metavar="COLUMNS", help="Of the channels of series.")
@click.option("--series", metavar="COLUMN", help="Says which series a row belongs to.")
@click.option("--step", metavar="COLUMN", help="Says the order of the rows of a series.")
@click.option("--wide", is_flag=True, default=None, help="A row is a series, a column a step.")
@click.option("--window", type=int, metavar="STEPS", help="Cut from a long signal.")
@click.option("--stride", type=int, metavar="STEPS", help="From one window to the next.")
@click.option("--label", metavar="COLUMN", help="Of the classes; - if there are none.")
@click.option(
    "--class", "classes", multiple=True, metavar="NAME=LABELS", help="A class of several labels."
)
@click.option("--normal", metavar="CLASS", help="The class whose rows are no anomalies.")
@click.option("--group", metavar="COLUMN", help="Rows with the same value stay on one side.")
@click.option("--split", metavar="COLUMN", help="Says train or test in each row.")
@click.option("--test", type=float, metavar="SHARE", help="Of the rows, that test; 0.2.")
@click.option("--time", metavar="COLUMN", help="The last rows by this column test.")
@click.option("--encoding", metavar="NAME", help="Of the text, if it is not UTF-8: cp1252.")
@click.option("--architecture", metavar="NAME", help="A file of unroll/models/architectures.")
@click.option("--dry-run", is_flag=True, help="Write nothing.")
def add(name: str, path: str, architecture: str | None, dry_run: bool, **options: Any) -> None:
    """Add a corpus of yours, and a model of it.

    PATH is a table (.csv, .tsv, .jsonl, .parquet), arrays (.npz, .npy, IDX), an archive of series
    (.ts), or a folder a class of text files or images. What it holds is read and said. The corpus
    NAME becomes a block in corpora.yaml, its model one in params.yaml and a line in dvc.yaml; all
    three are shown. What no option says is guessed; without options, a terminal asks.
    """
    from unroll.adding import steps

    given = {key: value for key, value in options.items() if value not in (None, ())}
    if "classes" in given:
        given["classes"] = steps.classes(given["classes"])
    given |= {key: steps.columns(given[key]) for key in steps.LISTS if key in given}
    if given.get("label") == "-":
        given["label"] = None
    named = {"column": "split", "test": "test", "time": "time"}
    if split := {key: given.pop(option) for key, option in named.items() if option in given}:
        given["split"] = split
    asks = not given and architecture is None and asked()
    steps.add(name, Path(path), given, architecture, asks=asks, dry=dry_run)
