"""The versions of the packages that compute results, as DVC tracks them and as they are installed.

`unroll versions` writes `versions.yaml` from the locked requirements. Stages declare the
packages they use as parameters of that file, so a new version reruns just the stages it can change.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from harness.core.errors import UserError
from harness.core.paths import VERSIONS
from harness.core.yaml import read_yaml
from harness.stages import dvc_file

REQUIREMENTS = Path("requirements.txt")
COMPUTING = (
    *("h5py", "jax", "jaxlib", "keras", "matplotlib", "numpy"),
    *("pillow", "pyarrow", "scikit-learn", "scipy", "tensorflow"),
)
HEAD = "# Written by `make lock` from requirements.txt; stages declare what they compute with.\n"


def locked() -> str:
    """What `versions.yaml` must say."""
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", REQUIREMENTS.read_text("utf-8"), re.MULTILINE))
    return HEAD + "".join(f'{name}: "{pins[name]}"\n' for name in COMPUTING)


def check(stage: str) -> None:
    """Compare the installed packages of a stage with the locked ones.

    Raises:
        UserError: a package that the stage declares is missing or of another version; the
            result would be recorded as if the locked one had made it.
    """
    pins = read_yaml(VERSIONS)
    wrong = []
    for package in dvc_file.stage(stage).params.get(str(VERSIONS), ()):
        try:
            found = metadata.version(package)
        except metadata.PackageNotFoundError:
            found = "not installed"
        if found.partition("+")[0] != pins[package]:
            wrong.append(f"{package} is {found}, {VERSIONS} locks {pins[package]}")
    if wrong:
        raise UserError("\n".join([*wrong, "`make venv` installs the locked versions"]))


def main() -> None:
    """Write `versions.yaml`."""
    from harness.core.files import write_text

    write_text(VERSIONS, locked())
