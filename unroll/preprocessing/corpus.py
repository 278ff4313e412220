"""From a block of `corpora.yaml` to the prepared data of a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import UserError
from harness.core.files import write_json
from unroll.core.arrays import write_array
from unroll.core.paths import ABOUT, CORPORA, VALIDATION, prepared
from unroll.corpora.blocks import Block
from unroll.preprocessing.found import Found
from unroll.preprocessing.kinds import KINDS
from unroll.preprocessing.splits import held_back, in_blocks, test_rows
from unroll.preprocessing.work import Work, work_for


@dataclass(frozen=True)
class Division:
    """Which rows train, validate and test.

    Attributes:
        classes: their names in the order of their numbers; none where rows have no labels.
        labels: numbers of classes, uint8 (n,); 0 without classes.
        tests: which rows test, bool (n,).
        held: which of the training rows validate, in ascending order.
    """

    classes: list[str]
    labels: np.ndarray
    tests: np.ndarray
    held: np.ndarray


def prepare(name: str, block: Block) -> dict[str, Any]:
    """Read a corpus, split it, and write `data/prepared/NAME`.

    Returns:
        How many rows each split and each class has, how many were left out, and copies.

    Raises:
        UserError: as `collect` and `divide` say.
    """
    with work_for(Path(block.path)) as work, mistakes_of(name, block):
        kind, found = collect(block, work)
        return _write(prepared(name), block, kind, found, divide(block, found))


@contextmanager
def mistakes_of(name: str, block: Block) -> Iterator[None]:
    """Begin the line of a `UserError` with the place of the block, unless it names the file."""
    try:
        yield
    except UserError as error:
        place = "" if str(error).startswith(block.path) else f"{CORPORA}: corpora.{name}: "
        raise UserError(f"{place}{error}") from None


def collect(block: Block, work: Work) -> tuple[Any, Found]:
    """Read a corpus.

    Rows without content, or without a label where others have one, are counted and left out.

    Returns:
        What writes the rows of its kind, and what is known of each.

    Raises:
        UserError: the corpus cannot be read, or has no row that can be used.
    """
    kind, found = KINDS[block.kind](block, work), Found()
    for kept in kind.read():
        found.add(kept)
    if not len(found):
        raise UserError("there is no row in it that can be used")
    return kind, found


def divide(block: Block, found: Found) -> Division:
    """Choose the rows that test, and those of the others that validate.

    Raises:
        UserError: a class would be empty on one side, or there is only one.
    """
    classes = _classes(block, found.labels.names)
    if len(classes) > 256:
        raise UserError(f"{len(classes)} classes in {block.label}; expected at most 256")
    if block.normal is not None and block.normal not in classes:
        raise UserError(f"normal: no row has the class {block.normal!r}; expected one of {classes}")
    numbers = {label: number for number, label in enumerate(classes)}
    # The last one is for rows without a label, whose number is -1.
    of_names = np.array([*(numbers[name] for name in found.labels.names), 0], np.uint8)
    labels, groups = of_names[found.labels.numbers], _groups(found)
    windows = bool(getattr(block, "window", None))
    of: dict[str, Any] = {
        "windows": windows,
        "normal": block.normal is not None,
        "classes": classes,
    }
    given = found.given.numbers, found.times
    tests = test_rows(block.split, *given, labels, groups, block.seed, **of)
    sides = labels[~tests], groups[~tests], block.validation
    if block.blocks:
        held = in_blocks(*sides, block.blocks, classes)
    else:
        held = held_back(*sides, block.seed, **of)
    return Division(classes, labels, tests, held)


def _write(
    folder: Path, block: Block, kind: Any, found: Found, division: Division
) -> dict[str, Any]:
    classes, labels, tests = division.classes, division.labels, division.tests
    splits = {"train": ~tests, "test": tests}
    about: dict[str, Any] = {
        "kind": block.kind,
        "classes": classes,
        **block.nouns.model_dump(),
        "steps": (int(kind.lengths.min()), int(kind.lengths.max())),
        "examples": block.examples,
        "normal": block.normal,
        "reads": block.reads(),
    }
    about |= kind.write(folder, splits)
    places = np.flatnonzero(tests)
    if np.ptp(places) >= len(places) or len(np.unique(found.groups.numbers[places])) > 1:
        about["stride"] = 0  # the windows that test are not those of one signal
    counts: dict[str, Any] = {
        "rows": {split: int(chosen.sum()) for split, chosen in splits.items()},
        "left_out": {"empty": found.empty, "without_label": found.without_label},
    }
    write_array(folder / VALIDATION, division.held)
    for split, chosen in splits.items():
        if classes:
            write_array(folder / f"y_{split}.npy", labels[chosen])
            each = np.bincount(labels[chosen], minlength=len(classes)).tolist()
            counts[f"{split}_classes"] = dict(zip(classes, each, strict=True))
    if copies := copies_of(found, tests):
        counts["copies"] = copies
    write_json(folder / ABOUT, counts | {"about": about})
    return counts


def copies_of(found: Found, tests: np.ndarray) -> dict[str, int]:
    """Copies of one text within each split, and texts that are in both; none of other kinds."""
    if not len(digests := found.digests):
        return {}
    train, test = np.unique(digests[~tests]), np.unique(digests[tests])
    return {
        "train": int((~tests).sum()) - len(train),
        "test": int(tests.sum()) - len(test),
        "both": len(np.intersect1d(train, test)),
    }


def _classes(block: Block, found: list[str]) -> list[str]:
    """The names of the classes in the order of their numbers; none where rows have no labels.

    Numbers are in their own order, other names in that of their code points.
    """
    names = set(found)
    if not names:
        return []
    if block.classes is not None:
        wanted = list(block.classes)
        if extra := sorted(names - set(wanted)):
            raise UserError(f"a row has the class {extra[0]!r}, which is not among `classes`")
        return wanted
    if len(names) == 1:
        raise UserError(f"all rows have the class {names.pop()!r}; expected two classes or more")
    try:
        return sorted(names, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(names)


def _groups(found: Found) -> np.ndarray:
    """A number for each row, equal where rows must stay on one side, int64 (n,).

    Rows belong together if they have the same group or are copies of one text, or if other rows
    link them.
    """
    count, known = len(found), list[np.ndarray]()
    if names := found.groups.names:
        ranks = np.full(len(names) + 1, -1)
        ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
        numbers = ranks[found.groups.numbers]
        # A row without a group is one of its own.
        alone = np.flatnonzero(numbers < 0)
        numbers[alone] = len(names) + np.arange(len(alone))
        known.append(numbers)
    if len(found.digests):
        known.append(np.unique(found.digests, return_inverse=True)[1])
    if not known:
        return np.arange(count)
    if len(known) == 1:
        return known[0]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = known
    size = first.max() + second.max() + 2
    links = coo_array((np.ones(count), (first, first.max() + 1 + second)), (size, size))
    return connected_components(links, directed=False)[1][first]
