"""Files that are complete or absent, and the same bytes for the same content."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.errors import UserError, reason
from harness.core.paths import SCRATCH

# Room for the vocabulary of a million words.
MOST_JSON = 2**24


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch name to write to; it takes the place of `path` once it is complete.

    Whoever reads `path` sees the old file, the new one, or none, but never a part. The scratch
    folder must lie on the file system of `path`.
    """
    SCRATCH.mkdir(parents=True, exist_ok=True)
    # The name tells whose it is, so that what a killed process leaves can be cleared away.
    handle, name = tempfile.mkstemp(
        prefix=f"partial-{os.getpid()}-", suffix="".join(path.suffixes), dir=SCRATCH
    )
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        path.parent.mkdir(parents=True, exist_ok=True)
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)
        # Without this, a name may survive a loss of power and its content not.
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends."""
    with replacing(path) as partial:
        partial.write_bytes(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` with sorted keys; NaN and infinity raise `ValueError`."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        UserError: the file cannot be read, is not JSON, or is larger than any of ours.
    """
    try:
        if path.stat().st_size > MOST_JSON:
            raise ValueError(f"it has more than {MOST_JSON} bytes")
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise missing(path) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a JSON file ({reason(error)}); {HOW_TO_MEND}") from None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table with a head line; the caller rounds the numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


HOW_TO_MEND = "delete it and run `dvc repro`, which makes it again"


def missing(path: Path) -> UserError:
    """The error for a file that an earlier stage should have written."""
    return UserError(f"{path}: there is no such file; `dvc repro` runs the stages that write it")
