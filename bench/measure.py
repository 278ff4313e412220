"""What the measurements share: the cost of a process, a project to measure, a place in a page."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from harness.core.files import write_text
from harness.stages import overlay

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- measured: `python -m bench.{}` -->", "<!-- end of measured -->"


@dataclass(frozen=True)
class Cost:
    """Of a process and all that it started: seconds, processor seconds, largest memory in MB."""

    seconds: float
    cpu: float
    memory: float
    lines: list[tuple[float, str]]


def cost(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Cost:
    """Run a command to its end, each line of its output with the second at which it came."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines = [(time.monotonic() - begin, line.rstrip()) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{lines[-20:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.monotonic() - begin, cpu, usage.ru_maxrss / 1024, lines)


def python(*arguments: str) -> list[str]:
    """A command of this environment's Python."""
    return [sys.executable, *arguments]


def project(folder: Path, **params: object) -> Path:
    """A copy of the committed project in `folder`, its corpora prepared, an empty cache.

    Args:
        params: changed parameters, `__` for a dot.
    """
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    for name in ("data/raw", "data/prepared"):
        shutil.copytree(ROOT / name, folder / name)
    yaml = YAML()
    body = yaml.load(folder / "params.yaml")
    overlay.assign(body, {name.replace("__", "."): value for name, value in params.items()})
    yaml.dump(body, folder / "params.yaml")
    return folder


def spread(values: list[float], digits: int = 2) -> str:
    """Median and range of repeated measurements."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def place(text: str, path: Path, name: str) -> None:
    """Put what a script has measured between its marks in a page, or print it if it has none."""
    mark = BEGIN.format(name)
    page = path.read_text("utf-8") if path.exists() else ""
    before, begin, rest = page.partition(mark)
    if not begin:
        print(f"{path.relative_to(ROOT)} has no line {mark}; this belongs there:\n\n{text}")
        return
    after = rest.partition(END)[2]
    write_text(path, f"{before}{mark}\n{text}\n{END}{after}")
    print(f"written: {path.relative_to(ROOT)}")
