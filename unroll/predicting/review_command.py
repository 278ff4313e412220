"""The command `review` of `unroll predict`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator

from harness.core.errors import UserError
from unroll.predicting import model_folder
from unroll.predicting.lines import STDIN, Line, batches, line
from unroll.predicting.verdicts import Answer, Reviewer

EXCERPT = 60  # characters
STDIN_NAME = "standard input"


def run(options: argparse.Namespace) -> int:
    """Answer every review; 1 if one could not be answered."""
    if options.text and options.file:
        raise UserError("both REVIEW arguments and --file are given, expected one of them")
    reviewer = Reviewer(model_folder.folder(options.model))
    answered = failed = 0
    for batch in _inputs(options):
        answers = reviewer.answers([item.text or "" for item in batch])
        for item, answer in zip(batch, answers, strict=True):
            if answer is None:
                why = "not UTF-8 text" if item.text is None else "there is no word in it"
                sys.stdout.flush()
                print(f"error: {item.place}: {why}", file=sys.stderr)
                failed += 1
            else:
                print(_shown(item, answer, reviewer.threshold, options))
                answered += 1
        sys.stdout.flush()
    if not answered and not failed:
        raise UserError(f"{', '.join(options.file) or STDIN_NAME}: there is no review in it")
    return 1 if failed else 0


def _inputs(options: argparse.Namespace) -> Iterator[list[Line]]:
    if options.text:
        # Python hides bytes that are no text in arguments; this shows them again.
        yield [
            line(number, f"review {number}", os.fsencode(text))
            for number, text in enumerate(options.text, 1)
        ]
        return
    for name in options.file or ["-"]:
        if name == "-":
            if os.isatty(STDIN):
                print("Type one review a line; Ctrl-D ends.", file=sys.stderr)
            yield from batches(STDIN, STDIN_NAME)
        else:
            with open(name, "rb") as file:
                yield from batches(file.fileno(), name)


def _shown(item: Line, answer: Answer, threshold: float, options: argparse.Namespace) -> str:
    assert item.text is not None
    # Control characters could move the cursor of a terminal or hide what stands before.
    plain = "".join(c if c.isprintable() else " " for c in item.text[: 20 * EXCERPT])
    excerpt = " ".join(plain.split())
    if len(excerpt) > EXCERPT:
        excerpt = excerpt[: EXCERPT - 3] + "..."
    if options.json:
        return json.dumps(
            {
                "line": item.number,
                "model": options.model,
                "probability": round(answer.probability, 6),
                "threshold": threshold,
                "label": answer.label,
                "wording": answer.wording,
                "words_read": answer.words_read,
                "words_known": answer.words_known,
                "text": excerpt,
            }
        )
    return f"{answer.probability:.3f}  {answer.wording:<24}  {excerpt}"
