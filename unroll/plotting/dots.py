"""Points of several models in rows, with intervals where there are some."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import PercentFormatter

from harness.reporting.style import GRAY, STYLE, TEN, save
from unroll.plotting import canvas
from unroll.plotting.canvas import SHAPES
from unroll.plotting.titles import title

# A value, alone or with the ends of its interval.
Value = tuple[float, ...]


@mpl.rc_context(STYLE)
def dots(
    path: Path,
    heading: str,
    label: str,
    values: Mapping[str, Mapping[str, Value]],
    *,
    shares: bool = False,
) -> None:
    """A picture with a row for each name and a point in it for each model.

    Args:
        label: of the axis of the values.
        values: of each model by the names of the rows.
        shares: whether values are shares of a whole.
    """
    rows = list(dict.fromkeys(name for of in values.values() for name in of))
    figure, axes = canvas.new(8.4, 1.9 + 0.16 * len(rows) * (1 + len(values)) ** 0.8)
    shifts = np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else [0.0]
    for number, ((model, of), shift) in enumerate(zip(values.items(), shifts, strict=True)):
        color = TEN[(number * 3) % len(TEN)]
        places = np.array([rows.index(name) for name in of]) + shift
        for place, (_, *ends) in zip(places, of.values(), strict=True):
            axes.plot(ends, [place] * len(ends), color=color, linewidth=1.6)
        axes.plot(
            *([value[0] for value in of.values()], places, SHAPES[number % len(SHAPES)]),
            color=color,
            label=title(model),
        )
    axes.set_yticks(range(len(rows)), map(canvas.short, rows))
    axes.invert_yaxis()
    axes.set(xlabel=label)
    if shares:
        axes.set(xlim=(-0.02, 1.02))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    else:
        axes.axvline(0, color=GRAY, linestyle="--", linewidth=1.4, zorder=0)
    figure.suptitle(heading)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    save(figure, path)
