"""What the harness must know of a project: the table `[tool.harness]` of its `pyproject.toml`.

The harness imports nothing of a project. Where it needs the project's own code, the table names a
function as `module:function`, which is imported when it is first called. A project without the
table, or without that file, has the defaults: everything works but what only the project knows.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.core import titles
from harness.core.errors import UserError, reason
from harness.core.paths import PROJECT

HERE = Path()


@dataclass(frozen=True)
class Project:
    """The entries of the table, all optional.

    Attributes:
        command: what a user types, for messages.
        stages: the package with a script for each stage, whose `main` gets the stage's parameters.
        checks: functions without arguments that raise `UserError` for a mistake in the project's
            own files; called before anything runs.
        check_params: a function from the content of a parameter file to a line for each mistake.
        start: a function of a stage's parameters that is called before its script is imported.
        cost: a function (folder of a project, stage, parameters) to the exact costs of what that
            stage measures, whole numbers by names of small letters and hyphens; a sweep shows them
            beside the metric, which it draws against the last of them.
        curve: a function (folder of a project, stage, parameters) to the losses on validation rows
            after each whole epoch of a training that the stage needs, which may be running there:
            lower is better; without that of the last epoch of the parameters, after which there is
            nothing left to save. A search cuts short by it.
        compare: a function (model or another name of metrics, two functions from the path of an
            output to its file or None, `test` or `validation`) to the differences of metrics that
            were measured on the same rows, by name: of each (difference, low, high, p), second
            minus first with its 95% interval and two-sided p; none where rows are not the same.
        validation: the folder of the metrics that choices are made by; a sweep then shows what its
            own stage measures only of the default and of what was chosen.
        metric: the metric that a sweep ranks by; the first number of the metrics file by default,
            and where that file has none of the name.
        better: `higher` or `lower`, which way `metric` gets better.
        titles: a dictionary of what stage instances, such as models, are called in headings; those
            whose names end like one in it, after it.
        results: functions without arguments that return a line for each committed file that is
            made of the results and does not agree with them; `check-results` prints the lines.
        keep: ignored folders whose files a clone of the project shares, such as downloads that are
            verified before use and never changed in place.
        small: a function of a new folder that makes a small version of the project there, in which
            no stage has run; crash tests use it instead of a clone.
    """

    command: str = "python -m harness"
    stages: str = "stages"
    checks: tuple[str, ...] = ()
    check_params: str = ""
    start: str = ""
    cost: str = ""
    curve: str = ""
    compare: str = ""
    validation: str = ""
    metric: str = ""
    better: str = "higher"
    titles: str = ""
    results: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    small: str = ""

    def title(self, name: str) -> str:
        """What a stage instance is called in a heading."""
        return titles.title(name, self.all_titles())

    def all_titles(self) -> dict[str, str]:
        """The titles by name."""
        return function(self.titles) if self.titles else {}

    def check(self) -> None:
        """Run the project's own checks of its files.

        Raises:
            UserError: the lines of every check that refuses.
        """
        lines = []
        for name in self.checks:
            try:
                function(name)()
            except UserError as error:
                lines.append(str(error))
        if lines:
            raise UserError("\n".join(lines))


def read(root: Path = HERE) -> Project:
    """The table of the project in `root`.

    Raises:
        UserError: the file is not TOML, or the table has an entry that does not exist or is of
            another type.
    """
    path = root / PROJECT
    try:
        return _parsed(path, path.read_text("utf-8"))
    except FileNotFoundError:
        return Project()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a TOML file ({reason(error)})") from None


@lru_cache
def _parsed(path: Path, text: str) -> Project:
    table = tomllib.loads(text).get("tool", {}).get("harness", {})
    if not isinstance(table, dict):
        raise UserError(f"{path}: tool.harness is {table!r}, expected a table")
    known = {field.name: getattr(Project, field.name) for field in fields(Project)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise UserError(f"{path}: tool.harness.{key} is unknown; it has {', '.join(known)}")
        is_list = isinstance(known[key], tuple)
        right = isinstance(value, list if is_list else str)
        if not right or not all(isinstance(part, str) for part in value):
            expected = "a list of texts" if is_list else "a text"
            raise UserError(f"{path}: tool.harness.{key} is {value!r}, expected {expected}")
        values[key] = tuple(value) if is_list else value
    if values.get("better", "lower") not in ("higher", "lower"):
        wrong = values["better"]
        raise UserError(f"{path}: tool.harness.better is {wrong!r}, expected higher or lower")
    return Project(**values)


def function(name: str) -> Any:
    """The function or dictionary that an entry names as `module:name`.

    Raises:
        UserError: there is no such name.
    """
    module, _, attribute = name.partition(":")
    # A command that is installed beside the interpreter does not look into the current folder.
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError, ValueError) as error:
        raise UserError(f"{PROJECT}: tool.harness names {name!r}: {reason(error)}") from None
