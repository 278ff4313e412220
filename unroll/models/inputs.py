"""What a model reads of a prepared corpus: word ids or numbers, of one length, padded in front."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, read_json, write_json
from unroll.core.datasets import About, Part, about
from unroll.core.paths import VOCABULARY, prepared
from unroll.core.tokens import FIRST, PAD, START, UNKNOWN
from unroll.models import vectors
from unroll.models.ngrams.inputs import NgramInputs
from unroll.models.parameters import OF_TEXT, Autoencoder, Classifier, Ngrams
from unroll.models.stacks import MASKED, Data

# Bytes that the states of a recurrent layer may take in one step: more than most machines have.
MOST_MEMORY = 64 * 2**30


@dataclass
class Inputs:
    """How one model reads one corpus.

    Attributes:
        data: what its layers depend on; word vectors are in it after `learn`.
        words: of a text model, in the order of their ids; the first `skip_top` are unknown to it.
        known: the id in the model of each id of the corpus.
        embedding: numbers of the word vectors that are to be counted; 0: none are.
    """

    corpus: str
    kind: str
    data: Data
    mask: bool
    words: list[str]
    skip_top: int
    known: np.ndarray
    embedding: int = 0

    def learn(self, part: Part, rows: np.ndarray) -> Part:
        """What the model reads of the part that it learns rows of; count vectors in these rows."""
        found = self.read(part)
        if self.embedding:
            texts = self._texts(found, rows)
            found_vectors = vectors.counted(texts, self.data.vocabulary, self.embedding)
            self.data = replace(self.data, vectors=found_vectors)
        return found

    def _texts(self, part: Part, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of a part by the ids of the model, some at a time, and where each row ends."""
        blocks = np.cumsum(part.lengths[rows]) // vectors.WORDS
        for own in np.split(rows, np.flatnonzero(np.diff(blocks)) + 1):
            found = part.take(own)
            assert found.ends is not None
            yield self.known[found.x], found.ends

    def read(self, part: Part) -> Part:
        """What the model reads of a part: of texts the words, without marks of punctuation."""
        return part.below(len(self.known)) if self.kind == "text" else part

    def rows(self, part: Part, rows: np.ndarray | None = None) -> np.ndarray:
        """Rows of a part as the model reads them, in the type in which they are stored."""
        if self.kind == "images":
            return part.padded(self.data.steps, 0, rows)
        if self.kind == "series":
            return part.padded(self.data.steps, MASKED if self.mask else 0, rows)
        found = self.known[part.padded(self.data.steps, PAD, rows)]
        # A short text begins with START, which takes the last step of the padding before it.
        short = np.flatnonzero(found[:, 0] == PAD)
        found[short, (found[short] != PAD).argmax(axis=1) - 1] = START
        return found

    def scaled(self, rows: np.ndarray) -> np.ndarray:
        """Stored rows as float32: images in [0, 1], other numbers and ids as they are."""
        if self.kind == "images":
            return np.divide(rows, 255, dtype=np.float32)
        return rows.astype(np.float32)

    def prepare(self, rows: Any) -> Any:
        """The same within a computation of the backend."""
        from keras import ops

        rows = ops.cast(rows, "float32")
        return rows / 255 if self.kind == "images" else rows

    def save(self, folder: Path) -> None:
        """Write what the use of a model needs to know of its inputs."""
        if self.kind == "text":
            vocabulary = {"vocabulary": self.words, "skip_top": self.skip_top}
            write_json(folder / VOCABULARY, vocabulary | {"length": self.data.steps})


AnyInputs = Inputs | NgramInputs
AnyParameters = Classifier | Autoencoder | Ngrams


def inputs_of(name: str, corpus: str, parameters: AnyParameters) -> AnyInputs:
    """How the model `name` reads a prepared corpus.

    Raises:
        UserError: the parameters do not fit what is in the corpus.
    """
    found = about(corpus)
    kind = found.kind
    check_fit(name, corpus, parameters, found)
    if isinstance(parameters, Ngrams):
        return NgramInputs(name, corpus, parameters, vocabulary_of(corpus, "vocabulary", "marks"))
    every, words, skip_top, mask, counted_size = list[str](), list[str](), 0, False, 0
    length = found.steps[1]
    if isinstance(parameters, Classifier):
        mask = parameters.mask
        if kind == "series":
            length = min(parameters.length, length)
        if kind == "text":
            length, every = parameters.length, vocabulary_of(corpus, "vocabulary")
            words, skip_top = every[: parameters.vocabulary - FIRST], parameters.skip_top
            counted_size = parameters.embedding if parameters.vectors == "counted" else 0
    features = None if kind == "text" else found.features
    vocabulary = FIRST + len(words) if kind == "text" else 0
    data = Data(length, features, vocabulary, len(found.classes), kind == "images")
    width = max(parameters.units, int(features or 0), getattr(parameters, "embedding", 0))
    if (size := 4 * max(parameters.batch, 1000) * length * width) > MOST_MEMORY:
        raise UserError(
            f"params.yaml: models.{name}.units: a batch of sequences of {length} steps of {width} "
            "numbers takes "
            f"{size / 2**30:.0f} GiB, should be at most {MOST_MEMORY // 2**30}"
        )
    known = np.full(FIRST + len(every), UNKNOWN, np.min_scalar_type(max(vocabulary - 1, UNKNOWN)))
    known[:vocabulary] = np.arange(vocabulary)
    known[FIRST : FIRST + skip_top] = UNKNOWN
    return Inputs(corpus, kind, data, mask, words, skip_top, known, counted_size)


def check_fit(name: str, corpus: str, parameters: AnyParameters, found: About) -> None:
    """Refuse a model that cannot read a corpus.

    Args:
        found: what is known of the corpus.

    Raises:
        UserError: an autoencoder of texts or of several lengths, a classifier without classes, or
            parameters of texts for other kinds.
    """
    place, (least, most) = f"params.yaml: models.{name}", found.steps
    if isinstance(parameters, Autoencoder):
        if found.kind == "text":
            raise UserError(f"{place}: an autoencoder reads series or images; {corpus} has texts")
        if least != most:
            raise UserError(
                f"{place}: an autoencoder reads series of one length; those of {corpus} have "
                f"{least} to {most} steps; cut windows with `window` in "
                "corpora.yaml"
            )
        return
    if isinstance(parameters, Ngrams) and (found.kind != "text" or len(found.classes) != 2):
        raise UserError(
            f"{place}: {parameters.architecture} tells two classes of texts apart; {corpus} has "
            f"{found.kind} of {len(found.classes) or 'no'} classes"
        )
    if not found.classes:
        raise UserError(
            f"{place}: {parameters.architecture} tells classes apart, and {corpus} has no "
            "labels; set `label` in corpora.yaml, or take an autoencoder"
        )
    unused = sorted(parameters.model_fields_set & set(OF_TEXT))
    if found.kind != "text" and unused:
        raise UserError(f"{place}.{unused[0]}: says something of texts; remove it")


def vocabulary_of(corpus: str, *kinds: str) -> list[str]:
    """What is in the training texts of a prepared corpus, in the order of the ids.

    Args:
        kinds: `vocabulary`, the words, the most frequent first, or also `marks`, after them.

    Raises:
        UserError: the file is missing or is no such file.
    """
    path = prepared(corpus) / VOCABULARY
    try:
        body = read_json(path)
        return [token for kind in kinds for token in body[kind]]
    except (TypeError, KeyError):
        raise UserError(f"{path}: not a vocabulary; {HOW_TO_FIX}") from None
