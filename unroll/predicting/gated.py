"""What each word adds to a score of `unroll.models.ngrams.layer.GatedNgrams`, exactly.

The gates look at words alone. Given them, the log-odds are a sum over n-grams: of each its ratio
times its vector, as far as it is let in, for as long as states keep it. So an n-gram's share is as
exact as that of a linear model, and is parted equally among its words.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from harness.core.errors import UserError, reason
from harness.core.files import HOW_TO_FIX, read_json
from unroll.core.datasets import Part
from unroll.core.paths import CONFIGURATION, NGRAMS, WEIGHTS
from unroll.core.tokens import PAD
from unroll.exporting.export import named
from unroll.exporting.layers import array
from unroll.exporting.ngrams import PRIOR
from unroll.models.ngrams.known import HEAD, Known
from unroll.models.ngrams.table import NOTHING
from unroll.predicting.scoring import Scorer
from unroll.preprocessing.words import tokens


class GatedSum:
    """The weights of a model of n-grams, and the shares of words in its scores."""

    def __init__(self, folder: Path) -> None:
        """Read what `unroll.models.saving.save` wrote into `folder`.

        Raises:
            UserError: a file is missing or damaged, or the weights have other shapes.
        """
        self._known = Known.load(folder)
        try:
            layers = read_json(folder / CONFIGURATION)["config"]["layers"]
            [said] = [each["config"] for each in layers if each["class_name"] == "GatedNgrams"]
            score = layers[-1]["config"]["name"]
            self._units, self._gates, self._memory = said["units"], said["gates"], said["memory"]
            width, rows, words = 2 * said["units"], said["rows"], said["words"]
            with h5py.File(folder / WEIGHTS) as file:
                own = named(file, said["name"])
                self._vectors = array(own, 0, (rows, width))
                if self._gates:
                    sides = width * (1 + self._memory)
                    self._looks = array(own, 1, (3 * words, sides)).reshape(3, words, sides)
                    self._looks[:, PAD] = 0
                    self._bias = array(own, 2, (sides,))
                self._ratios = array(own, 3 if self._gates else 1, (3 * rows,))[:rows]
                self._score = array(named(file, score), 0, (width, 1))[:, 0]
        except (KeyError, TypeError, OSError, ValueError, RuntimeError) as error:
            raise UserError(
                f"{folder / WEIGHTS}: not the weights of {folder / CONFIGURATION} "
                f"({reason(error)}); {HOW_TO_FIX}"
            ) from None

    def shares(self, tokens: list[str]) -> np.ndarray:
        """What each token of a text adds to the log-odds of the second class, float64 (tokens,).

        With the bias of the last layer they add up to the log-odds. Of a text that is too long,
        tokens that are in no n-gram that is read have 0.
        """
        part = Part(self._known.ids(tokens), np.empty(0, np.uint8), np.array([len(tokens)]))
        length, total = self._known.length, len(tokens)
        head = round(length * HEAD)
        places = np.arange(total)
        if total > length:
            places = np.append(places[:head], places[total - length + head :])
        read = self._known.read(part).x[places]
        words, ngrams = read[:, 0], read[:, 1:]
        ratios = np.where(ngrams == NOTHING, 0, self._ratios[ngrams]).astype(np.float64)
        scale = 1 / np.sqrt(np.sum(self._ratios[ngrams].astype(np.float64) ** 2) + PRIOR)
        kept = self._kept(words) * self._score * scale
        found = ratios * np.einsum("tnd,td->tn", self._vectors[ngrams], kept)
        shares = np.zeros(total)
        for size in range(1, ngrams.shape[1] + 1):
            for back in range(size):
                own = found[:, size - 1] / size
                inside = places >= back
                np.add.at(shares, places[inside] - back, own[inside])
        return shares

    def _kept(self, words: np.ndarray) -> np.ndarray:
        """How often the states count what each step is given, float64 (steps, 2 * units)."""
        if not self._gates:
            return np.ones((len(words), 2 * self._units))
        around = [words, np.append(PAD, words[:-1]), np.append(words[1:], PAD)]
        looks = sum(table[ids] for table, ids in zip(self._looks, around, strict=True))
        gates = 1 / (1 + np.exp(-(looks + self._bias).astype(np.float64)))
        if not self._memory:
            return 2 * gates
        admit, forget = np.split(gates, 2, axis=1)
        silence = np.exp(self._bias[2 * self._units :].astype(np.float64))
        return admit * np.concatenate(
            [
                _lasting(forget[::-1, : self._units], silence[: self._units])[::-1],
                _lasting(forget[:, self._units :], silence[self._units :]),
            ],
            axis=1,
        )


class NgramScorer(Scorer):
    """A trained model of n-grams, which says exactly what words contribute."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._sum = GatedSum(folder)

    def contributions(self, text: str) -> list[tuple[str, float]]:
        """The words and marks of a text, in order, with what each adds to the log-odds."""
        found = tokens(text)
        return list(zip(found, self._sum.shares(found).tolist(), strict=True))


def model_scorer(folder: Path) -> Scorer:
    """A trained model of texts as a function from texts to probabilities.

    Raises:
        UserError: a file is missing or damaged.
    """
    return NgramScorer(folder) if (folder / NGRAMS).exists() else Scorer(folder)


def _lasting(forget: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The sum of all states that a one at each step leads to, steps in the order of time reversed.

    Args:
        forget: the gates (steps, units), those of the last step first.
        after: what a one in the last state adds after the end.
    """
    found = np.empty_like(forget)
    left = after
    for step, gate in enumerate(forget):
        found[step] = 1 + left
        left = gate * found[step]
    return found
