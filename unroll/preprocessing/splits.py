"""Which rows test, and which of the others validate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.core.errors import UserError
from unroll.corpora.blocks import Split
from unroll.corpora.rows import SPLITS


def test_rows(
    split: Split,
    given: np.ndarray,
    times: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    seed: int,
    **options: Any,
) -> np.ndarray:
    """Which rows test: as the corpus says, the last by time, or a random share.

    Args:
        given: of each row the place in `SPLITS`, or -1 where the corpus does not say it.
        times: of each row, NaN where it has none; empty where no row has one.
        labels, groups, options: as for `held_back`.

    Returns:
        bool (n,).

    Raises:
        UserError: one of the two sides would be empty.
    """
    said = {SPLITS[number] for number in np.unique(given) if number >= 0}
    if said:
        for name in sorted(set(SPLITS) - said):
            raise UserError(f"there is no {name} row; the corpus has {', '.join(sorted(said))}")
        if given.min() < 0:
            raise UserError(f"row {given.argmin() + 1} is neither a train nor a test row")
        return given == SPLITS.index("test")
    if split.time is None:
        tests = np.zeros(len(labels), bool)
        tests[held_back(labels, groups, split.test, seed, "a test split", **options)] = True
        return tests
    absent = np.isnan(times)
    if absent.any() or not len(times):
        raise UserError(f"row {absent.argmax() + 1 if len(times) else 1} has no {split.time}")
    count = round(len(times) * split.test)
    if not 0 < count < len(times):
        raise UserError(f"a test split of {split.test} takes {count} of {len(times)} rows")
    return np.isin(np.arange(len(times)), np.argsort(times, kind="stable")[-count:])


def held_back(
    labels: np.ndarray,
    groups: np.ndarray,
    share: float,
    seed: int,
    what: str = "a validation part",
    *,
    windows: bool = False,
    normal: bool = False,
    classes: Sequence[str] = (),
) -> np.ndarray:
    """Choose rows as `stratified` does, but the last windows of a signal.

    Windows overlap with those beside them, so random ones would not be new to the model.

    Args:
        windows: whether the rows are windows, a group being a signal.
        normal: whether a model learns from one class alone, so that others may be missing.
        classes: their names by number, for messages.
    """
    count = round(len(labels) * share)
    if windows and len(np.unique(groups)) == 1 and count:
        sides = labels[:-count], labels[-count:]
        if normal or all(len(np.unique(side)) == len(np.unique(labels)) for side in sides):
            return np.arange(len(labels) - count, len(labels))
        groups = np.arange(len(labels))
    return stratified(labels, groups, share, seed, what, classes)


def stratified(
    labels: np.ndarray,
    groups: np.ndarray,
    share: float,
    seed: int,
    what: str = "a validation part",
    classes: Sequence[str] = (),
) -> np.ndarray:
    """Choose rows with the same proportions of classes as the whole.

    Rows of one group, such as copies of one text, stay on the same side, so that the chosen rows
    are new to the model.

    Args:
        labels: shape (n,), the class of each row.
        groups: shape (n,), equal where rows belong together.
        share: the share of each class's groups to choose, above 0 and below 1.
        seed: of the random choice.
        what: the chosen rows are, for messages; `classes` are their names by number.

    Returns:
        The chosen rows in ascending order.

    Raises:
        UserError: a class would be empty on one side.
    """
    rng = np.random.default_rng(seed)
    names, first = np.unique(groups, return_index=True)
    chosen = []
    for label in np.unique(labels):
        own = names[labels[first] == label]
        count = round(len(own) * share)
        if not 0 < count < len(own):
            raise UserError(
                f"{what} of {share} takes {count} of the {len(own)} examples of class "
                f"{classes[label] if classes else label}; both sides need at least one: add some, "
                "leave the class out, or choose another share"
            )
        chosen.append(rng.choice(own, count, replace=False))
    return np.flatnonzero(np.isin(groups, np.concatenate(chosen)))


def in_blocks(
    labels: np.ndarray, groups: np.ndarray, share: float, blocks: int, classes: Sequence[str] = ()
) -> np.ndarray:
    """Choose blocks of neighboring rows of each class, and what belongs to their groups.

    The rows of a class are cut into as many stretches, and the middle of each is chosen. Where
    neighbors are alike, random rows would have relatives among the others and look too easy.

    Args:
        labels, groups, share, classes: as for `stratified`.
        blocks: how many of each class.

    Returns:
        The chosen rows in ascending order.

    Raises:
        UserError: a class has too few rows.
    """
    chosen = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        stretches = np.array_split(own, blocks)
        sizes = [round(len(stretch) * share) for stretch in stretches]
        if min(sizes) < 1 or max(sizes) >= len(stretches[-1]):
            raise UserError(
                f"{blocks} blocks of {share} of the {len(own)} examples of class "
                f"{classes[label] if classes else label}: a block should have at least one of "
                "them and leave others; choose fewer blocks or another share"
            )
        for stretch, size in zip(stretches, sizes, strict=True):
            first = (len(stretch) - size) // 2
            chosen.append(stretch[first : first + size])
    return np.flatnonzero(np.isin(groups, groups[np.concatenate(chosen)]))
