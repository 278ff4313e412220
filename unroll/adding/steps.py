"""The steps of `unroll add`: guess, ask, look, write, and say what was done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from harness.core.errors import UserError
from harness.core.paths import PARAMS, PIPELINE
from harness.core.yaml import read_yaml
from harness.stages import validation
from unroll.adding.guessing import guess
from unroll.adding.looking import look
from unroll.adding.sizing import model
from unroll.adding.writing import Entry, block_lines, write
from unroll.core.paths import CORPORA
from unroll.corpora.blocks import Images, Series, Text
from unroll.corpora.reading import find_tables
from unroll.models import architectures

NAME = re.compile(r"[a-z][a-z0-9_]*")
LISTS, COUNTS = ("text", "values"), ("window", "stride")
KINDS: dict[str, Any] = {"text": Text, "series": Series, "images": Images}
ASKED = (*LISTS, "series", "step", *COUNTS)
LABELED = ("label", "classes", "normal", "group", "split")
ORDER = ("kind", "path", "encoding", *ASKED[:4], "wide", *COUNTS, *LABELED)


def add(
    name: str,
    path: Path,
    given: dict[str, Any],
    architecture: str | None,
    *,
    asks: bool,
    dry: bool,
) -> None:
    """Add the corpus `name` and a model of it to the project, and print what was found.

    Args:
        given: what the block of the corpus says for sure.
        asks: whether the user is asked about the guesses.
        dry: whether nothing is written.

    Raises:
        UserError: a name is taken or not plain, or the corpus or its model would be refused later;
            nothing is written.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"{name}: not a plain name; expected small letters, digits and _: tickets")
    if name in (read_yaml(CORPORA).get("corpora") or {}):
        raise UserError(f"{CORPORA}: corpora.{name} is there already; take another name")
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder; correct the path")
    if architecture:
        architectures.find(architecture)
    if path.resolve().is_relative_to(Path.cwd()):
        path = path.resolve().relative_to(Path.cwd())
    body, why = guess(path, given)
    if asks:
        body, why = _asked(path, body, why)
    body |= {"path": str(path)}
    body = {key: body[key] for key in ORDER if key in body}
    model_of = KINDS[body["kind"]]
    validation.refuse(
        CORPORA, [f"corpora.{name}.{line}" for line in validation.mistakes(model_of, body)]
    )
    seen = look(name, model_of.model_validate(body))
    if body.get("normal") is not None:  # what is not normal shows in what cannot be rebuilt
        architecture = architecture or "lstm_autoencoder"
    family, trained, parameters = model(name, seen, architecture)

    print("\n".join([str(path), *(f"  {line}" for line in [*why, *seen.lines()])]))
    drawn = "codes" if family == "ae" else "classes" if len(seen.classes) == 2 else "many"
    line = f"{trained}: {{corpus: {name}, <<: *{drawn}}}"
    entries = [
        Entry(CORPORA, ("corpora",), name, block_lines(name, body)),
        Entry(PARAMS, ("models",), trained, block_lines(trained, parameters)),
        Entry(PIPELINE, ("vars", family), trained, [line]),
    ]
    write(entries, dry=dry)
    for entry in entries:
        print(f"\n{entry.file}, {'.'.join(entry.place)}:")
        print("\n".join(f"  {line}" for line in entry.lines))
    print("\nNothing was written." if dry else "\nNext: unroll repro")


def _asked(path: Path, body: dict[str, Any], why: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The block with the user's answers; each guess is the default of its question."""
    print("\n".join(f"  {line}" for line in why))
    sure: dict[str, Any] = {"kind": click.prompt("kind", body["kind"], type=click.Choice([*KINDS]))}
    if sure["kind"] != "images" and find_tables(path):
        label = click.prompt("label, - for none", body.get("label") or "-").strip()
        sure["label"] = None if label == "-" else label
    body, why = guess(path, sure)
    for key in [key for key in ASKED if key in body]:
        if key in COUNTS:
            body[key] = click.prompt(f"{key}, in steps", body[key], type=int)
        elif key in LISTS:
            body[key] = columns(click.prompt(f"{key}, with commas", ",".join(body[key])))
        else:
            body[key] = click.prompt(key, body[key]).strip()
    return body, why


def classes(texts: Iterable[str]) -> dict[str, list[str]]:
    """Classes and their labels of texts such as `spam=spam-*,junk`."""
    found = {}
    for text in texts:
        name, _, labels = text.partition("=")
        found[name.strip()] = columns(labels)
        if not name.strip() or not columns(labels):
            raise UserError(f"--class {text}: expected NAME=LABELS, such as 'spam=spam-*,junk'")
    return found


def columns(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
