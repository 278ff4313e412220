"""The one exception for what a user can mend, and the reasons of others in its message."""

from __future__ import annotations


class UserError(Exception):
    """A mistake or a state of the machine that the user can mend.

    The message says what is wrong, where, what was expected and how to mend it; it is printed
    as it stands, without a traceback, and the process ends with exit code 1.
    """


def reason(error: Exception) -> str:
    """What a library says of a file that it cannot read, on one line and short."""
    return " ".join(str(error).split())[:200] or type(error).__name__
