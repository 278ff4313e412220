"""Progress bars, on a terminal only."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm


def bar(total: int, label: str, unit: str = "B") -> Any:
    """A bar that counts up to `total`; silent where standard error is no terminal."""
    return tqdm(
        total=total, desc=label, unit=unit, unit_scale=unit == "B", disable=None, leave=False
    )
