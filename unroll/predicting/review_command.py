"""The command `review` of `unroll predict`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence

from harness.core.errors import UserError
from unroll.predicting import model_folder
from unroll.predicting.lines import STDIN, STDIN_NAME, Line, batches, line
from unroll.predicting.verdicts import Answer, Reviewer

EXCERPT = 60  # characters


def review(texts: Sequence[str], files: Sequence[str], name: str, as_json: bool) -> int:
    """Answer every review; the exit code, which is 1 if one could not be answered.

    Raises:
        UserError: the model or a file cannot be used, or there is no review at all.
    """
    if texts and files:
        raise UserError("both REVIEW arguments and --file are given, expected one of them")
    reviewer = Reviewer(model_folder.folder(name))
    answered = failed = 0
    for batch in _inputs(texts, files):
        answers = reviewer.answers([item.text or "" for item in batch])
        for item, answer in zip(batch, answers, strict=True):
            if answer is None:
                why = "not UTF-8 text" if item.text is None else "there is no word in it"
                sys.stdout.flush()
                print(f"error: {item.place}: {why}", file=sys.stderr)
                failed += 1
            else:
                excerpt = _excerpt(item.text or "")
                if as_json:
                    print(_json(item.number, name, reviewer.threshold, answer, excerpt))
                else:
                    print(f"{answer.probability:.3f}  {answer.wording:<24}  {excerpt}")
                answered += 1
        sys.stdout.flush()
    if not answered and not failed:
        raise UserError(f"{', '.join(files) or STDIN_NAME}: there is no review in it")
    return 1 if failed else 0


def _inputs(texts: Sequence[str], files: Sequence[str]) -> Iterator[list[Line]]:
    if texts:
        # Python escapes undecodable bytes of arguments; this restores them.
        yield [
            line(number, f"review {number}", os.fsencode(text).decode("utf-8", "unreadable"))
            for number, text in enumerate(texts, 1)
        ]
        return
    for name in files or ["-"]:
        if name == "-":
            if os.isatty(STDIN):
                print("Type one review a line; Ctrl-D ends.", file=sys.stderr)
            yield from batches(STDIN, STDIN_NAME)
        else:
            with open(name, "rb") as file:
                yield from batches(file.fileno(), name)


def _excerpt(text: str) -> str:
    """The beginning of a review on one line."""
    # Control characters could move the cursor of the terminal or hide text.
    plain = "".join(c if c.isprintable() else " " for c in text[: 20 * EXCERPT])
    excerpt = " ".join(plain.split())
    return excerpt if len(excerpt) <= EXCERPT else excerpt[: EXCERPT - 3] + "..."


def _json(number: int, model: str, threshold: float, answer: Answer, excerpt: str) -> str:
    return json.dumps(
        {
            "line": number,
            "model": model,
            "probability": round(answer.probability, 6),
            "threshold": threshold,
            "label": answer.label,
            "wording": answer.wording,
            "words_read": answer.words_read,
            "words_known": answer.words_known,
            "text": excerpt,
        }
    )
