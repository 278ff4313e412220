"""An S3 server (`rclone serve s3`) over a folder: `make s3` to try a remote with, and for tests."""

from __future__ import annotations

import argparse
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

from harness import ending
from harness.core.errors import UserError, user_errors
from harness.core.paths import SCRATCH

FOLDER = SCRATCH / "s3"
BUCKET = "unroll"
# Beside the interpreter, where the requirements put it; with nothing of the user's own settings.
# What others change in the folder is seen a second later.
RCLONE = Path(sys.executable).with_name("rclone")
SERVE = (RCLONE, "serve", "s3", "--config", "", "--dir-cache-time", "1s")
READY = 60.0  # seconds that the server may take to start


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: the endpoint, with its port.
        store: the folder that holds the buckets, one folder each.
        credentials: a file of shared credentials, which only its owner can read.
        process: the number of the server's process.
    """

    url: str
    store: Path
    credentials: Path
    process: int

    def options(self) -> dict[str, str]:
        """What a remote of DVC needs to use it."""
        return {
            "url": f"s3://{BUCKET}/cache",
            "endpointurl": self.url,
            "credentialpath": str(self.credentials),
            "verify": "true",  # without it, plain `dvc pull` takes damaged objects for whole ones
        }


@contextmanager
def serving(
    folder: Path, port: int = 0, again: bool = False, telling: bool = False
) -> Iterator[Server]:
    """Serve a folder on this machine alone, until the end of the context or of this process.

    Args:
        folder: made if need be: the store with one bucket, new credentials and the server's log.
        port: 0 for a free one.
        again: with the keys of the last server of this folder, not with new ones.
        telling: whether the log has a line for each request.

    Raises:
        UserError: rclone is missing, or cannot serve, because the port is taken for example.
    """
    folder = folder.resolve()
    store, credentials, log = folder / "store", folder / "credentials", folder / "server.log"
    (store / BUCKET).mkdir(parents=True, exist_ok=True)
    # DVC's client and rclone take no keys of fewer than 16 characters.
    key, secret = secrets.token_hex(10), secrets.token_hex(20)
    if again:
        key, secret = re.findall(r"= (\w+)$", credentials.read_text(), re.MULTILINE)
    credentials.unlink(missing_ok=True)
    with os.fdopen(os.open(credentials, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    with log.open("wb") as output:
        try:
            server = subprocess.Popen(
                [*SERVE, *(["-vv"] if telling else []), "--addr", f"127.0.0.1:{port}", store],
                # Every user of the machine can read a command line. Rclone parses this as CSV.
                env=clean | {"RCLONE_AUTH_KEY": f'"{key},{secret}"'},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=ending.killed_with_parent,
            )
        except FileNotFoundError:
            raise UserError(f"{RCLONE}: there is no rclone; `make venv` installs it") from None
    try:
        yield Server(_wait(server, log), store, credentials, server.pid)
    finally:
        server.kill()
        server.wait()


def _wait(server: subprocess.Popen[bytes], log: Path) -> str:
    """The address that the server says it listens at."""
    deadline = time.monotonic() + READY
    while server.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"s3 server on \[(http://[\d.:]+)", log.read_text()):
            return found[1]
        time.sleep(0.02)
    said = log.read_text().strip().rpartition("\n")[2]
    raise UserError(f"the S3 server did not start: {said}; `make s3 PORT=` sets another port")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.s3")
    parser.add_argument("--port", type=int, default=8333)
    with serving(FOLDER, parser.parse_args().port) as server:
        ending.end_when_asked(
            f"\nstopped; what was pushed is kept in {FOLDER}",
            lambda: os.kill(server.process, signal.SIGKILL),
        )
        url, *options = server.options().items()
        print(f"An S3 server at {server.url} over {FOLDER}/store; Ctrl-C stops it.")
        print("In a clone, type:\n")
        print(f"  dvc remote add --local --force --default s3 {url[1]}")
        for name, value in options:
            print(f"  dvc remote modify --local s3 {name} {value}")
        print("\nThese change .dvc/config.local, which git ignores; then `unroll push` and `pull`.")
        print("`dvc remote remove --local s3` undoes it.", flush=True)
        os.waitpid(server.process, 0)
        raise UserError(f"the S3 server ended; see {FOLDER}/server.log")


if __name__ == "__main__":
    with user_errors():
        main()
