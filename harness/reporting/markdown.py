"""The one builder of Markdown tables, and how values are shown in tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """A table of texts, without a line end behind it.

    Args:
        head: the columns' names.
        rows: the cells of each row, as many as there are columns; a `|` in one is escaped.
        numbers: the indexes of the columns to align to the right.
    """
    rule = ("---:" if column in numbers else "---" for column in range(len(head)))
    lines = [[cell.replace("|", r"\|") for cell in row] for row in (head, *rows)]
    first, *others = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([first, f"|{'|'.join(rule)}|", *others])


def shown(value: Any) -> str:
    """A metric or a parameter: four digits after the point, or six in all where four say less."""
    if value is None:
        return "absent"
    if isinstance(value, float):
        return f"{value:.4f}" if round(value, 4) == value else f"{value:.6g}"
    return str(value)
