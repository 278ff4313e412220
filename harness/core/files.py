"""Files that are complete or absent, and the same bytes for the same content."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.core.errors import UserError, reason

# Room for the vocabulary of a million words.
MOST_JSON = 2**24
# Some file systems cannot do it; whatever else `fsync` reports, such as a full disk, is an error.
_NO_FSYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def partial_prefix() -> str:
    """How the name of an unfinished file or folder of this process begins.

    It says whose it is, so that what a killed process leaves can be removed even where several
    machines share a folder. `.gitignore` and `.dvcignore` name `.partial-*`.
    """
    return f"{_host_prefix()}{os.getpid()}-"


def _host_prefix() -> str:
    return f".partial-{re.sub(r'[^A-Za-z0-9.]', '_', os.uname().nodename)}-"


def clear_partial_files(folders: Iterable[Path]) -> None:
    """Remove what processes of this machine that are gone have left unfinished in `folders`."""
    for path in (path for folder in folders for path in folder.glob(f"{_host_prefix()}*")):
        owner = path.name.removeprefix(_host_prefix()).partition("-")[0]
        if owner.isdecimal() and not _lives(int(owner)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a hidden name beside `path` to write to; it takes the place of `path` once complete.

    Whoever reads `path` sees the old file, the new one, or none, but never a part.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    name = partial_prefix() + os.urandom(4).hex() + "".join(path.suffixes)
    partial = path.parent / name
    # The system applies the user's umask here; some file systems refuse to change it afterwards.
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Bring the content to the disk before the name: a loss of power leaves no empty file."""
    with path.open("rb") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in _NO_FSYNC:
                raise


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
        raise UserError(f"{path}: not a JSON file ({reason(error)}); {HOW_TO_FIX}") from None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table with a head line; the caller rounds the numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


HOW_TO_FIX = "delete it and run `dvc repro`, which makes it again"


def missing(path: Path) -> UserError:
    """The error for a file that an earlier stage should have written."""
    return UserError(f"{path}: there is no such file; `dvc repro` runs the stages that write it")
