"""Contributions of words as people read them: a line, a colored text, a page of HTML."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

import click

from harness.core.errors import UserError
from unroll.predicting.explaining import Contributions

HERE = "-"  # in place of a file: on standard output
STRONGEST = 6
# From white text on blue or orange, which can be told apart by everyone, down to no color.
BLUE, ORANGE = (0, 114, 178), (213, 94, 0)

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; --for: light-dark(#0072b2, #56b4e9);
    --against: light-dark(#d55e00, #ff8a3d); }}
  body {{ font: 1rem/1.7 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
    padding: 0 1rem; }}
  h2 {{ font-size: 1rem; margin: 2rem 0 0; }}
  p {{ margin: 0; overflow-wrap: anywhere; }}
  mark {{ color: inherit; border-radius: 3px; padding: 0 2px; }}
{levels}
</style>
<h1>{title}</h1>
<p>How much each word adds to the log-odds of the answer: <mark class="for-3">for</mark> or
<mark class="against-3">against</mark> it. Point at a word for the number.</p>
{texts}
</html>
"""


def check_name(path: Path) -> None:
    """Refuse a file that is no page, or in a folder that does not exist.

    Raises:
        UserError: saying so.
    """
    if path.suffix != ".html" or not path.parent.is_dir():
        raise UserError(
            f"--explain {path}: expected a FILE.html in a folder that exists; to print the "
            "explanation, put --explain at the end"
        )


def printed(found: Contributions) -> str:
    """What standard output has of a text: its words in color on a terminal, then the strongest."""
    strongest = sorted(found, key=lambda each: -abs(each[1]))[:STRONGEST]
    line = "  ".join(f"{value:+.2f} {word}" for word, value in strongest if value)
    if not line or not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return f"       {line}".rstrip()
    words = (_styled(word, level) for (word, _), level in zip(found, _levels(found), strict=True))
    return f"{' '.join(words)}\n       {line}"


def page(title: str, texts: Sequence[tuple[str, Contributions]]) -> str:
    """A page of HTML that needs nothing else, with a heading and the words of each text."""
    shares = {1: 15, 2: 35, 3: 60}
    levels = "\n".join(
        f"  .{way}-{level} {{ background: color-mix(in srgb, var(--{way}) {share}%, #0000); }}"
        for way in ("for", "against")
        for level, share in shares.items()
    )
    parts = [f"<h2>{escape(heading)}</h2>\n<p>{_marked(found)}</p>" for heading, found in texts]
    return _PAGE.format(title=escape(title), levels=levels, texts="\n".join(parts))


def _marked(found: Contributions) -> str:
    words = []
    for (word, value), level in zip(found, _levels(found), strict=True):
        way = "for" if level > 0 else "against"
        mark = f'<mark class="{way}-{abs(level)}" title="{value:+.3f}">{escape(word)}</mark>'
        words.append(mark if level else escape(word))
    return " ".join(words)


def _styled(word: str, level: int) -> str:
    color = BLUE if level > 0 else ORANGE
    if abs(level) == 3:
        return click.style(word, fg="bright_white", bg=color, bold=True)
    return click.style(word, fg=color, bold=abs(level) == 2) if level else word


def _levels(found: Contributions) -> list[int]:
    """How strong each word is beside the strongest one of the text, -3 to 3."""
    most = max((abs(value) for _, value in found), default=0) or 1
    return [round(3 * value / most) for _, value in found]
