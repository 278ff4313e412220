"""Ends with one line where the locked requirements have no builds: `python3 .ci/supported.py`.

Runs before anything is installed, and so on any Python 3 and with nothing but its library.
"""

import platform
import sys

PYTHONS = ((3, 11), (3, 12), (3, 13))  # as `requires-python` in pyproject.toml
MACHINES = {"Linux": ("x86_64", "aarch64"), "Darwin": ("arm64",)}  # as TensorFlow 2.21


def refusal(python, version, system, machine, libc="glibc"):
    """What is needed instead, on one line; an empty text where nothing is.

    Args:
        python: the implementation, such as "CPython".
        version: its version, such as (3, 11).
        system, machine: as `platform.system()` and `platform.machine()` name them.
        libc: as the first part of `platform.libc_ver()`; counts on Linux.
    """
    if system not in MACHINES:
        return f"Unroll runs on Linux and macOS, not on {system}; on Windows, use WSL"
    if machine not in MACHINES[system] or (system == "Linux" and libc != "glibc"):
        where = "Intel Macs" if system == "Darwin" else f"{machine} with {libc or 'musl'}"
        return (
            f"TensorFlow 2.21 has no build for {where}; Unroll runs on Macs with Apple silicon "
            "and on Linux with glibc on x86_64 and aarch64"
        )
    if python != "CPython" or version not in PYTHONS:
        found = f"{python} {version[0]}.{version[1]}"
        return (
            f"CPython 3.{PYTHONS[0][1]} to 3.{PYTHONS[-1][1]} is needed, and this is {found}; "
            "name one with `make PYTHON=python3.11`"
        )
    return ""


if __name__ == "__main__":
    needed = refusal(
        platform.python_implementation(),
        tuple(sys.version_info[:2]),
        platform.system(),
        platform.machine(),
        platform.libc_ver()[0],
    )
    sys.exit(f"error: {needed}" if needed else 0)
