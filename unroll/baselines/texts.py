"""The baselines of texts, fitted, saved, and asked about new texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.core.files import read_json, write_json
from unroll.baselines.linear import Linear, naive_bayes, tfidf
from unroll.baselines.ngrams import Ngrams
from unroll.core.arrays import read_array, write_array
from unroll.core.datasets import Part
from unroll.core.paths import METHOD, TASK, VOCABULARY
from unroll.core.tokens import FIRST


@dataclass(frozen=True)
class Method:
    """A baseline of texts.

    Attributes:
        most: the words of its longest n-grams.
        bayes: whether log-count ratios weight them, or TF-IDF.
        marks: whether it reads punctuation.
        last: it reads so many words of the end; None: all.
    """

    most: int
    bayes: bool = False
    marks: bool = False
    last: int | None = None


def methods(last: int) -> dict[str, Method]:
    """The baselines of texts by name: of whole texts, then of their last words."""
    found = {
        "words": Method(1),
        "bigrams": Method(2),
        "nb-bigrams": Method(2, bayes=True),
    }
    tails = {f"{name}-{last}": Method(of.most, of.bayes, last=last) for name, of in found.items()}
    return found | {"nb-trigrams": Method(3, bayes=True, marks=True)} | tails


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline.

    Attributes:
        classes: their names, of a saved one.
        threshold: of two classes, the least probability of the second one that decides for it.
    """

    method: Method
    words: list[str]
    marks: list[str]
    ngrams: Ngrams
    linear: Linear
    classes: Sequence[str] = ()
    threshold: float = 0.5

    @classmethod
    def fit(
        cls,
        method: Method,
        vocabulary: dict[str, list[str]],
        part: Part,
        rows: np.ndarray,
        classes: int,
        least: int,
    ) -> Baseline:
        """Fit to some rows of a prepared corpus.

        Args:
            vocabulary: the corpus's own, `vocabulary` and `marks`.
            least: texts that an n-gram must be in.
        """
        words, marks = vocabulary["vocabulary"], vocabulary["marks"]
        own = _read(method, words, part, rows)
        ngrams = Ngrams.of(own, FIRST + len(words) + len(marks), method.most, least)
        counts, y = ngrams.counts(own), part.y[rows]
        linear = naive_bayes(counts, y, classes) if method.bayes else tfidf(counts, y)
        return cls(method, words, marks, ngrams, linear)

    def probabilities(self, part: Part, rows: np.ndarray | None = None) -> np.ndarray:
        """As `Linear.probabilities` gives them, for rows of a prepared corpus."""
        rows = np.arange(len(part)) if rows is None else rows
        own = _read(self.method, self.words, part, rows)
        return self.linear.probabilities(self.ngrams.counts(own))

    def contributions(self, part: Part) -> tuple[Part, np.ndarray]:
        """What is read of a part of one row, and what each token in it adds to the log-odds.

        Exact: an n-gram's share of the sum is parted equally among its tokens. Of more than two
        classes, the most probable one is explained.
        """
        part = _read(self.method, self.words, part, np.arange(1))
        counts = self.ngrams.counts(part)
        output = int(self.linear.logits(counts)[0].argmax())
        row = self.linear.inputs(counts, output)
        added = np.zeros(counts.shape[1])
        added[row.indices] = row.data * self.linear.weights[output][row.indices]
        added[counts.indices] /= counts.data
        shares = np.zeros(len(part.x))
        for size, column, place in self.ngrams.places(part):
            for back in range(size):
                np.add.at(shares, place - back, added[column] / size)
        return part, shares

    def save(self, folder: Path) -> None:
        """Write what `load` reads, all but the words, which the methods of a corpus share."""
        sizes = [len(keys) for keys in self.ngrams.keys]
        said = {"sizes": sizes, "base": self.ngrams.base} | vars(self.method)
        write_json(folder / METHOD, said)
        write_array(folder / "keys.npy", np.concatenate(self.ngrams.keys))
        for name in ("factors", "weights", "bias"):
            write_array(folder / f"{name}.npy", getattr(self.linear, name).astype(np.float32))

    @classmethod
    def load(cls, folder: Path) -> Baseline:
        """A baseline that `save` wrote, beside the words of its corpus.

        Raises:
            UserError: a file is missing or damaged.
        """
        said, vocabulary = read_json(folder / METHOD), read_json(folder.parent / VOCABULARY)
        sizes, base = said.pop("sizes"), said.pop("base")
        keys = np.split(read_array(folder / "keys.npy"), np.cumsum(sizes)[:-1])
        factors, weights, bias = (
            read_array(folder / f"{name}.npy") for name in ("factors", "weights", "bias")
        )
        method = Method(**said)
        linear = Linear(factors, weights, bias, method.bayes)
        words, marks = vocabulary["vocabulary"], vocabulary["marks"]
        task = read_json(folder / TASK)
        decides = task["classes"], task.get("threshold", 0.5)
        return cls(method, words, marks, Ngrams(base, keys), linear, *decides)


def _read(method: Method, words: list[str], part: Part, rows: np.ndarray) -> Part:
    """What a method reads of some rows."""
    own = part.take(rows)
    own = own if method.marks else own.below(FIRST + len(words))
    return own.take(np.arange(len(own)), method.last)
