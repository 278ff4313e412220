"""The one exception for what a user can fix, and how a command that meets it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """A mistake or a state of the machine that the user can fix.

    The message says what is wrong, where, what was expected and how to fix it; it is printed as it
    stands, without a traceback, and the process ends with exit code 1.
    """


@contextmanager
def user_errors(name: str = "") -> Iterator[None]:
    """End the process with exit code 1 and one message, no traceback, for what a user can fix.

    That is a `UserError`, and what the system says of a full disk, a missing permission or a
    read-only folder. Ctrl-C ends it with 130.

    Args:
        name: of what ran, for the system's messages.
    """
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        cause = reason(error)
        if not error.errno:  # NumPy and HDF5 give no number when a write comes out short
            cause = f"a file could not be written ({cause}); is the disk full?"
        sys.exit(f"error: {name + ': ' if name else ''}{cause}; fix that and run it again")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def reason(error: Exception) -> str:
    """What a library says of a file that it cannot read, on one line and short."""
    return " ".join(str(error).split())[:200] or type(error).__name__
