"""The kind of this machine's processor, as far as the bytes of results depend on it.

Libraries of linear algebra choose their kernels by vendor, model and vector instructions, so sums
are rounded differently on another kind.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path

from harness.core.files import write_text
from harness.core.yaml import read_yaml

HERE = Path()
_writing = threading.Lock()
# Beside dvc.lock: the kind that each stage ran on, as far as `repro` ran it.
RECORD = Path("processor.yaml")
_HEAD = "# Written by `repro`: the kind of processor that each stage last ran on.\n"
_RAN = re.compile(r"^Running stage '(.+)':$", re.MULTILINE)  # as DVC says it
_CPUINFO = Path("/proc/cpuinfo")
# The widest of these that a processor has decides what BLAS and oneDNN run.
_VECTORS = ("amx_tile", "avx512f", "avx2", "avx", "sve", "asimd")


@lru_cache
def kind() -> str:
    """Vendor, family and model, and the widest vector instructions, on one line."""
    if sys.platform == "darwin":
        asked = ("sysctl", "-n", "machdep.cpu.brand_string")
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        return done.stdout.strip() or platform.machine()
    text = _CPUINFO.read_text("utf-8", "replace") if _CPUINFO.exists() else ""
    return described(text) or platform.machine()


def described(cpuinfo: str) -> str:
    """The kind that the first processor of a `/proc/cpuinfo` is; empty if it does not say."""
    entries = {}
    for line in cpuinfo.partition("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        entries[name.strip()] = value.strip()
    vendor = entries.get("vendor_id") or entries.get("CPU implementer")
    if not vendor:
        return ""
    family = entries.get("cpu family") or entries.get("CPU architecture")
    model = entries.get("model") or entries.get("CPU part")
    flags = (entries.get("flags") or entries.get("Features") or "").split()
    vector = next((name for name in _VECTORS if name in flags), "no vectors")
    return f"{vendor} family {family} model {model}, {vector}"


def recorded(root: Path = HERE) -> dict[str, str]:
    """The kind that made the recorded outputs of each stage, of those where it is known."""
    path = root / RECORD
    found = read_yaml(path) if path.exists() else None
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def record(stage: str, where: str) -> None:
    """Write down the kind that a stage has just run on, if that is not what the file says."""
    with _writing:
        found = recorded()
        if found.get(stage) != where:
            entries = sorted({**found, stage: where}.items())
            lines = (f"{json.dumps(name)}: {json.dumps(value)}\n" for name, value in entries)
            write_text(RECORD, _HEAD + "".join(lines))


def of_run(said: str, stage: str) -> str:
    """The kind that made what a call of `dvc repro` for `stage` left; empty if that is not known.

    Args:
        said: what it printed. Without a stage that ran, all came from the cache, and was made
            where the recorded run was.
    """
    return kind() if stages_that_ran(said) else recorded().get(stage, "")


def stages_that_ran(said: str) -> list[str]:
    """The stages that a call of `dvc repro` did not take from the cache, of what it printed."""
    return _RAN.findall(said)
