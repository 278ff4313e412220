"""The same bytes in a very different environment, and nothing written but what is declared."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fewer import keep
from small import nothing_run, outputs

# What DVC keeps and what Python compiles; `dvc.lock` is DVC's to write.
NOT_THE_STAGES = {".dvc", ".git", "__pycache__", "dvc.lock", "scratch"}


def files(folder: Path) -> dict[str, int]:
    """When each file below `folder` was last changed, in nanoseconds, without `NOT_THE_STAGES`."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and not NOT_THE_STAGES & set(path.relative_to(folder).parts)
    }


def run(folder: Path, *arguments: str, cores: int, **changes: str) -> str:
    """Standard output and error of a module's command that has some processors for itself."""
    available = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=os.environ | changes,
        preexec_fn=lambda: os.sched_setaffinity(0, available),
        umask=0o077 if cores == 1 else 0o022,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def elsewhere(clone, tmp_path):
    """The small project with nothing computed yet, in a folder with an awkward name.

    Of its models, one of texts and one of images.
    """
    folder = nothing_run(clone.folder, tmp_path / "an other place, é")
    keep(folder, "ngru", "ae_bilstm")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="processors are taken away")
def test_another_environment_gives_the_same_bytes_and_nothing_else(clone, elsewhere, tmp_path):
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    settings = {
        ".keras/keras.json": '{"floatx": "float64", "epsilon": 0.1, "backend": "jax"}',
        ".config/matplotlib/matplotlibrc": "lines.linewidth: 9\nsavefig.dpi: 30\n",
    }
    for name, text in settings.items():
        path = home / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    temporary.mkdir()
    before = files(home), files(elsewhere)
    run(
        elsewhere,
        *("harness", "repro", "--jobs", "1"),
        cores=1,
        HOME=str(home),
        KERAS_MAX_STEPS_PER_EPOCH="1",
        LANG="tr_TR.UTF-8",
        LC_ALL="POSIX",
        MATPLOTLIBRC=str(home / ".config/matplotlib/matplotlibrc"),
        MPLBACKEND="svg",
        ONEDNN_MAX_CPU_ISA="SSE41",
        PYTHONHASHSEED="4711",
        TF_ENABLE_ONEDNN_OPTS="0",
        TMPDIR=str(temporary),
        TZ="Asia/Kathmandu",
        XDG_CACHE_HOME=str(home / "cache"),
    )
    found = outputs(elsewhere)
    assert "models/ngru" in found
    assert found.items() <= outputs(clone.folder).items()

    declared = tuple(outputs(elsewhere))
    written = set(files(elsewhere).items() - before[1].items())
    assert not [
        name
        for name, _ in written
        if name not in declared and not name.startswith(tuple(f"{out}/" for out in declared))
    ]
    assert files(home) == before[0]
    assert files(temporary) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="processors are taken away")
@pytest.mark.parametrize(("backend", "threads"), [("tensorflow", 2), ("jax", 2)])
def test_a_backend_gives_the_same_weights_on_one_core(clone, tmp_path, backend, threads):
    weights = []
    for cores in (2, 1):
        copy = clone.copied(tmp_path / str(cores))
        copy.set("train.backend", backend)
        copy.set("train.threads", threads)
        copy.set("models.lstm.epochs", 1)
        run(copy.folder, "harness.stages", "train-lstm@lstm", "imdb", cores=cores)
        weights.append((copy.folder / "models/lstm/model.weights.h5").read_bytes())
    assert weights[0] == weights[1]
