"""The picture of a training."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from harness.reporting.style import BLUE, GRAY, ORANGE, STYLE, save
from unroll.plotting import canvas
from unroll.plotting.titles import title


@mpl.rc_context(STYLE)
def losses(
    path: Path,
    model: str,
    epoch: np.ndarray,
    loss: np.ndarray,
    val: np.ndarray,
    unit: str,
    floor: float | None = None,
) -> None:
    """Training and validation loss per epoch, the best epoch marked.

    Args:
        unit: what the loss is, such as `binary cross-entropy (nats)`.
        floor: the loss of a perfect copy, drawn as a line.
    """
    figure, axes = canvas.new(6.4, 4.4)
    axes.plot(epoch, loss, color=BLUE, marker="o", markersize=4, label="training")
    best = int(np.argmin(val))
    label = f"validation (best {val[best]:.4f})"
    axes.plot(epoch, val, color=ORANGE, marker="s", markersize=4, label=label)
    axes.plot(epoch[best], val[best], "o", color=ORANGE, markersize=14, fillstyle="none")
    if floor is not None:
        label = f"a perfect copy ({floor:.4f})"
        axes.axhline(floor, color=GRAY, linestyle="--", linewidth=1.4, label=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(title=f"{title(model)}: loss per epoch", xlabel="epoch", ylabel=unit)
    axes.legend()
    save(figure, path)
