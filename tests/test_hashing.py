"""What counts as a change: what DVC hashes, nothing that it ignores, and all that it overlooks."""

import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from dvc.repo import Repo
from dvc.stage.cache import _get_cache_hash
from dvc.stage.params import StageParams
from dvc_data.hashfile.build import build
from dvc_data.hashfile.meta import Meta
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import dvc_private
from harness.core.errors import UserError
from harness.stages import checks, dvc_file, hashing, lock_file


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """An empty repository of DVC."""
    folder = tmp_path_factory.mktemp("repository")
    Repo.init(str(folder), no_scm=True).close()
    return folder


def hash_of_dvc(root: Path, folder: Path) -> str | None:
    with Repo(str(root)) as repo:
        _, _, found = build(
            repo.cache.local, str(folder), repo.fs, "md5", dry_run=True, ignore=repo.dvcignore
        )
    return found.hash_info.value


names = st.sampled_from(["a.py", "b.txt", ".hidden", "é.csv", "a b", "tmp", "keep"])
RULES = (
    *("*.py", "tmp", "tmp/", "/a.py", "room/tmp", "!keep", "!a.py", "in/**", "**/b.txt", " *.txt "),
    *("# a.py", "", "\\!a.py", "code/*/in/a.py", "k??p", "[ab]*", ".*", "in/", "/in/tmp/"),
)
rules = st.sampled_from(RULES)


@settings(max_examples=40, deadline=None)
@given(
    files=st.lists(st.lists(names, min_size=1, max_size=3), min_size=1, max_size=8),
    ignored=st.fixed_dictionaries({}, optional={"": st.lists(rules), "code": st.lists(rules)}),
)
def test_the_digest_of_a_folder_is_that_of_dvc(repository, files, ignored):
    shutil.rmtree(repository / "code", ignore_errors=True)
    (repository / ".dvcignore").unlink(missing_ok=True)
    folder = repository / "code/room"
    for parts in [["in", "x"], *files]:
        path = folder.joinpath(*parts)
        if not any(parent.is_file() for parent in path.parents) and not path.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("/".join(parts))
    for place, lines in ignored.items():
        (repository / place / ".dvcignore").write_text("\n".join(lines))
    assert hashing.digest(folder) == hash_of_dvc(repository, folder)


STRAY = (
    *(".DS_Store", "._core.py", ".core.py.swp", ".core.py.swo", "core.py~", "4913", "Thumbs.db"),
    *("__pycache__/core.cpython-311.pyc", ".idea/workspace.xml", ".ipynb_checkpoints/a.ipynb"),
    *("#core.py#", ".nfs0001", ".partial-host-7-ab12.npy"),
)


@pytest.mark.parametrize("name", STRAY)
def test_what_editors_systems_and_killed_stages_leave_beside_code_does_not_count(repository, name):
    (repository / ".dvcignore").write_bytes((ROOT / ".dvcignore").read_bytes())
    folder = repository / "room"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "inner").mkdir(parents=True)
    (folder / "core.py").write_text("code")
    before = hashing.digest(folder)
    for place in (folder, folder / "inner"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("stray")
    (folder / ".#core.py").symlink_to("user@host.7")  # as Emacs locks a file, a link to nothing
    assert hashing.digest(folder) == before == hash_of_dvc(repository, folder)
    (folder / "more.py").write_text("")
    assert hashing.digest(folder) != before


def test_outside_of_a_repository_every_file_counts(folder):
    (folder / "a").mkdir()
    before = hashing.digest(folder / "a")
    (folder / "a/core.py~").write_text("")
    assert hashing.digest(folder / "a") != before


def changed_time(path: Path, change) -> None:
    """Change a file until its system notes another time, as time there has steps."""
    before = path.stat().st_ctime_ns
    change()
    while path.stat().st_ctime_ns == before:
        change()


def test_a_file_is_read_again_when_anything_about_it_has_changed(folder, monkeypatch):
    monkeypatch.setattr(hashing, "FRESH", -1e9)
    path, memory = Path("a"), hashing.Memory()
    path.write_text("one")
    first, stat = hashing.digest(path, memory), path.stat()
    monkeypatch.setattr(hashing.hashlib, "file_digest", None)
    assert hashing.digest(path, memory) == first
    monkeypatch.undo()
    monkeypatch.chdir(folder)

    def change() -> None:  # to the same size, with the time of before
        path.write_text("two")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    changed_time(path, change)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (3, stat.st_mtime_ns)
    assert hashing.digest(path, memory) != first


def test_a_file_that_changed_just_before_it_was_hashed_is_always_read_again(folder):
    memory: hashing.Memory = {}
    Path("a").write_text("one")
    hashing.digest(Path("a"), memory)
    assert memory == {}


PARAMS = """\
size: 1
data: {size: 1, deep: {nfiles: 1, Size: 1}}
layers: [{units: 1}, {size: 1}]
fine: {isexec: 1, hash: 1, md5: 1, path: 1, size_of_batch: 1}
"""
REFUSED = {
    "size": ["size"],
    "data": ["data.size", "data.deep.nfiles"],
    "data.deep": ["data.deep.nfiles"],
    "data.size": [],  # DVC sees it, as it takes the dotted name for one key
    "layers": ["layers.1.size"],
    "fine": [],
    None: ["size", "data.size", "data.deep.nfiles", "layers.1.size"],
}


@pytest.mark.parametrize(("entry", "places"), REFUSED.items())
@pytest.mark.parametrize("file", ["params.yaml", "other.yaml"])
def test_a_parameter_that_dvc_does_not_see_is_refused_by_its_place(folder, file, entry, places):
    (folder / file).write_text(PARAMS)
    stage = dvc_file.Stage("train", (), {file: (entry,) if entry else ()}, ())
    if not places:
        checks.parameter_names([stage])
        return
    with pytest.raises(UserError) as error:
        checks.parameter_names([stage])
    lines = str(error.value).splitlines()
    assert sorted(line.split(";")[0] for line in lines) == sorted(
        f"{file}: rename {place}" for place in places
    )


KEYS = [*Meta.fields, *vars(Meta).values(), *vars(StageParams).values()]


@pytest.mark.parametrize("key", sorted({key for key in KEYS if isinstance(key, str)}))
def test_the_refused_names_are_those_that_dvc_leaves_out(key):
    first, second = (_get_cache_hash({"params": {"a": {"b": [{key: i}]}}}) for i in (1, 2))
    assert (first == second) == (key in dvc_private.UNSEEN)


DIRS = {
    "relative": ("../far", "{root}/far"),
    "home": ("~/cache", "{home}/cache"),
    "quoted": ('"/x/Lab, shared/cache"', "/x/Lab, shared/cache"),
    "commented": ("/x/cache # of the lab", "/x/cache"),
    "with spaces": ("/x/my cache", "/x/my cache"),
    "with a hash": ("'/x/no#1'", "/x/no#1"),
}


@pytest.mark.parametrize(("text", "expected"), DIRS.values(), ids=DIRS)
@pytest.mark.parametrize("file", ["config", "config.local"])
def test_the_cache_is_where_dvc_keeps_it(tmp_path, monkeypatch, file, text, expected):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "a, #b"
    root.mkdir()
    Repo.init(str(root), no_scm=True).close()
    with (root / ".dvc" / file).open("a") as config:
        config.write(f"[cache]\n    dir = {text}\n")
    found = dvc_private.cache_folder(root)
    assert found.resolve() == Path(expected.format(root=root, home=tmp_path / "home"))
    with Repo(str(root)) as repo:
        assert str(found.resolve()) == repo.cache.local_cache_dir


def test_without_a_setting_the_cache_is_in_the_repository(repository, monkeypatch):
    monkeypatch.chdir(repository)
    assert dvc_private.objects_folder() == Path(".dvc/cache/files/md5")


def test_the_lock_file_is_read_once_for_all_stages(folder, monkeypatch):
    (folder / "dvc.yaml").write_text(
        "stages:\n  make: {foreach: [1, 2, 3], do: {cmd: a, outs: ['o${item}']}}\n"
        "  use: {cmd: a, wdir: sub, deps: [../o1, ../o2, ../o3, 's3://x/y'], outs: [p]}\n"
    )
    made = {f"make@{i}": {"outs": [{"path": f"o{i}", "md5": str(i)}]} for i in (1, 2, 3)}
    used = {
        "use": {
            "deps": [
                *({"path": f"../o{i}", "md5": str(i)} for i in (1, 2, 3)),
                {"path": "s3://x/y"},
            ],
            "outs": [{"path": "p", "md5": "4"}],
        }
    }
    (folder / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": made | used}))
    read = []

    def count(path: Path) -> object:
        read.append(path)
        return json.loads(path.read_text())

    monkeypatch.setattr(lock_file, "read_yaml", count)
    stage, found = dvc_file.stage("use"), {"o1": "1", "o2": "2", "o3": "3"}
    checks.verify(stage, found)
    assert len(read) == 1
    assert lock_file.outputs()["use"] == {"sub/p": "4"}
    assert lock_file.is_recorded(stage, found)
    assert not lock_file.is_recorded(stage, found | {"o3": "5"})
