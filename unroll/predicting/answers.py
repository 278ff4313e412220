"""The answers of a model to its inputs, printed as they come or written to a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.errors import UserError
from harness.core.files import HOW_TO_FIX, write_text
from unroll.core.paths import METHOD, TASK
from unroll.core.tasks import REBUILD
from unroll.metrics.reconstruction import cross_entropy, squared_error
from unroll.predicting import arrays, codes, explained, images
from unroll.predicting.encoding import Encode, encoder
from unroll.predicting.explaining import Contributions, contributions
from unroll.predicting.inference import Network
from unroll.predicting.model import Batch, Model, find
from unroll.predicting.scorers import scorer_of
from unroll.predicting.texts import Texts
from unroll.predicting.verdicts import verdict

# One answer: what a file gets of it, the line that is printed, what follows that line where no file
# is written, and what JSON says.
Answer = tuple[np.ndarray, str, str, dict[str, Any]]
PARTS = {"codes": "encoder", "decode": "decoder"}


def predict(
    name: str,
    inputs: Sequence[str],
    *,
    files: Sequence[str] = (),
    tables: Sequence[str] = (),
    test: bool = False,
    invert: bool = False,
    wanted: str | None = None,
    output: str | None = None,
    as_json: bool = False,
    explain: str | None = None,
) -> int:
    """Answer every input; the exit code, which is 1 if one could not be answered.

    Args:
        wanted: of an autoencoder `codes`, `rebuild` or `decode`.
        explain: of texts, say what each word contributes: here, or in a file `.html`.

    Raises:
        UserError: an argument, an input or the model cannot be used.
    """
    model = find(name)
    text = model.kind == "text"
    if wanted and model.task != REBUILD:
        raise UserError(f"--{wanted}: {name} tells classes apart, expected an autoencoder")
    if (files or tables) and not text:
        raise UserError(f"{name} reads {model.kind}, expected their files as INPUT")
    if (test and text) or (invert and model.kind != "images"):
        raise UserError(f"--{'test' if test else 'invert'}: {name} reads {model.kind}")
    if explain and not text:
        raise UserError(f"--explain: {name} reads {model.kind}, expected a model of texts")
    if explain and explain != explained.HERE:
        explained.check_name(Path(explain))
    if model.task == REBUILD:
        wanted = wanted or "rebuild"
    if output:
        images.check_name(Path(output), model.kind == "images" and wanted in ("rebuild", "decode"))
    network, encode = _computing(model, PARTS.get(wanted or ""))
    texts = Texts(model, encode, inputs, files, tables) if encode else None
    batches = texts or arrays.batches(model, network, inputs, test, invert)
    answers: Iterable[list[Answer]]
    if wanted == "decode":
        answers = (_decoded(model, network(batch), batch) for batch in codes.read(inputs, network))
    else:
        answer = {"codes": _coded, "rebuild": _rebuilt}.get(wanted or "", _classes)
        answers = (answer(model, network(batch.x), batch) for batch in batches)
    told: list[tuple[str, Contributions]] = []
    if explain and texts:
        scores, in_file = scorer_of(model.folder), explain != explained.HERE
        answers = (
            _explained(model, scores, network(batch.x), batch, told, in_file) for batch in texts
        )
    kept = []
    for each in answers:
        for result, line, more, fields in each:
            if as_json:
                print(json.dumps({"model": name, **fields}))
            elif not output:
                print("\n".join(filter(None, (line, more))))
            elif wanted == "rebuild":
                print(line)
            kept += [result] if output else []
        sys.stdout.flush()
    if output:
        if not kept:
            raise UserError(f"{output}: not written, there is no answer")
        images.write(Path(output), np.stack(kept))
    if explain and explain != explained.HERE:
        write_text(Path(explain), explained.page(f"What {name} makes of texts", told))
    return 1 if texts and texts.failed else 0


def _computing(model: Model, part: str | None) -> tuple[Any, Encode | None]:
    """What computes the outputs of rows, (n, outputs), and what makes rows of texts.

    Args:
        part: of an autoencoder, what is wanted of it alone.
    """
    if (model.folder / METHOD).exists():
        from unroll.predicting.linear import LinearScorer  # with scikit-learn, a second

        scorer = LinearScorer(model.folder)
        return scorer.outputs, scorer.encode
    network, classes = Network(model.folder, part), len(model.classes)
    if model.task != REBUILD and network.outputs != ((1,) if classes == 2 else (classes,)):
        raise UserError(
            f"{model.folder / TASK}: {classes} classes, the model tells others apart; {HOW_TO_FIX}"
        )
    return network, encoder(model.folder) if model.kind == "text" else None


def _classes(model: Model, found: np.ndarray, batch: Batch) -> list[Answer]:
    answers = []
    for output, name, fields in zip(found, batch.names, batch.fields, strict=True):
        line, said = verdict(model, output, known=fields.get("words_known") != 0)
        answers.append((output, f"{line}  {name}", "", {**fields, **said}))
    return answers


def _explained(
    model: Model,
    scores: Any,
    found: np.ndarray,
    batch: Batch,
    told: list[tuple[str, Contributions]],
    in_file: bool,
) -> list[Answer]:
    answers = []
    for answer, text in zip(_classes(model, found, batch), batch.texts, strict=True):
        result, line, _, fields = answer
        words = contributions(scores, text)
        told.append((line, words))
        rounded = [(word, round(value, 4)) for word, value in words]
        more = "" if in_file else explained.printed(words)
        answers.append((result, line, more, fields | {"words": rounded}))
    return answers


def _coded(model: Model, found: np.ndarray, batch: Batch) -> list[Answer]:
    return [
        (code, codes.line(code), "", {**fields, "code": codes.numbers(code)})
        for code, fields in zip(found, batch.fields, strict=True)
    ]


def _rebuilt(model: Model, found: np.ndarray, batch: Batch) -> list[Answer]:
    errors = squared_error(batch.x, found)
    losses = cross_entropy(batch.x, found) if model.kind == "images" else errors
    before, after = _shown(model, batch.x), _shown(model, found)
    answers = []
    for i, (name, fields) in enumerate(zip(batch.names, batch.fields, strict=True)):
        line, more = f"mean squared error {errors[i]:.4f}", ""
        if model.kind == "images":
            line = f"loss {losses[i]:.4f}, {line}"
            more = images.preview(before[i], after[i])
        said = {"loss": round(float(losses[i]), 5), "mse": round(float(errors[i]), 5)}
        answers.append((after[i], f"{name}: {line}", more, {**fields, **said}))
    return answers


def _decoded(model: Model, found: np.ndarray, batch: np.ndarray) -> list[Answer]:
    answers = []
    for code, rebuilt in zip(batch, _shown(model, found), strict=True):
        if model.kind == "images":
            line, said = images.preview(rebuilt), images.bytes_of(rebuilt).tolist()
        else:
            line, said = "\n".join(map(codes.line, rebuilt)) + "\n", rebuilt.tolist()
        answers.append((rebuilt, line, "", {"code": codes.numbers(code), "rebuilt": said}))
    return answers


def _shown(model: Model, x: np.ndarray) -> np.ndarray:
    """Rows of a model as a user has them: images of their size, series in their own units."""
    return model.pictures(x) if model.kind == "images" else model.scaled(x, back=True)
