"""Ends with one line where the locked requirements cannot be installed: `python3 supported.py`.

Runs before anything is installed, on any Python, so it is written for old ones too.
"""

import platform
import sys

OLDEST, NEWEST = (3, 11), (3, 13)  # as `requires-python` in pyproject.toml
# What TensorFlow 2.21 has builds for.
MACHINES = {"Linux": ("x86_64", "aarch64"), "Darwin": ("arm64",)}


def refusal(version, system, machine):
    """What is needed instead, on one line; an empty text where nothing is.

    Args:
        version: of Python, such as (3, 11).
        system, machine: as `platform.system()` and `platform.machine()` name them.
    """
    if system not in MACHINES:
        return "Unroll runs on Linux and macOS, not on %s; on Windows use WSL" % system
    if machine not in MACHINES[system]:
        return (
            "TensorFlow 2.21 has no build for %s on %s, only for %s; "
            "on an Intel Mac use a Linux machine or container"
            % (system.replace("Darwin", "macOS"), machine, " and ".join(MACHINES[system]))
        )
    if not OLDEST <= version <= NEWEST:
        return (
            "Python 3.11, 3.12 or 3.13 is needed, and this is %d.%d; "
            "name one with `make PYTHON=python3.11`" % version
        )
    return ""


if __name__ == "__main__":
    needed = refusal(tuple(sys.version_info[:2]), platform.system(), platform.machine())
    sys.exit("error: " + needed if needed else 0)
