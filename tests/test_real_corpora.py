"""The real corpora, from the real sources, where the machine reaches one of them."""

import hashlib
import json
import shutil

import pytest
from conftest import ROOT

from harness.core.errors import UserError
from harness.core.params import Declared
from harness.core.yaml import read_yaml
from stages import fetch


def directory_md5(folder) -> str:
    """What DVC records for a folder of files."""
    entries = [
        {"md5": hashlib.md5(path.read_bytes()).hexdigest(), "relpath": path.name}  # noqa: S324
        for path in sorted(folder.iterdir())
    ]
    listing = json.dumps(entries, sort_keys=True).encode()
    return hashlib.md5(listing).hexdigest() + ".dir"  # noqa: S324


@pytest.mark.parametrize("corpus", ["imdb", "mnist"])
def test_fetching_gives_the_bytes_that_are_recorded(folder, monkeypatch, corpus):
    shutil.copy(ROOT / "corpora.yaml", folder)
    monkeypatch.delenv("UNROLL_DOWNLOADS", raising=False)
    try:
        fetch.main(Declared({}, [], "fetch"), corpus)
    except UserError as error:
        if not str(error).startswith(f"no source of {corpus} could be used"):
            raise
        pytest.skip(f"no source of {corpus} answers here")
    [recorded] = read_yaml(ROOT / "dvc.lock")["stages"][f"fetch@{corpus}"]["outs"]
    assert directory_md5(folder / recorded["path"]) == recorded["md5"]
    assert [path.name for path in (folder / "scratch").iterdir()] == ["downloads"]
