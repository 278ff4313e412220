"""A group of commands of `click`, all of which end in one way."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from harness.core.errors import user_errors


class Commands(click.Group):
    """Commands in the order in which they were added, all of which end in one way.

    A mistake of the user ends with one line on standard error and exit code 1, Ctrl-C with 130.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        """The names in that order."""
        return list(self.commands)

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command that the command line names, and end the process."""
        # Stages begin with `python`: this one, whether the environment is activated or not.
        folder = os.path.dirname(sys.executable)
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])
        with user_errors():
            try:
                with _flushed_output():
                    code = super().main(*arguments, **options | {"standalone_mode": False})
            except click.exceptions.Abort:
                raise KeyboardInterrupt from None
            except click.ClickException as error:
                where = getattr(error, "ctx", None)
                path = where.command_path if where else self.name
                sys.exit(f"error: {error.format_message()} See `{path} --help`.")
        sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _flushed_output() -> Iterator[None]:
    """Flush standard output at the end, however that comes.

    If it fails, the interpreter must not try again at its own end: it would exit with 120 and
    print a traceback.
    """
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise
