"""bias: what a model makes of groups of people, where it errs, and why it errs there."""

from pathlib import Path
from typing import Any

import numpy as np

from harness.core.files import read_json, write_csv, write_json
from harness.core.params import Declared
from harness.core.yaml import read_yaml
from unroll.behavior import association, errors, swaps
from unroll.core import paths
from unroll.core.arrays import read_array
from unroll.core.datasets import Part, read
from unroll.core.tokens import SPECIAL_TOKENS
from unroll.predicting.explaining import UNKNOWN_WORD, contributions
from unroll.predicting.gated import model_scorer
from unroll.predicting.scoring import Scorer

WORDS = Path("bias.yaml")
# Test rows of a group that are put to the model again, drawn by chance where there are more.
MOST = 500
STRONGEST = 5  # words of a row that have a rank, 1 and so on, in the column `strong`
MISTAKES = ("row", "actual", "score", "wrong", "place", "word", "contribution", "strong")


def main(params: Declared, name: str, corpus: str) -> None:
    said, resamples = read_yaml(WORDS), params.evaluate["resamples"]
    rng = np.random.default_rng(params.seed)
    test, scores = read(corpus, "test"), model_scorer(paths.model(name))
    threshold, known = scores.threshold, read_array(paths.evaluated(name) / "scores.npy")
    tokens = Tokens(corpus, test)
    y, called = np.asarray(test.y), (known >= threshold).astype(int)

    def compared(sides: list[str], texts: list[list[str]]) -> dict[str, Any]:
        every = np.array([scores(of_side) for of_side in texts])
        return swaps.changes(every, sides, threshold, resamples, rng)

    reviews, templates, present = {}, {}, {}
    for group, of in said["groups"].items():
        sides, filled = of["sides"], said["templates"]
        people = [[row[side] for row in of["people"]] for side in range(len(sides))]
        templates[group] = compared(
            sides, [[text.format(person) for text in filled for person in own] for own in people]
        )
        present[group] = tokens.having(swaps.sought(of["words"]))
        rows = rng.permutation(np.flatnonzero(present[group]))[:MOST]
        if len(rows):
            found = [tokens.of(row) for row in rows]
            texts = [
                [" ".join(swaps.swapped(row, of["words"], side)) for row in found]
                for side in range(len(sides))
            ]
            reviews[group] = compared(sides, texts)

    parts = errors.by_length(tokens.lengths) | {
        f"with words of {group}": rows for group, rows in present.items() if rows.any()
    }
    vectors = association.vectors(paths.model(name))
    tests = {what: association.association(vectors, s) for what, s in said["associations"].items()}
    near = {word: association.neighbors(vectors, word) for word in said["neighbors"]}
    write_json(
        paths.bias(name),
        {
            "reviews": reviews,
            "templates": templates,
            "associations": {what: found for what, found in tests.items() if found},
            "neighbors": {word: found for word, found in near.items() if found},
            "errors": {
                part: errors.rates(y[rows], called[rows], resamples, rng)
                for part, rows in ({"all": y >= 0} | parts).items()
            },
            "blocks": errors.by_block(y, called, said["block"], rng),
        },
    )
    points = paths.points(name)
    table = [
        (f"{group}: {side}", change["mean"], change["low"], change["high"])
        for group, found in reviews.items()
        for side, change in found["change"].items()
    ]
    write_csv(points / "bias.csv", ("group", "change", "low", "high"), table)
    write_csv(points / "mistakes.csv", MISTAKES, _mistakes(scores, tokens, y, known))
    most = max(table, key=lambda row: abs(row[1]), default=("none", 0.0))
    print(f"{name}: the largest mean change is {most[1]:+.4f} ({most[0]})")


class Tokens:
    """The words and marks of the prepared test rows, as texts.

    Attributes:
        lengths: of the rows in words, (n,).

    A word that the training texts do not have often enough stands for all such words.
    """

    def __init__(self, corpus: str, test: Part) -> None:
        said = read_json(paths.prepared(corpus) / paths.VOCABULARY)
        self._names = [UNKNOWN_WORD] * len(SPECIAL_TOKENS)
        self._names += said["vocabulary"]
        self.lengths = test.below(len(self._names)).lengths
        self._names += said["marks"]
        self._test = test
        assert test.ends is not None
        self._starts = test.ends - test.lengths

    def of(self, row: int) -> list[str]:
        """The words of a row."""
        assert self._test.ends is not None
        ids = self._test.x[self._starts[row] : self._test.ends[row]]
        return [self._names[i] for i in ids.tolist()]

    def having(self, words: list[str]) -> np.ndarray:
        """Which rows have one of the words, (n,)."""
        wanted = np.isin(self._names, words)
        return np.maximum.reduceat(wanted[self._test.x], self._starts)


def _mistakes(
    scores: Scorer, tokens: Tokens, y: np.ndarray, known: np.ndarray
) -> list[tuple[Any, ...]]:
    """Rows of `MISTAKES`: the words around those that contribute most, of the surest answers."""
    table: list[tuple[Any, ...]] = []
    for row in errors.surest(y, known, scores.threshold):
        found = contributions(scores, " ".join(tokens.of(row)))
        shown = found[errors.excerpt([value for _, value in found])]
        order = sorted(range(len(shown)), key=lambda place: -abs(shown[place][1]))[:STRONGEST]
        ranks = {place: rank for rank, place in enumerate(order, 1)}
        wrong = int((known[row] >= scores.threshold) != y[row])
        table += [
            (
                *(row, scores.classes[y[row]], round(float(known[row]), 4), wrong, place),
                "…" if word == UNKNOWN_WORD else word,
                *(round(value, 3), ranks.get(place, 0)),
            )
            for place, (word, value) in enumerate(shown)
        ]
    return table
