"""Which modules and packages a script reaches through its imports."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The harness decides whether a stage runs and whether its result counts, not what it computes; only
# what is in its core, and the style of its pictures, passes into results.
RESULTS = ("harness/core/", "harness/reporting/style.py")


def reached(script: str) -> tuple[set[str], set[str]]:
    """Project files and top-level third-party packages that `script` imports at any depth.

    Args:
        script: a path relative to the root; it is among the files returned.
    """
    files: set[str] = set()
    packages: set[str] = set()
    waiting = {script}
    while waiting:
        path = waiting.pop()
        files.add(path)
        for name in imported(ROOT / path):
            found = _file_of(name)
            if found and found not in files and not is_guard(found):
                waiting.add(found)
            top = name.split(".")[0]
            if not found and top not in sys.stdlib_module_names and not (ROOT / top).is_dir():
                packages.add(top)
    return files, packages


def is_guard(path: str) -> bool:
    """Whether a module of the harness only decides whether a stage runs and its result counts."""
    return path.startswith("harness/") and not path.startswith(RESULTS)


def imported(path: Path) -> set[str]:
    """The modules that a module imports by name, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _file_of(module: str) -> str | None:
    path = Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / candidate).is_file() and candidate.name != "__init__.py":
            return candidate.as_posix()
    return None
