"""The baselines of texts, fitted, saved, and asked about new texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

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

    @property
    def reads(self) -> tuple[bool, int | None]:
        """What it reads of a text; methods with the same read the same."""
        return self.marks, self.last


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
        ngrams: Ngrams,
        counts: csr_array,
        y: np.ndarray,
        classes: int,
    ) -> Baseline:
        """Fit to the counts of some rows of a prepared corpus.

        Args:
            vocabulary: the corpus's own, `vocabulary` and `marks`.
            ngrams, counts: those of the rows, as `counted` gives them.
            y: class numbers, (rows,).
        """
        linear = naive_bayes(counts, y, classes) if method.bayes else tfidf(counts, y)
        return cls(method, vocabulary["vocabulary"], vocabulary["marks"], ngrams, linear)

    def probabilities(self, part: Part) -> np.ndarray:
        """As `Linear.probabilities` gives them, for texts whose words have the corpus's ids."""
        own = _read(self.method, len(self.words), part, np.arange(len(part)))
        return self.linear.probabilities(self.ngrams.counts(own))

    def contributions(self, part: Part) -> tuple[Part, np.ndarray]:
        """What is read of a part of one row, and what each token in it adds to the log-odds.

        Exact: an n-gram's share of the sum is parted equally among its tokens. Of more than two
        classes, the most probable one is explained.
        """
        part = _read(self.method, len(self.words), part, np.arange(1))
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


def counted(
    every: dict[str, Method],
    vocabulary: dict[str, list[str]],
    parts: Sequence[tuple[Part, np.ndarray]],
    least: int,
) -> Iterator[tuple[str, Ngrams, list[csr_array]]]:
    """For each method, the n-grams that it knows, and their counts in some rows of each part.

    Methods in turn that read the same of a text share what is counted: that takes longest.

    Args:
        parts: the rows of the first one are learned from.
        least: texts among those that an n-gram must be in.
    """
    words, marks = len(vocabulary["vocabulary"]), len(vocabulary["marks"])
    for _, group in groupby(every.items(), key=lambda item: item[1].reads):
        alike = dict(group)
        longest = max(alike.values(), key=attrgetter("most"))
        own = [_read(longest, words, part, rows) for part, rows in parts]
        ngrams = Ngrams.of(own[0], FIRST + words + marks, longest.most, least)
        counts = [ngrams.counts(each) for each in own]
        for name, method in alike.items():
            known = Ngrams(ngrams.base, ngrams.keys[: method.most])
            yield name, known, [each[:, : len(known)] for each in counts]


def _read(method: Method, words: int, part: Part, rows: np.ndarray) -> Part:
    """What a method reads of some rows."""
    own = part.take(rows)
    own = own if method.marks else own.below(FIRST + words)
    return own.take(np.arange(len(own)), method.last)
