"""How pictures look: legible at half size and without telling red from green."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harness.core.files import replacing

# Okabe and Ito, Color universal design, 2008.
BLUE, ORANGE, GRAY = "#0072B2", "#D55E00", "#767676"
# Paul Tol's "muted" scheme, ten that color-blind readers can tell apart.
TEN = (
    *("#332288", "#88CCEE", "#44AA99", "#117733", "#999933"),
    *("#DDAA33", "#CC6677", "#882255", "#AA4499", "#555555"),
)
DPI = 120
STYLE: Any = {
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "lines.linewidth": 2.2,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; the file is there whole or not at all."""
    with replacing(path) as partial:
        # Without the writer's version the file depends on the picture alone.
        FigureCanvasAgg(figure).print_png(partial, metadata={"Software": None})
