"""DVC's own client of S3, made to give up when its server has gone.

As it comes, it asks five times for each object of a transfer, with pauses: minutes go by until a
server that was killed in the middle is told.
"""

from __future__ import annotations

import os
from typing import Any


def bound() -> None:
    """Set up every client of S3 that DVC makes from now on in this process."""
    import s3fs
    from botocore.exceptions import ConnectionError, ReadTimeoutError

    os.environ.setdefault("AWS_MAX_ATTEMPTS", "3")
    # DVC and `objects` hash what they read, and name what is damaged; the client would only fail.
    os.environ["AWS_RESPONSE_CHECKSUM_VALIDATION"] = "when_required"

    class Client(s3fs.S3FileSystem):
        """Asks no more once a request was not answered."""

        retries = 2
        gone: Exception | None = None

        async def _call_s3(self, *args: Any, **kwargs: Any) -> Any:
            if self.gone:
                raise self.gone
            try:
                return await super()._call_s3(*args, **kwargs)
            except (ConnectionError, ReadTimeoutError) as error:
                self.gone = error
                raise

    # Where DVC takes it from when it first needs it.
    s3fs.S3FileSystem = Client
