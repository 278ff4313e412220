"""The remote cache: a folder, a web server, a real S3 server, and what can go wrong with each."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import subprocess
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from dvc.cli import main as dvc
from s3 import BUCKET, serving
from tiny import Tiny, files

from harness import dvc_private
from harness.sharing import probe

OBJECTS = 9  # of a run: 6 files, their list, what was joined of them, the metrics
LONG = 120.0  # seconds, for what a busy machine does sometime
AGAIN = "; nothing is lost here; run the same command again\n"


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A server on this machine may answer late when the machine is busy."""
    monkeypatch.setattr(probe, "LIMIT", LONG)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return Tiny.made(tmp_path_factory.mktemp("tiny") / "made")


@pytest.fixture
def origin(made, tmp_path):
    """A clone that has run everything."""
    return made.copy(tmp_path / "origin")


@pytest.fixture
def fresh(origin, tmp_path):
    """A clone that has run nothing."""
    return origin.clone(tmp_path / "fresh")


@pytest.fixture
def store(tmp_path):
    """Where the remote beside the clones keeps its objects, once something is pushed."""
    return tmp_path / "remote/files/md5"


@pytest.fixture
def server(tmp_path, origin, fresh):
    """A server of S3, the remote of both clones."""
    with serving(tmp_path / "s3") as server:
        for tiny in (origin, fresh):
            tiny.use(**server.options())
        yield server


def objects_of(server):
    return server.store / BUCKET / "cache/files/md5"


def object_of(folder: Path, content: bytes) -> Path:
    """The file of an object, by what it holds."""
    [found] = [
        path for path in folder.rglob("*") if path.is_file() and path.read_bytes() == content
    ]
    return found


def spoil(path: Path, way: str) -> None:
    """Damage an object so that its size tells it, or only its content; or remove it."""
    body = path.read_bytes()
    path.unlink()
    if way != "gone":
        path.write_bytes(body[:9] if way == "cut" else bytes([body[0] ^ 1]) + body[1:])


def test_a_fresh_clone_pulls_and_runs_nothing(origin, fresh, store):
    assert f"{OBJECTS} objects sent" in origin.share("push")
    assert files(store) == files(origin.objects)
    fresh.share("pull")
    assert fresh.results() == origin.results()
    assert fresh.repro() == []
    assert fresh.git("status", "--porcelain") == b""
    assert "0 objects sent, 0 bytes; 0 repaired" in origin.share("push")


def test_what_a_colleague_has_run_and_not_committed_need_not_run_here(origin, fresh):
    assert origin.repro(seed=2) == ["draw", "join"]
    assert f"{2 * OBJECTS} objects sent" in origin.share("push")
    # Nothing here knows of that run but its parameters. A stage that always runs is no obstacle.
    (fresh.folder / "params.yaml").write_text("seed: 2\n")
    with (fresh.folder / "dvc.yaml").open("a") as file:
        file.write(
            "  always:\n    cmd: echo always > ran && touch data/end\n    outs: [data/end]\n"
        )
    said = fresh.share("pull")
    assert said.count("a run on the same inputs is known; `repro` takes its outputs") == 2
    assert f"{sum(map(len, files(fresh.objects).values())):,} bytes" in said
    assert fresh.repro() == ["always"]
    assert fresh.results().items() >= origin.results().items()
    assert "0 objects fetched, 0 bytes" in fresh.share("pull")


@pytest.mark.parametrize("name", ["Lab, shared", 'a "quoted" # one'])
def test_the_cache_may_lie_in_a_folder_of_any_name(name, origin, tmp_path):
    (origin.folder / ".dvc/cache").rename(tmp_path / name)
    with contextlib.chdir(origin.folder):
        assert dvc(["config", "--local", "cache.dir", str(tmp_path / name)]) == 0
    assert f"{OBJECTS} objects sent" in origin.share("push")
    assert f"{OBJECTS} objects in" in origin.share("audit", "--remote", "folder")


def test_a_run_whose_outputs_are_gone_from_the_remote_is_named(origin, fresh, store):
    origin.repro(seed=2)
    origin.share("push")
    object_of(store, (origin.folder / "data/joined").read_bytes()).unlink()
    (fresh.folder / "params.yaml").write_text("seed: 2\n")
    assert "join: a run on the same inputs is known; the remote lacks its" in fresh.share("pull")
    assert fresh.repro() == ["join"]


@pytest.mark.parametrize("kind", ["folder", "other"])
def test_damage_in_the_remote_is_named_and_repaired(kind, origin, fresh, store, request):
    is_s3 = kind == "other"
    if is_s3:
        store = objects_of(request.getfixturevalue("server"))
    origin.share("push")
    whole, data = files(store), files(origin.folder / "data")
    ways = {"drawn/1": "flipped", "drawn/2": "cut", "drawn/3": "gone", "joined": "flipped"}
    paths = {name: object_of(store, data[name]) for name in ways}
    [listing] = store.glob("*/*.dir")
    for name, way in ways.items():
        spoil(paths[name], way)
    settle = functools.partial(time.sleep, 1.5 if is_s3 else 0)
    settle()  # rclone looks at its folder once a second

    said = fresh.share("pull", code=1)
    for name, way in ways.items():
        # In a folder, DVC itself has removed some of the damaged ones.
        state = "DAMAGED" if is_s3 and way != "gone" else "(DAMAGED|MISSING)"
        assert re.search(f"{paths[name].name}: {state} .data/{name}", said), said
    assert said.count("\n") == len(ways) + 1
    if is_s3:
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


def test_a_push_reads_nothing_that_looks_whole_in_a_folder_and_an_audit_all(
    origin, store, monkeypatch
):
    origin.share("push")
    victim = object_of(store, (origin.folder / "data/drawn/1").read_bytes())
    spoil(victim, "flipped")
    victim.chmod(0o444)
    read, damaged = [], dvc_private.damaged

    def noting(objects, md5s):
        read.extend(md5s := list(md5s))
        return damaged(objects, md5s)

    monkeypatch.setattr(dvc_private, "damaged", noting)
    origin.share("push")
    assert read == []
    assert "1 damaged, 1 repaired" in origin.share("audit", "--remote", "folder")
    assert len(set(read)) == OBJECTS


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
    """A proxy before a server of S3 that lets some requests for objects pass, and then no more."""

    REQUEST = re.compile(rb"(?:PUT|GET) /unroll/cache/files/md5/[0-9a-f]{2}/")

    def __init__(self, url: str, allowed: int) -> None:
        self.port, self.allowed = int(url.rpartition(":")[2]), allowed
        self.reached, self.ended = threading.Event(), threading.Event()
        self.sockets = [socket.create_server(("127.0.0.1", 0))]
        self.url = f"http://127.0.0.1:{self.sockets[0].getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self.ended.is_set():
                client = self.sockets[0].accept()[0]
                ends = (client, socket.create_connection(("127.0.0.1", self.port)))
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

    def close(self) -> None:
        """Refuse everything from now on."""
        self.ended.set()
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def stored(server) -> int:
    """How many objects a server has; what it is still writing has a name with a dot in front."""
    return sum(not path.name.startswith(".") for path in objects_of(server).glob("??/*"))


@pytest.mark.parametrize(
    ("command", "who"), [("push", "client"), ("push", "server"), ("pull", "server")]
)
def test_what_is_killed_in_the_middle_is_completed_by_the_next_call(
    command, who, origin, fresh, server
):
    if command == "pull":
        origin.share("push")
    tiny = origin if command == "push" else fresh
    with (
        contextlib.closing(Gate(server.url, allowed=3)) as gate,
        contextlib.ExitStack() as ends,
    ):
        tiny.use(**server.options() | {"endpointurl": gate.url})
        program = ends.enter_context(tiny.start("-m", "harness", command))
        ends.callback(program.kill)  # or a mistake would wait for it forever
        assert gate.reached.wait(LONG)
        until = time.monotonic() + LONG
        while not stored(server) and time.monotonic() < until:
            time.sleep(0.02)  # what the gate has let pass may arrive a little later
        assert command == "pull" or 0 < stored(server) < OBJECTS
        program.kill() if who == "client" else gate.close()
        said = program.communicate(timeout=LONG)[0]
    if who == "server":
        assert program.returncode == 1
        assert re.fullmatch(f"error: remote .*: Could not connect to .*{AGAIN}", said), said
    tiny.use(**server.options())
    origin.share("push")
    assert files(objects_of(server)).items() >= files(origin.objects).items()
    fresh.share("pull")
    assert fresh.results() == origin.results()


def test_a_remote_that_refuses_twice_ends_a_process_whose_client_goes_on_trying(tmp_path):
    program = (
        "import threading; from types import SimpleNamespace as Some\n"
        "from harness.sharing import probe; probe.PAUSE = 0.01\n"
        "fs = Some(protocol='local', unstrip_protocol=str)\n"
        "with probe.watched(Some(name='r', path='/gone', fs=fs)): threading.Event().wait()\n"
    )
    with Tiny(tmp_path).start("-c", program) as process:
        said = process.communicate(timeout=LONG)[0]
    assert process.returncode == 1
    assert re.fullmatch(f"error: remote r .*{AGAIN}", said), said


def test_two_clones_push_at_once(made, origin, store, tmp_path):
    other = made.copy(tmp_path / "other")
    other.repro(seed=3)
    push = ("-m", "harness", "push")
    with origin.start(*push) as one, other.start(*push) as two:
        said = one.communicate()[0], two.communicate()[0]
    assert (one.returncode, two.returncode) == (0, 0), said
    assert files(store) == files(origin.objects) | files(other.objects)


class Pages(SimpleHTTPRequestHandler):
    """A server of web pages, which takes nothing and lists nothing."""

    def log_message(self, *_):
        pass

    def list_directory(self, _):
        self.send_error(403)

    def copyfile(self, source, target):
        with contextlib.suppress(OSError):  # the client may have seen enough
            super().copyfile(source, target)


@pytest.fixture
def web(tmp_path):
    """The address of a web server over the folder `remote`."""
    handler = functools.partial(Pages, directory=str(tmp_path / "remote"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_remote_that_cannot_be_listed_serves_a_pull_and_refuses_a_push(origin, fresh, store, web):
    origin.share("push")
    again = fresh.clone(fresh.folder.with_name("again"))
    for tiny in (origin, fresh, again):
        tiny.use(url=web)
    fresh.share("pull")
    assert fresh.results() == origin.results()
    assert f"{OBJECTS} objects in remote other" in origin.share("audit", "--remote", "other")
    spoil(object_of(store, (fresh.folder / "data/drawn/1").read_bytes()), "flipped")
    assert "DAMAGED (data/drawn/1)" in again.share("pull", code=1)
    origin.repro(seed=2)
    said = origin.share("push", code=1)
    assert "did not take all objects" in said
    assert said.count("\n") == 1


def test_a_store_that_cannot_be_used_is_reported_in_one_line_and_nothing_is_moved(
    origin, server, web, tmp_path, monkeypatch
):
    (tmp_path / "remote").mkdir()
    wrong, half, file = (tmp_path / name for name in ("wrong", "half", "file"))
    lines = server.credentials.read_text().splitlines()
    wrong.write_text("\n".join(line + "x" for line in lines[1:]).join(("[default]\n", "\n")))
    half.write_text("\n".join((*lines[:2], lines[2] + "x", "")))
    file.touch()
    silence = socket.create_server(("127.0.0.1", 0))
    silent = f"http://127.0.0.1:{silence.getsockname()[1]}"
    before = files(origin.folder)
    for change, expected in (
        ({"credentialpath": str(wrong)}, "Forbidden"),
        ({"credentialpath": str(half)}, "Forbidden"),
        ({"credentialpath": "/nowhere"}, "Unable to locate credentials"),
        ({"profile": "nobody"}, "profile (nobody) could not be found"),
        ({"url": "s3://elsewhere/cache"}, "The specified bucket does not exist"),
        ({"endpointurl": web}, "Not Found"),
        ({"endpointurl": "http://127.0.0.1:1"}, "Could not connect"),
        ({"endpointurl": silent}, "no answer within 1 seconds"),
        ({"endpointurl": "nonsense"}, "Invalid endpoint: nonsense"),
        ({"url": "http://127.0.0.1:1/x"}, "Cannot connect"),
        ({"url": silent}, "no answer within 1 seconds"),
        ({"url": f"{file}/cache"}, "Not a directory"),
        ({"url": "/proc/cache"}, "/proc/cache"),
        ({"url": "ssh://localhost/x"}, "requires 'dvc-ssh'"),
    ):
        is_s3 = change.get("url", "s3:").startswith("s3:")
        origin.use(**(server.options() if is_s3 else {}) | change)
        monkeypatch.setattr(probe, "LIMIT", 1.0 if "no answer" in expected else LONG)
        said = origin.share("push", code=1)
        assert said.startswith("error: remote other"), said
        assert expected in said
        assert said.count("\n") == 1, said
    silence.close()
    after = files(origin.folder)
    kept = [name for name in before if not name.startswith((".dvc/tmp/", ".dvc/config.local"))]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert not objects_of(server).exists()


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


def test_before_the_first_commit_sharing_works(origin):
    subprocess.run(["sh", "-c", "rm -rf .git; git init -q"], cwd=origin.folder, check=True)
    origin.share("push")
    origin.share("pull")


def test_what_make_s3_prints_can_be_typed_and_its_server_ends_with_it(fresh):
    with fresh.start("-u", "-m", "s3", "--port", "0") as program:
        assert program.stdout is not None
        said = "".join(iter(program.stdout.readline, "`dvc remote remove --local s3` undoes it.\n"))
        with contextlib.chdir(fresh.folder):
            typed = [dvc(line.split()) for line in re.findall("  dvc (.*)", said)]
        assert typed == [0, 0, 0, 0]
        assert "0 objects sent" in fresh.share("push")
        [server] = psutil.Process(program.pid).children()
        credentials = fresh.folder / "scratch/s3/credentials"
        keys = re.findall("= (.+)", credentials.read_text())
        assert [key for key in keys if key in " ".join(server.cmdline())] == []
        assert credentials.stat().st_mode & 0o777 == 0o600
        program.kill()
        server.wait(LONG)


@pytest.mark.parametrize("name", [".dvc/config.local", "scratch/s3/credentials"])
def test_git_ignores_what_holds_credentials(name):
    subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=True)
