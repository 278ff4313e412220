"""The results in README.md, made from `metrics/`: `unroll readme`."""

from __future__ import annotations

import re
from pathlib import Path

from harness.core.errors import UserError
from harness.core.files import write_text
from unroll.reporting import standings

README = Path("README.md")
BEGIN, END = "<!-- results: `unroll readme` -->", "<!-- end of results -->"


def filled(readme: str) -> str:
    """The text of the README with the tables between its marks.

    Raises:
        UserError: the marks are not there.
    """
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    text, count = re.subn(pattern, f"{BEGIN}\n{standings.tables()}\n{END}", readme, flags=re.DOTALL)
    if count != 1:
        raise UserError(f"{README}: expected the lines {BEGIN!r} and {END!r} once")
    return text


def main() -> None:
    """Write the tables into the README."""
    write_text(README, filled(README.read_text("utf-8")))
