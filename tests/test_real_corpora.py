"""The real corpora, from the real sources, where the machine reaches one of them."""

import hashlib
import json
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

from harness.core.yaml import read_yaml


def directory_md5(folder) -> str:
    """What DVC records for a folder of files."""
    entries = [
        {"md5": hashlib.md5(path.read_bytes()).hexdigest(), "relpath": path.name}  # noqa: S324
        for path in sorted(folder.iterdir())
    ]
    listing = json.dumps(entries, sort_keys=True).encode()
    return hashlib.md5(listing).hexdigest() + ".dir"  # noqa: S324


@pytest.mark.parametrize("corpus", ["imdb", "mnist"])
def test_fetching_gives_the_bytes_that_are_recorded(folder, corpus):
    for name in ("corpora.yaml", "dvc.yaml", "params.yaml", "pyproject.toml", "versions.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("harness", "stages", "unroll"):
        shutil.copytree(ROOT / name, folder / name)
    done = subprocess.run(
        [sys.executable, "-m", "harness.stages", f"fetch@{corpus}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "no source of" in done.stderr:
        pytest.skip(f"no source of {corpus} answers here")
    assert done.returncode == 0, done.stderr
    [recorded] = read_yaml(ROOT / "dvc.lock")["stages"][f"fetch@{corpus}"]["outs"]
    assert directory_md5(folder / recorded["path"]) == recorded["md5"]
    left = {path.name for path in (folder / "scratch").iterdir()} - {"downloads", "locks"}
    assert left == set()
