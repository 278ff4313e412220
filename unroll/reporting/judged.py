"""What models do, beside how well: docs/behavior.md, docs/bias.md and docs/mistakes.md."""

from __future__ import annotations

from pathlib import Path

from harness.core.files import write_text
from unroll.reporting import behavior, bias, mistakes


def pages() -> dict[Path, str]:
    """The text of each page by its path; none where `dvc.yaml` has no models to judge.

    Raises:
        UserError: what a stage measures is missing.
    """
    return {**behavior.page(), **bias.page(), **mistakes.page()}


def main() -> None:
    """Write the pages and their pictures."""
    for path, text in pages().items():
        write_text(path, text)
    behavior.draw()
    bias.draw()
