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
from harness.stages.dvc_file import Stage

REQUIREMENTS = Path("requirements.txt")
HEAD = "# Written by `make lock` from requirements.txt; stages declare what they compute with.\n"


def locked() -> str:
    """What `versions.yaml` must say: the locked version of each package that a stage declares.

    Raises:
        UserError: a declared package is not locked.
    """
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", REQUIREMENTS.read_text("utf-8"), re.MULTILINE))
    declared = {
        name for stage in dvc_file.stages().values() for name in stage.params.get(str(VERSIONS), ())
    }
    if unknown := sorted(declared - pins.keys()):
        raise UserError(f"{REQUIREMENTS}: it locks no {', '.join(unknown)}, which stages declare")
    return HEAD + "".join(f'{name}: "{pins[name]}"\n' for name in sorted(declared))


def check(stage: Stage) -> None:
    """Compare the installed packages of a stage with the locked ones.

    Raises:
        UserError: a package that the stage declares is missing or of another version; the
            result would be recorded as if the locked one had made it.
    """
    if str(VERSIONS) not in stage.params:
        return
    pins = read_yaml(VERSIONS)
    wrong = []
    for package in stage.params[str(VERSIONS)] or pins:
        try:
            found = metadata.version(package)
        except metadata.PackageNotFoundError:
            found = "not installed"
        if found.partition("+")[0] != pins.get(package):
            wrong.append(f"{package} is {found}, {VERSIONS} locks {pins.get(package)}")
    if wrong:
        raise UserError("\n".join([*wrong, "`make venv` installs the locked versions"]))


def main() -> None:
    """Write `versions.yaml`."""
    from harness.core.files import write_text

    write_text(VERSIONS, locked())
