"""The remote cache: a folder as it comes, and a real S3 server with what can go wrong."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from dvc.repo import Repo
from s3 import BUCKET, Server, serving
from tiny import Tiny, files

from harness.core.errors import UserError
from harness.sharing import preflight

IN_TIME = 10.0  # seconds
OBJECTS = 19  # a run: 16 files, their list, what was joined of them, the metrics, twice the same


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("remote")


@pytest.fixture(scope="module")
def origin(place: Path) -> Tiny:
    """A clone that has run everything; tests leave it as they found it."""
    return Tiny.made(place / "origin")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "s3") as server:
        yield server


def stored(server: Server) -> dict[str, bytes]:
    return files(server.store / BUCKET / "cache/files/md5")


def spoil(server: Server, name: str, content: bytes) -> Path:
    """Write over the object that has `content`; with the same size, where that is possible."""
    folder = server.store / BUCKET / "cache/files/md5"
    [path] = [path for path in folder.rglob("*") if path.is_file() and path.read_bytes() == content]
    flipped = bytes([content[0] ^ 1]) + content[1:]
    path.write_bytes({"flipped": flipped, "cut": content[:9], "gone": b""}[name])
    return path


def test_a_clone_shares_with_a_folder_beside_it_with_no_setting(origin, place):
    assert "20 files pushed" in origin.run("dvc", "push", "--run-cache")
    fresh = origin.clone(place / "beside")
    fresh.run("dvc", "pull", "--run-cache")
    assert files(fresh.folder / "data") == files(origin.folder / "data")
    assert "Running stage" not in fresh.run("dvc", "repro")
    assert fresh.run("git", "status", "--porcelain") == ""


def test_what_a_colleague_has_run_need_not_be_run_here(origin, server, tmp_path):
    origin.use(server)
    fresh = origin.clone(tmp_path / "fresh")
    fresh.use(server)
    try:
        (origin.folder / "params.yaml").write_text("seed: 2\n")
        assert origin.run("dvc", "repro").count("Running stage") == 2
        sent = origin.share("push")
        assert f"{2 * OBJECTS} objects sent" in sent
        tried = files(origin.folder / "data") | files(origin.folder / "metrics")
    finally:
        origin.run("git", "checkout", "-q", ".")
        origin.run("dvc", "checkout", "-q")
    # The lock file that names the run was not committed, and nothing of it was ever here.
    (fresh.folder / "params.yaml").write_text("seed: 2\n")
    fetched = fresh.share("pull")
    assert fetched.count("a run on the same inputs is known") == 2
    cache = files(fresh.folder / ".dvc/cache/files/md5")
    assert cache.keys() <= stored(server).keys()
    assert f"{sum(map(len, cache.values())):,} bytes" in fetched
    assert "Running stage" not in fresh.run("dvc", "repro")
    assert files(fresh.folder / "data") | files(fresh.folder / "metrics") == tried
    assert "0 objects fetched, 0 bytes" in fresh.share("pull")


def test_a_push_that_was_killed_is_completed_by_the_next(origin, server, tmp_path):
    origin.use(server)
    here = files(origin.folder / ".dvc/cache/files/md5")
    for seen in (1, 9):
        push = origin.start("python", "-m", "harness", "push")
        while len(stored(server)) < seen and push.poll() is None:
            time.sleep(0.001)
        push.kill()
        push.communicate()
        assert push.returncode == -signal.SIGKILL
        assert seen <= len(stored(server)) < len(here)
    origin.share("push")
    assert stored(server) == here
    fresh = origin.clone(tmp_path / "fresh")
    fresh.use(server)
    fresh.share("pull")
    assert files(fresh.folder / "data") == files(origin.folder / "data")


@pytest.mark.parametrize("command", ["push", "pull"])
def test_a_server_that_is_killed_in_the_middle_is_told_and_the_next_call_completes(
    origin, server, tmp_path, command
):
    fresh = origin.clone(tmp_path / "fresh")
    for tiny in (origin, fresh):
        tiny.use(server)
    store = server.store / BUCKET
    if command == "pull":
        origin.share("push")
    tiny, target = (origin, store) if command == "push" else (fresh, fresh.folder / ".dvc/cache")
    program = tiny.start("python", "-m", "harness", command)
    while not any(target.glob("**/md5/*/*")) and program.poll() is None:
        time.sleep(0.001)
    psutil.Process(server.process).kill()
    told = program.communicate(timeout=2 * IN_TIME)[0]
    assert program.returncode == 1
    assert told.startswith(f"error: remote s3 (s3://unroll/cache): {server.url} does not answer")
    assert told.endswith("; nothing is lost here; run the same again\n")
    assert told.count("\n") == 1
    with serving(tmp_path / "s3") as again:
        for tiny in (origin, fresh):
            tiny.use(again)
        origin.share("push")
        # The server that was killed leaves what it was writing beside them, under its own names.
        assert stored(again).items() >= files(origin.folder / ".dvc/cache/files/md5").items()
        fresh.share("pull")
    assert files(fresh.folder / "data") == files(origin.folder / "data")


def test_damage_in_the_store_is_named_and_mended(origin, server, tmp_path):
    origin.use(server)
    origin.share("push")
    whole = stored(server)
    data = files(origin.folder / "data")
    # What is larger than a MB comes in more than one piece, which the client checks on its own.
    assert len(data["joined"]) > 1e6
    ways = {"drawn/00": "flipped", "drawn/01": "cut", "drawn/02": "gone", "joined": "flipped"}
    paths = {name: spoil(server, way, data[name]) for name, way in ways.items()}
    paths["drawn/02"].unlink()
    time.sleep(1.5)  # until the server sees it
    fresh = origin.clone(tmp_path / "fresh")
    fresh.use(server)
    told = fresh.share("pull", code=1)
    for name, path in paths.items():
        address = f"s3://{path.relative_to(server.store).as_posix()}"
        state = "MISSING" if ways[name] == "gone" else "DAMAGED"
        assert f"{address}: {state} (data/{name})" in told
    assert told.count("\n") == len(paths) + 1
    # The clone that lacks them cannot mend them, and says so.
    assert "3 damaged, 0 mended" in fresh.share("audit", code=1)
    assert "3 damaged, 3 mended" in origin.share("audit")
    paths["drawn/00"].write_bytes(b"damaged")
    paths["drawn/01"].unlink()
    time.sleep(1.5)
    assert "2 objects sent, 600,000 bytes; 1 mended" in origin.share("push")
    assert stored(server) == whole
    fresh.share("pull")
    assert files(fresh.folder / "data") == data


def test_damage_in_a_folder_is_mended_and_that_of_this_clone_is_not_sent(origin, place):
    origin.share("push", "--remote", "folder")
    store = place / "unroll-remote/files/md5"
    whole = files(store)
    name = next(name for name, body in whole.items() if len(body) == 300_000)
    (store / name).chmod(0o644)
    (store / name).write_bytes(b"damaged")
    told = origin.share("audit", "--remote", "folder")
    assert f"{name}: DAMAGED (data/drawn/" in told
    assert files(store) == whole

    (store / name).unlink()
    here = origin.folder / ".dvc/cache/files/md5" / name
    here.chmod(0o644)
    here.write_bytes(b"damaged")
    try:
        assert "nothing was sent: data/drawn/" in origin.share("push", "--remote", "folder", code=1)
        assert name not in files(store)
    finally:
        here.write_bytes(whole[name])
        here.chmod(0o444)
    origin.share("push", "--remote", "folder")
    assert files(store) == whole


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


class Page(BaseHTTPRequestHandler):
    """What any server of web pages says of an address that it does not know."""

    def do_GET(self) -> None:
        self.send_error(404)


@pytest.fixture
def pages() -> Iterator[str]:
    """The address of a server that is not one of S3."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask() -> float:
    """Ask the default remote of the clone in the working folder; the seconds that it took."""
    with Repo() as repo:
        remote = repo.cloud.get_remote()
        before = time.monotonic()
        try:
            preflight.check(remote, writing=True)
        except UserError as error:
            error.add_note(str(time.monotonic() - before))
            raise
    return time.monotonic() - before


def test_a_server_that_cannot_be_used_is_told_in_time(
    origin, server, silent, pages, tmp_path, monkeypatch
):
    monkeypatch.chdir(origin.folder)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    origin.use(server)
    ask()  # imports the client, too
    wrong = tmp_path / "wrong"
    wrong.write_text(f"[default]\naws_access_key_id = {'A' * 20}\naws_secret_access_key = b\n")
    right_key = server.credentials.read_text().splitlines()[1]
    half = tmp_path / "half"
    half.write_text(f"[default]\n{right_key}\naws_secret_access_key = {'b' * 40}\n")
    for setting, value, told in (
        ("credentialpath", str(wrong), r"refuses the request \(InvalidAccessKeyId\)"),
        ("credentialpath", str(half), r"refuses the request \(SignatureDoesNotMatch\)"),
        ("url", "s3://elsewhere/cache", "has no bucket elsewhere; make it there"),
        ("endpointurl", pages, r"answers with 404; is it a server of S3\?"),
        ("endpointurl", silent, r"does not answer \(ReadTimeoutError\)"),
        ("endpointurl", "http://127.0.0.1:1", r"does not answer \(EndpointConnectionError\)"),
        ("endpointurl", "nonsense", "Invalid endpoint: nonsense"),
        ("profile", "nobody", r"profile \(nobody\) could not be found"),
    ):
        origin.use(server, **{setting: value})
        # DVC sets it once a process.
        monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE", raising=False)
        with pytest.raises(UserError, match=told) as error:
            ask()
        assert "\n" not in str(error.value)
        assert float(error.value.__notes__[0]) < IN_TIME


def test_with_the_server_down_nothing_is_lost(origin, server, tmp_path):
    origin.use(server)
    psutil.Process(server.process).kill()
    before = files(origin.folder)
    for command in ("push", "pull"):
        told = origin.share(command, code=1)
        assert told.startswith("error: remote s3 (s3://unroll/cache): http://127.0.0.1:")
        assert told.count("\n") == 1
    after = files(origin.folder)
    assert {name: after[name] for name in before if not name.startswith(".dvc/tmp/")} == {
        name: body for name, body in before.items() if not name.startswith(".dvc/tmp/")
    }


def test_a_folder_that_is_not_there_is_told(origin, tmp_path):
    fresh = origin.clone(tmp_path / "fresh")
    told = fresh.share("pull", code=1)
    assert "unroll-remote is not there: nothing was pushed to it yet" in told
    assert told.count("\n") == 1


def test_a_push_warns_of_what_is_nowhere(origin, server, tmp_path):
    fresh = origin.clone(tmp_path / "fresh")
    fresh.use(server)
    told = fresh.share("push")
    assert told.startswith("warning: 2 objects that dvc.lock records are neither here nor in ")
    assert "0 objects sent" in told
    origin.use(server)
    assert "warning" not in origin.share("push")
    assert "warning" not in fresh.share("push")


def test_two_clones_push_at_once(origin, server, tmp_path):
    other = origin.clone(tmp_path / "other")
    (other.folder / "params.yaml").write_text("seed: 3\n")
    other.run("dvc", "repro", "-q")
    other.commit("another seed")
    clones = (origin, other)
    for tiny in clones:
        tiny.use(server)
    pushes = [tiny.start("python", "-m", "harness", "push") for tiny in clones]
    for push in pushes:
        output = push.communicate()[0]
        assert push.returncode == 0, output
    both = files(origin.folder / ".dvc/cache/files/md5") | files(
        other.folder / ".dvc/cache/files/md5"
    )
    assert {name: both[name] for name in stored(server)} == stored(server)
    for i, tiny in enumerate(clones):
        fresh = tiny.clone(tmp_path / f"fresh-{i}")
        fresh.use(server)
        fresh.share("pull")
        assert files(fresh.folder / "data") == files(tiny.folder / "data")


def test_what_the_server_prints_can_be_typed(origin, tmp_path):
    fresh = origin.clone(tmp_path / "fresh")
    program = fresh.start("python", "-u", "-m", "s3", "--port", "0")
    try:
        assert program.stdout is not None
        lines = iter(program.stdout.readline, "")
        commands = [line.split() for line in iter(lambda: next(lines), "\n")]
        commands = [line.split() for line in iter(lambda: next(lines), "\n")]
        assert len(commands) == 4
        for command in commands:
            fresh.run(*command)
        assert "answers" in fresh.share("check")
        typed = (fresh.folder / ".dvc/config.local").read_text()
        url = commands[1][-1]
        fresh.use(Server(url, tmp_path, fresh.folder / "scratch/s3/credentials", 0))
        assert (fresh.folder / ".dvc/config.local").read_text() == typed
    finally:
        program.send_signal(signal.SIGINT)
        assert "stopped" in program.communicate()[0]
    assert "does not answer" in fresh.share("check", code=1)


def test_the_keys_of_the_server_are_its_owners_alone_and_it_ends_with_its_parent(tmp_path):
    program = (
        "import pathlib, sys, time; from s3 import serving\n"
        "with serving(pathlib.Path(sys.argv[1])) as server:\n"
        "    print(server.process, server.credentials, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        number, credentials = parent.stdout.readline().split()
        process = psutil.Process(int(number))
        secrets = re.findall("= (.+)", Path(credentials).read_text())
        assert [len(secret) >= 16 for secret in secrets] == [True, True]
        assert not [secret for secret in secrets if secret in " ".join(process.cmdline())]
        assert Path(credentials).stat().st_mode & 0o777 == 0o600
        parent.kill()
        process.wait(5)
    with serving(tmp_path) as again:
        assert re.findall("= (.+)", again.credentials.read_text()) == secrets


@pytest.mark.parametrize("name", [".dvc/config.local", "scratch/s3/credentials"])
def test_git_ignores_what_holds_credentials(name):
    ignored = subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False)
    assert ignored.returncode == 0
