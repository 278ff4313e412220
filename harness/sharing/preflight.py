"""Does a remote answer, and let us in? Asked before anything is moved, and answered in one line.

Asked again when something has failed, for a remote may go in the middle.

DVC finds out late: its client of S3 tries each request again and again, and says what came of it
in many lines, or in none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.data_cloud import Remote

from harness.core.errors import UserError, reason

PATIENCE = 4  # seconds for one step of a request to S3
LIMIT = 8.0  # seconds for any other remote
SET = "dvc remote modify --local"
AGAIN = "nothing is lost here; run the same again"


def check(remote: Remote, writing: bool) -> None:
    """Ask a remote for a list of what it has.

    Raises:
        UserError: it does not answer in time, refuses us, or is not there.
    """
    if remote.fs.protocol == "local":
        _folder(remote, Path(remote.path), writing)
    elif remote.fs.protocol == "s3":
        _s3(remote)
    else:
        _other(remote)


@contextmanager
def kept(remote: Remote) -> Iterator[None]:
    """Say of whatever fails in the context that the remote has gone, if it has.

    Raises:
        UserError: it has, or its client failed in another way.
    """
    try:
        yield
    except Exception as error:
        try:
            check(remote, writing=False)
        except UserError as gone:
            raise UserError(f"{gone}; {AGAIN}") from None
        if isinstance(error, _failures(remote)):
            raise UserError(f"{where(remote)}: {reason(error)}; {AGAIN}") from None
        raise


def where(remote: Remote) -> str:
    """The remote's name and address, for messages."""
    return f"remote {remote.name} ({remote.fs.unstrip_protocol(remote.path)})"


def _folder(remote: Remote, folder: Path, writing: bool) -> None:
    name = f"remote {remote.name}: {folder}"
    elsewhere = f"`{SET} {remote.name} url FOLDER` names another"
    if folder.is_dir():
        if writing and not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(f"{name} may not be written to; {elsewhere}")
    elif not writing:
        raise UserError(
            f"{name} is not there: nothing was pushed to it yet, or it is not mounted; {elsewhere}"
        )
    else:
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise UserError(f"{name} cannot be made ({error.strerror}); {elsewhere}") from None


def _failures(remote: Remote) -> tuple[type[Exception], ...]:
    """What the client of a remote may raise in the middle of a transfer, and no other code."""
    if remote.fs.protocol != "s3":
        return ()
    from aiohttp import ClientError as PayloadError
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError, PayloadError


def _s3(remote: Remote) -> None:
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        HTTPClientError,
        NoCredentialsError,
    )

    bucket, _, prefix = remote.path.lstrip("/").partition("/")
    args = remote.fs.fs_args
    endpoint = args.get("client_kwargs", {}).get("endpoint_url") or "AWS"
    try:
        # One level, as some servers look at all that is below before they cut the list.
        _client(args).list_objects_v2(
            Bucket=bucket, Prefix=prefix and f"{prefix}/", Delimiter="/", MaxKeys=1
        )
    except NoCredentialsError:
        raise UserError(
            f"{where(remote)}: there are no credentials for {endpoint}; "
            f"`{SET} {remote.name} credentialpath FILE` names a file of them"
        ) from None
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "NoSuchBucket":
            raise UserError(
                f"{where(remote)}: {endpoint} has no bucket {bucket}; make it there, or "
                f"`{SET} {remote.name} url s3://BUCKET/FOLDER` names another"
            ) from None
        if code.isdecimal() and code not in ("401", "403"):
            raise UserError(
                f"{where(remote)}: {endpoint} answers with {code}; is it a server of S3? "
                f"`{SET} {remote.name} endpointurl URL` names another"
            ) from None
        raise UserError(
            f"{where(remote)}: {endpoint} refuses the request ({code}); check the credentials, "
            f"`{SET} {remote.name} credentialpath FILE` names another file of them"
        ) from None
    except (ConnectionError, HTTPClientError) as error:
        kind = type(error).__name__
        raise UserError(
            f"{where(remote)}: {endpoint} does not answer ({kind}); is the server up, and "
            f"the address right? `{SET} {remote.name} endpointurl URL` names another"
        ) from None
    except (BotoCoreError, ValueError) as error:
        raise UserError(
            f"{where(remote)}: {error}; `{SET} {remote.name} OPTION VALUE` sets another"
        ) from None


def _client(args: dict[str, Any]) -> Any:
    """A client of S3 with what DVC gives to its own, that tries once."""
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config

    once = Config(
        connect_timeout=PATIENCE,
        read_timeout=PATIENCE,
        retries={"total_max_attempts": 1},
        signature_version=UNSIGNED if args.get("anon") else None,
    )
    client = args.get("client_kwargs", {})
    return botocore.session.Session(profile=args.get("profile")).create_client(
        "s3",
        region_name=client.get("region_name"),
        endpoint_url=client.get("endpoint_url"),
        verify=client.get("verify"),
        use_ssl=args.get("use_ssl", True),
        aws_access_key_id=args.get("key"),
        aws_secret_access_key=args.get("secret"),
        aws_session_token=args.get("token"),
        config=once,
    )


def _other(remote: Remote) -> None:
    failed: list[Exception] = []

    def ask() -> None:
        try:
            remote.fs.exists(remote.path)
        except Exception as error:  # each client has its own
            failed.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(LIMIT)
    if thread.is_alive():
        raise UserError(f"{where(remote)} does not answer within {LIMIT:.0f} s")
    if failed:
        raise UserError(f"{where(remote)} does not let us in: {reason(failed[0])}")
