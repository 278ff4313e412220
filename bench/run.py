"""Speed on one machine, written to `bench/RESULTS.md`: `python -m bench.run [--full]`.

Takes about half an hour; with `--full`, which trains by the chapter's recipe to its end
instead of extrapolating from a few epochs, more than an hour.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
from importlib import metadata
from pathlib import Path

from bench import overhead, quality, throughput
from harness.core.files import write_text

RESULTS = Path("bench/RESULTS.md")


def machine() -> str:
    """Where and with what the measurements were made."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    names = ("tensorflow", "keras", "jax", "numpy", "dvc")
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return (
        f"{os.cpu_count()} cores of {model or platform.processor()}, {platform.system()}, "
        f"Python {platform.python_version()}, {packages}; {datetime.date.today()}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="train the yardstick to its end")
    parser.add_argument(
        "--only", choices=["quality", "throughput", "overhead"], help="measure only this"
    )
    arguments = parser.parse_args()
    sections = {
        "quality": (
            "Time to quality" if arguments.full else "Time to quality, extrapolated",
            lambda: quality.report(arguments.full),
        ),
        "throughput": ("Throughput", throughput.report),
        "overhead": ("Overhead", overhead.report),
    }
    # What is not measured stays, with its own machine and date.
    found = read(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name, (heading, section) in sections.items():
        if arguments.only in (None, name):
            found[heading] = f"{machine()}\n\n{section()}"
            write_text(RESULTS, written(found))


def read(text: str) -> dict[str, str]:
    """The sections of the results by heading."""
    parts = text.split("\n## ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}


def written(sections: dict[str, str]) -> str:
    """The results as Markdown."""
    parts = ["# Measurements"]
    for heading, body in sections.items():
        parts += [f"## {heading}", body]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
