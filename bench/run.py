"""All measurements, written to `bench/RESULTS.md`: `python -m bench.run [--full]`.

Takes about a quarter of an hour; with `--full`, which trains by the chapter's recipe to its end
instead of extrapolating from a few epochs, more than an hour.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
from importlib import metadata
from pathlib import Path

from bench import growth, overhead, quality, throughput
from unroll.files import write_text

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
    parser.add_argument("--only", choices=["quality", "throughput", "overhead", "growth"])
    arguments = parser.parse_args()
    sections = {
        "quality": ("Time to quality", lambda: quality.report(arguments.full)),
        "throughput": ("Throughput", throughput.report),
        "overhead": ("Overhead", overhead.report),
        "growth": ("Growth of `preprocess`", growth.report),
    }
    if arguments.only:
        print(sections[arguments.only][1]())
        return
    parts = ["# Measurements", machine()]
    for heading, section in sections.values():
        parts += [f"## {heading}", section()]
        write_text(RESULTS, "\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
