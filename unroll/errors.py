"""The one exception for what a user can mend."""

from __future__ import annotations


class UserError(Exception):
    """A mistake or a state of the machine that the user can mend.

    The message says what is wrong, where, what was expected and how to mend it; it is printed
    as it stands, without a traceback, and the process ends with exit code 1.
    """
