"""An S3 server over a folder, to try the remote cache with and for the tests: `make s3`.

The server is `rclone serve s3`. Its keys are made at random, once a folder, and lie in a file that
only their owner can read, in the format that AWS's own tools and DVC read.
"""

from __future__ import annotations

import argparse
import configparser
import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import UserError, user_errors
from harness.core.paths import SCRATCH
from harness.running import process

FOLDER = SCRATCH / "s3"
BUCKET = "unroll"
PORT = 8333
# Beside the interpreter, where the requirements put it.
RCLONE = Path(sys.executable).with_name("rclone")
# With nothing of the user's own settings. What others change in the folder is seen a second later.
SERVE = (RCLONE, "serve", "s3", "--config", "", "--dir-cache-time", "1s")
READY = 20.0  # seconds that the server may take to start
NAMES = ("aws_access_key_id", "aws_secret_access_key")


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: the endpoint, with its port.
        store: the folder that holds the buckets, one folder each.
        credentials: a file of shared credentials, as `credentialpath` of a remote of DVC names it.
        process: the number of the server's process.
    """

    url: str
    store: Path
    credentials: Path
    process: int


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Server]:
    """Serve a folder on this machine alone, until the end of the context or of this process.

    Args:
        folder: made if need be: the store with one bucket, the credentials and the server's log.
        port: 0 for a free one.

    Raises:
        UserError: rclone is missing, or cannot serve, because the port is taken for example.
    """
    folder = folder.resolve()
    store, credentials, log = folder / "store", folder / "credentials", folder / "server.log"
    (store / BUCKET).mkdir(parents=True, exist_ok=True)
    # Not on the command line, which every user of the machine can read. Rclone parses it as CSV.
    keys = {"RCLONE_AUTH_KEY": f'"{",".join(_keys(credentials))}"'}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    with log.open("wb") as output:
        try:
            server = subprocess.Popen(
                [*SERVE, "--addr", f"127.0.0.1:{port}", store],
                env=clean | keys,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=process.killed_with_parent,
            )
        except FileNotFoundError:
            raise UserError(f"{RCLONE}: there is no rclone; `make venv` installs it") from None
    try:
        yield Server(_wait(server, log), store, credentials, server.pid)
    finally:
        server.kill()
        server.wait()


def _keys(path: Path) -> tuple[str, str]:
    """The key and the secret of a file, which is made if it is missing."""
    file = configparser.ConfigParser(interpolation=None)
    with contextlib.suppress(FileExistsError):
        # 16 characters and more: DVC's client and rclone take no shorter keys.
        made = dict(zip(NAMES, (secrets.token_hex(10), secrets.token_hex(20)), strict=True))
        file["default"] = made
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as new:
            file.write(new)
    try:
        file.read(path)
        key, secret = (file["default"][name] for name in NAMES)
    except (configparser.Error, KeyError):
        raise UserError(f"{path}: not a file of credentials; delete it, it is made anew") from None
    return key, secret


def _wait(server: subprocess.Popen[bytes], log: Path) -> str:
    """The address that the server says it listens at."""
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline:
        said = log.read_text("utf-8", "replace")
        if found := re.search(r"s3 server on \[(http://[\d.:]+)", said):
            return found[1]
        if server.poll() is not None:
            break
        time.sleep(0.02)
    lines = log.read_text("utf-8", "replace").splitlines() or ["it said nothing"]
    raise UserError(f"the S3 server did not start: {lines[-1]}; `make s3 PORT=` names another port")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m s3")
    parser.add_argument("--port", type=int, default=PORT)
    with serving(FOLDER, parser.parse_args().port) as server:
        process.end_when_asked(
            f"\nstopped; what was pushed is kept in {FOLDER}",
            lambda: os.kill(server.process, signal.SIGKILL),
        )
        print(
            f"An S3 server at {server.url} over {FOLDER}/store; Ctrl-C stops it. Elsewhere, type:\n"
            f"\n  dvc remote add --local --force --default s3 s3://{BUCKET}/cache"
            f"\n  dvc remote modify --local s3 endpointurl {server.url}"
            f"\n  dvc remote modify --local s3 credentialpath {server.credentials}"
            # Without it, plain `dvc pull` takes damaged objects for whole ones.
            "\n  dvc remote modify --local s3 verify true"
            "\n\nThese change .dvc/config.local, which git ignores; then `make push`, `make pull`."
            "\nBack to the folder: `dvc remote remove --local s3`.",
            flush=True,
        )
        os.waitpid(server.process, 0)
        raise UserError(f"the S3 server ended; see {FOLDER}/server.log")


if __name__ == "__main__":
    with user_errors():
        main()
