"""What pictures of every task share: an empty figure, and names that fit."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from harness.reporting.style import DPI, TEN

# Three times ten classes that can be told apart, by color and shape together.
SHAPES = ("o", "^", "s")


def new(width: float, height: float, **grid: Any) -> tuple[Figure, Any]:
    """A figure of some inches and its axes, as `Figure.subplots` returns them."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    return figure, figure.subplots(**grid)


def short(name: str, length: int = 18) -> str:
    """A name of any length and content as a text that fits: one line, no mathematics."""
    text = " ".join(name.split())
    text = text if len(text) <= length else text[: length - 1].rstrip() + "…"
    return text.replace("$", r"\$")


def look(place: int) -> tuple[str, str]:
    """Color and shape of a class by its number; they repeat after thirty."""
    return TEN[place % 10], SHAPES[place // 10 % 3]
