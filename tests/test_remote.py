"""The remote cache: a folder, a web server, a real S3 server, and what can go wrong with each."""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from dvc.cli import main as dvc
from s3 import BUCKET, Server, serving
from tiny import Tiny, files

from harness import dvc_private
from harness.sharing import probe

OBJECTS = 9  # of a run: 6 files, their list, what was joined of them, the metrics
LONG = 120.0  # seconds, for what a busy machine does sometime
AGAIN = "; nothing is lost here; run the same command again\n"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny.made(tmp_path_factory.mktemp("tiny") / "made")


@pytest.fixture
def origin(made: Tiny, tmp_path: Path) -> Tiny:
    """A clone that has run everything."""
    return made.copy(tmp_path / "origin")


@pytest.fixture
def fresh(origin: Tiny, tmp_path: Path) -> Tiny:
    """A clone that has run nothing."""
    return origin.clone(tmp_path / "fresh")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the remote beside the clones keeps its objects, once something is pushed."""
    return tmp_path / "remote/files/md5"


@pytest.fixture
def server(tmp_path: Path, origin: Tiny, fresh: Tiny) -> Iterator[Server]:
    """A server of S3, the remote of both clones."""
    with serving(tmp_path / "s3") as server:
        origin.use(server)
        fresh.use(server)
        yield server


def stored(server: Server) -> dict[str, bytes]:
    return files(server.store / BUCKET / "cache/files/md5")


def spoil(path: Path, way: str) -> None:
    """Damage an object so that its size tells it, or only its content; or remove it."""
    body = path.read_bytes()
    path.unlink()
    if way != "gone":
        path.write_bytes(body[:9] if way == "cut" else bytes([body[0] ^ 1]) + body[1:])


def object_of(folder: Path, content: bytes) -> Path:
    """The file of an object, by what it holds."""
    [found] = [
        path for path in folder.rglob("*") if path.is_file() and path.read_bytes() == content
    ]
    return found


def test_a_fresh_clone_pulls_and_runs_nothing(origin, fresh, store):
    assert f"{OBJECTS} objects sent" in origin.share("push")
    assert files(store) == files(origin.objects)
    assert "objects fetched" in fresh.share("pull")
    assert fresh.results() == origin.results()
    assert fresh.repro() == []
    assert fresh.git("status", "--porcelain") == b""
    assert "0 objects sent, 0 bytes; 0 repaired" in origin.share("push")


def test_what_a_colleague_has_run_and_not_committed_need_not_run_here(origin, fresh):
    assert origin.repro(seed=2) == ["draw", "join"]
    tried = origin.results()
    assert f"{2 * OBJECTS} objects sent" in origin.share("push")
    # Nothing here knows of that run but its parameters. A stage that always runs is no obstacle.
    (fresh.folder / "params.yaml").write_text("seed: 2\n")
    with (fresh.folder / "dvc.yaml").open("a") as pipeline:
        pipeline.write(
            "  always:\n    cmd: echo always >> ran && touch data/end\n    outs: [data/end]\n"
        )
    said = fresh.share("pull")
    assert said.count("a run on the same inputs is known; `repro` takes its outputs") == 2
    fetched = sum(map(len, files(fresh.objects).values()))
    assert f"{fetched:,} bytes" in said
    assert fresh.repro() == ["always"]
    assert fresh.results().items() >= tried.items()
    assert "0 objects fetched, 0 bytes" in fresh.share("pull")


def test_a_run_whose_outputs_are_gone_from_the_remote_is_named(origin, fresh, store):
    origin.repro(seed=2)
    origin.share("push")
    object_of(store, (origin.folder / "data/joined").read_bytes()).unlink()
    (fresh.folder / "params.yaml").write_text("seed: 2\n")
    assert "join: a run on the same inputs is known; the remote lacks its" in fresh.share("pull")
    assert fresh.repro() == ["join"]


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_damage_in_the_remote_is_named_and_repaired(kind, origin, fresh, store, request):
    if kind == "s3":
        store = request.getfixturevalue("server").store / BUCKET / "cache/files/md5"
    origin.share("push")
    whole, data = files(store), files(origin.folder / "data")
    ways = {"drawn/1": "flipped", "drawn/2": "cut", "drawn/3": "gone", "joined": "flipped"}
    paths = {name: object_of(store, data[name]) for name in ways}
    [listing] = store.glob("*/*.dir")
    for name, way in ways.items():
        spoil(paths[name], way)
    settle = functools.partial(threading.Event().wait, 1.5 if kind == "s3" else 0)
    settle()  # rclone looks at the folder once a second

    said = fresh.share("pull", code=1)
    for name, way in ways.items():
        # In a folder, DVC itself has removed some of the damaged ones.
        state = "DAMAGED" if kind == "s3" and way != "gone" else "(DAMAGED|MISSING)"
        assert re.search(f"{paths[name].name}: {state} .data/{name}", said), said
    assert said.count("\n") == len(ways) + 1
    if kind == "s3":
        assert "3 damaged, 0 repaired" in fresh.share("audit", "--remote", kind, code=1)
    origin.share("push")
    assert files(store) == whole
    spoil(listing, "cut")
    spoil(paths["drawn/1"], "flipped")
    settle()
    assert "(data/drawn)" in fresh.share("pull", code=1)
    assert "2 damaged, 2 repaired" in origin.share("audit", "--remote", kind)
    fresh.share("pull")
    assert fresh.results() == origin.results()


def test_damage_that_only_a_full_read_finds_is_left_to_the_audit(origin, store, monkeypatch):
    origin.share("push")
    victim = object_of(store, (origin.folder / "data/drawn/1").read_bytes())
    spoil(victim, "flipped")
    victim.chmod(0o444)
    read: list[str] = []
    damaged = dvc_private.damaged

    def noting(objects, md5s):
        read.extend(md5s := list(md5s))
        return damaged(objects, md5s)

    monkeypatch.setattr(dvc_private, "damaged", noting)
    origin.share("push")
    assert read == []
    assert "1 damaged, 1 repaired" in origin.share("audit", "--remote", "folder")


def test_damage_in_this_clone_is_not_sent(origin, store):
    spoil(object_of(origin.objects, (origin.folder / "data/drawn/1").read_bytes()), "flipped")
    assert "nothing was sent: data/drawn/1;" in origin.share("push", code=1)
    assert not store.exists()


def test_an_audit_of_nothing_is_no_all_clear(origin, store):
    store.mkdir(parents=True)
    assert "has no objects" in origin.share("audit", "--remote", "folder", code=1)


def test_a_push_warns_of_what_is_nowhere(origin, fresh):
    said = fresh.share("push")
    assert said.startswith("warning: 2 recorded objects are neither here nor in remote folder")
    assert "data/drawn, data/joined;" in said
    assert "warning" not in origin.share("push")
    assert "warning" not in fresh.share("push")


class Gate:
    """A proxy before a server that lets some requests for objects pass, and then no more."""

    REQUEST = re.compile(rb"(?:PUT|GET) /unroll/cache/files/md5/[0-9a-f]{2}/")

    def __init__(self, server: Server, allowed: int) -> None:
        self.server, self.allowed = server, allowed
        self.reached, self.ended = threading.Event(), threading.Event()
        self.sockets = [socket.create_server(("127.0.0.1", 0))]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        port = int(self.server.url.rpartition(":")[2])
        with contextlib.suppress(OSError):
            while not self.ended.is_set():
                ends = (self.sockets[0].accept()[0], socket.create_connection(("127.0.0.1", port)))
                self.sockets += ends
                for pair in (ends, ends[::-1]):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self.allowed -= bool(self.REQUEST.match(data))
                if self.allowed < 0:
                    self.reached.set()
                    self.ended.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    @property
    def before(self) -> Server:
        """The server as it is seen through the gate."""
        url = f"http://127.0.0.1:{self.sockets[0].getsockname()[1]}"
        return Server(url, self.server.store, self.server.credentials, self.server.process)

    def close(self) -> None:
        """Refuse everything from now on."""
        self.ended.set()
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def gate(server: Server) -> Iterator[Callable[[int], Gate]]:
    gates: list[Gate] = []

    def make(allowed: int) -> Gate:
        gates.append(Gate(server, allowed))
        return gates[-1]

    yield make
    for one in gates:
        one.close()


def test_a_push_that_was_killed_is_completed_by_the_next(origin, fresh, server, gate):
    closing = gate(allowed=3)
    origin.use(closing.before)
    with origin.start("-m", "harness", "push") as push:
        assert closing.reached.wait(LONG)
        push.kill()
    assert push.returncode == -signal.SIGKILL
    assert 0 < len(stored(server)) < OBJECTS
    origin.use(server)
    origin.share("push")
    assert stored(server).items() >= files(origin.objects).items()
    fresh.share("pull")
    assert fresh.results() == origin.results()


@pytest.mark.parametrize("command", ["push", "pull"])
def test_a_server_that_goes_in_the_middle_is_reported_and_the_next_call_completes(
    origin, fresh, server, gate, command
):
    if command == "pull":
        origin.share("push")
    tiny = origin if command == "push" else fresh
    closing = gate(allowed=3)
    tiny.use(closing.before)
    with tiny.start("-m", "harness", command) as program:
        assert closing.reached.wait(LONG)
        closing.close()
        said = program.communicate(timeout=LONG)[0]
    assert program.returncode == 1
    assert said.startswith("error: remote s3 (s3://unroll/cache): Could not connect to")
    assert said.endswith(AGAIN)
    assert said.count("\n") == 1
    tiny.use(server)
    origin.share("push")
    fresh.share("pull")
    assert fresh.results() == origin.results()


def test_a_remote_that_refuses_twice_while_something_is_moved_ends_the_process(tmp_path):
    """Even if its client goes on trying."""
    program = (
        "import sys, threading; from types import SimpleNamespace as Some\n"
        "from harness.sharing import probe\n"
        "probe.PAUSE = 0.01\n"
        "fs = Some(protocol='local', unstrip_protocol=str)\n"
        "with probe.watched(Some(name='r', path=sys.argv[1], fs=fs)):\n"
        "    threading.Event().wait()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "gone")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: remote r (")
    assert done.stderr.endswith(AGAIN)


def test_two_clones_push_at_once(made, origin, store, tmp_path):
    other = made.copy(tmp_path / "other")
    other.repro(seed=3)
    push = ("-m", "harness", "push")
    with origin.start(*push) as one, other.start(*push) as two:
        said = one.communicate()[0], two.communicate()[0]
    assert (one.returncode, two.returncode) == (0, 0), said
    assert files(store) == files(origin.objects) | files(other.objects)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, takes none, lists none."""

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def copyfile(self, source, target):
        with contextlib.suppress(OSError):  # the client may have seen enough
            super().copyfile(source, target)

    def send_head(self):
        if self.path.endswith("/"):
            return self.send_error(403)
        return super().send_head()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a web server over the folder `remote`."""
    handler = functools.partial(Quiet, directory=str(tmp_path / "remote"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_remote_that_cannot_be_listed_serves_a_pull_and_refuses_a_push(origin, fresh, store, web):
    origin.share("push")
    for tiny in (origin, fresh):
        tiny.use_url(web)
    fresh.share("pull")
    assert fresh.results() == origin.results()
    assert fresh.repro() == []
    assert f"{OBJECTS} objects in remote other" in origin.share("audit", "--remote", "other")
    origin.repro(seed=2)
    said = origin.share("push", code=1)
    assert "did not take" in said
    assert said.count("\n") == 1
    spoil(object_of(store, files(fresh.folder / "data")["drawn/1"]), "flipped")
    fresh.forget()
    assert "DAMAGED (data/drawn/1)" in fresh.share("pull", code=1)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def refuse(tiny: Tiny, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LIMIT", 1.0 if "no answer" in expected else LONG)
    said = tiny.share("push", code=1)
    assert said.startswith("error: remote "), said
    assert expected in said
    assert said.count("\n") == 1, said


def test_a_store_that_cannot_be_used_is_reported_in_one_line_before_anything_is_moved(
    origin, server, web, silent, tmp_path, monkeypatch
):
    (tmp_path / "remote").mkdir()
    wrong, half, file = (tmp_path / name for name in ("wrong", "half", "file"))
    wrong.write_text(f"[default]\naws_access_key_id = {'A' * 20}\naws_secret_access_key = b\n")
    right_key = server.credentials.read_text().splitlines()[1]
    half.write_text(f"[default]\n{right_key}\naws_secret_access_key = {'b' * 40}\n")
    file.touch()
    before = files(origin.folder)
    for settings, expected in (
        ({"credentialpath": str(wrong)}, "Forbidden"),
        ({"credentialpath": str(half)}, "Forbidden"),
        ({"credentialpath": "/nowhere"}, "Unable to locate credentials"),
        ({"url": "s3://elsewhere/cache"}, "The specified bucket does not exist"),
        ({"endpointurl": web}, "Not Found"),
        ({"endpointurl": "http://127.0.0.1:1"}, "Could not connect"),
        ({"endpointurl": silent}, "no answer within 1 seconds"),
        ({"endpointurl": "nonsense"}, "Invalid endpoint: nonsense"),
        ({"profile": "nobody"}, "profile (nobody) could not be found"),
    ):
        origin.use(server, **settings)
        refuse(origin, expected, monkeypatch)
    for url, expected in (
        ("http://127.0.0.1:1/x", "Cannot connect"),
        (silent, "no answer within 1 seconds"),
        (f"{file}/cache", "Not a directory"),
        ("/proc/cache", "/proc/cache"),
        ("ssh://localhost/x", "ssh needs its client"),
    ):
        origin.use_url(url)
        refuse(origin, expected, monkeypatch)
    after = files(origin.folder)
    kept = [name for name in before if not name.startswith((".dvc/tmp/", ".dvc/config.local"))]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert not stored(server)


@pytest.mark.parametrize(
    ("arguments", "change", "expected"),
    [
        (["pull"], "", "there is no such folder; nothing was pushed, or it is not mounted"),
        (["push", "--remote", "missing"], "", "there is no remote missing; there are: folder"),
        (["push"], "rm .dvc/config", "there is no remote by default"),
        (["push"], "rm -rf .dvc", "not inside of a DVC repository"),
        (["push"], "rm -rf .git", "not a git repository"),
        (["push"], "printf '[core]\\nsite_cache_dir=/proc/x\\n' > .dvc/config.local", "/proc/x"),
        (["push"], "echo '[core' >> .dvc/config", "config"),
        (["pull"], "echo '<<<<<<< HEAD' >> dvc.lock; mkdir ../remote", "dvc.lock"),
    ],
)
def test_a_clone_that_cannot_be_used_is_reported_in_one_line(fresh, arguments, change, expected):
    subprocess.run(["sh", "-c", change], cwd=fresh.folder, check=True)
    said = fresh.share(*arguments, code=1)
    assert said.startswith("error: ")
    assert expected in said
    assert said.count("\n") == 1, said


def test_before_the_first_commit_sharing_works(origin, fresh):
    shutil.rmtree(origin.folder / ".git")
    origin.git("init", "-q")
    origin.share("push")
    fresh.share("pull")


def test_what_the_server_prints_can_be_typed(fresh, tmp_path):
    with fresh.start("-u", "-m", "s3", "--port", "0") as program:
        assert program.stdout is not None
        lines = iter(program.stdout.readline, "")
        _, commands = ([line.split() for line in iter(lambda: next(lines), "\n")] for _ in range(2))
        for command in commands:
            assert command[0] == "dvc"
            with contextlib.chdir(fresh.folder):
                assert dvc(command[1:]) == 0
        typed = (fresh.folder / ".dvc/config.local").read_text()
        fresh.use(
            Server(commands[1][-1], tmp_path, fresh.folder / "scratch/s3/credentials", 0),
            verify="true",
        )
        assert (fresh.folder / ".dvc/config.local").read_text() == typed
        program.send_signal(signal.SIGINT)
        assert "stopped" in program.communicate()[0]


def test_the_keys_of_the_server_are_its_owners_alone_and_it_ends_with_its_parent(tmp_path):
    program = (
        "import pathlib, sys, time; from s3 import serving\n"
        "with serving(pathlib.Path(sys.argv[1])) as server:\n"
        "    print(server.process, server.credentials, flush=True); sys.stdin.read()\n"
    )
    with Tiny(tmp_path).start("-c", program, str(tmp_path), stdin=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        number, credentials = parent.stdout.readline().split()
        process = psutil.Process(int(number))
        secrets = re.findall("= (.+)", Path(credentials).read_text())
        assert [len(secret) >= 16 for secret in secrets] == [True, True]
        assert not [secret for secret in secrets if secret in " ".join(process.cmdline())]
        assert Path(credentials).stat().st_mode & 0o777 == 0o600
        parent.kill()
        process.wait(LONG)
    with serving(tmp_path) as again:
        assert re.findall("= (.+)", again.credentials.read_text()) == secrets


@pytest.mark.parametrize("name", [".dvc/config.local", "scratch/s3/credentials"])
def test_git_ignores_what_holds_credentials(name):
    ignored = subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False)
    assert ignored.returncode == 0
