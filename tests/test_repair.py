"""What a kill in the middle of DVC's writes leaves is repaired, and nothing else is touched."""

import json
import os
import threading
from pathlib import Path

import pytest
from conftest import output_of
from pipelines import IDENTITY, LIMIT, Pipeline

from harness import dvc_private
from harness.core.errors import UserError
from harness.running import repair as module
from harness.running.repair import repair

ENTRY = "  {0}:\n    cmd: echo > {0}\n    outs:\n    - path: {0}\n      hash: md5\n      md5: {1}\n"
LOCK = "schema: '2.0'\nstages:\n" + "".join(
    ENTRY.format(name, digit * 32) for name, digit in (("one", "1"), ("two", "2"))
)
OTHER = LOCK.replace("1" * 32, "3" * 32)
CONFLICT = LOCK.replace("      md5: 1", "<<<<<<< HEAD\n      md5: 1").replace(
    "  two:", f"=======\n      md5: {'3' * 32}\n>>>>>>> other\n  two:"
)
LOCKS = Path(".dvc/tmp/rwlock")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a committed lock file; tests work in its folder."""
    one = Pipeline(tmp_path / "project", "stages: {}\n", **{"dvc.lock": LOCK})
    one.commit()
    (one.folder / ".dvc/tmp").mkdir()
    monkeypatch.chdir(one.folder)
    return one


def backups() -> list[str]:
    return [path.read_text() for path in Path(".dvc/tmp").glob("*.bak-*")]


CUTS = [
    0,
    3,
    20,
    len(OTHER.split("  one")[0]),
    60,
    OTHER.index("  two:") + 4,
    OTHER.rindex("md5:") + 2,
]


@pytest.mark.parametrize("content", [*(OTHER[:cut] for cut in CUTS), OTHER[:60] + "\0" * 99])
def test_a_lock_file_that_was_cut_off_is_restored_and_the_rest_of_it_kept(project, content):
    Path("dvc.lock").write_text(content)
    [line] = repair()
    assert "dvc.lock was cut off by a kill; restored from HEAD (backup: .dvc/tmp/dvc.lock.b" in line
    assert Path("dvc.lock").read_text() == LOCK
    assert backups() == [content]
    assert repair() == []


@pytest.mark.parametrize(
    "content",
    [CONFLICT, CONFLICT[:150], OTHER.replace("    outs:", "outs"), "- a list\n", "\xff\xfe"],
)
def test_a_lock_file_that_no_kill_explains_is_refused_as_it_is(project, content):
    Path("dvc.lock").write_text(content, "latin-1")
    with pytest.raises(UserError) as error:
        repair()
    assert str(error.value).startswith("dvc.lock ")
    assert "then run `python -m harness repro` again" in str(error.value)
    assert ("git checkout HEAD -- dvc.lock" in str(error.value)) == ("<<<" in content)
    assert Path("dvc.lock").read_text("latin-1") == content


def test_repro_refuses_an_unfinished_merge_in_one_line_even_when_the_markers_are_gone(project):
    for branch, digit in (("other", "3"), ("main", "4")):
        project.git("checkout", "-q", "-B", branch)
        Path("dvc.lock").write_text(LOCK.replace("1" * 32, digit * 32))
        project.commit()
        project.git("checkout", "-q", "HEAD~1")
    project.git("checkout", "-q", "main")
    output_of(["git", *IDENTITY, "merge", "-q", "other"], project.folder, {}, code=1)
    output = project.run("harness", "repro", code=1)
    assert output.startswith("error: dvc.lock has merge conflicts; keep one side")
    assert output.count("\n") == 1
    assert "<<<<<<<" in Path("dvc.lock").read_text()
    Path("dvc.lock").write_text(LOCK[:60])
    with pytest.raises(UserError, match="has merge conflicts"):
        repair()
    assert Path("dvc.lock").read_text() == LOCK[:60]
    project.git("checkout", "HEAD", "--", "dvc.lock")
    assert repair() == []


def test_where_head_has_no_lock_file_the_cut_one_is_set_aside(project):
    project.git("rm", "-q", "--cached", "dvc.lock")
    project.git("commit", "-q", "-m", "without")
    Path("dvc.lock").write_text(LOCK[:60])
    [line] = repair()
    assert "removed, as HEAD has none (backup: " in line
    assert not Path("dvc.lock").exists()
    assert backups() == [LOCK[:60]]


def test_where_that_of_head_is_unreadable_too_nothing_is_touched(project):
    Path("dvc.lock").write_text(CONFLICT)
    project.commit()
    Path("dvc.lock").write_text(LOCK[:60])
    with pytest.raises(UserError, match="HEAD's is unreadable"):
        repair()
    assert Path("dvc.lock").read_text() == LOCK[:60]


def test_a_lock_file_that_dvc_is_just_writing_is_waited_for(project, monkeypatch):
    seen = threading.Event()
    readable = dvc_private.is_lock_file

    def is_lock_file(content: bytes) -> bool:
        seen.set()
        return readable(content)

    monkeypatch.setattr(module, "is_lock_file", is_lock_file)
    found: list[list[str]] = []
    with dvc_private.locked():  # as DVC does while it writes
        Path("dvc.lock").write_text(OTHER[:60])
        thread = threading.Thread(target=lambda: found.append(repair()))
        thread.start()
        assert seen.wait(LIMIT)
        Path("dvc.lock").write_text(OTHER)
    thread.join(LIMIT)
    assert found == [[]]
    assert Path("dvc.lock").read_text() == OTHER


def held(pid: int) -> dict[str, object]:
    return {"pid": pid, "cmd": "dvc repro"}


@pytest.mark.parametrize("content", ["", '{"write": {"/a": {"pi'])
def test_a_list_of_locks_that_was_cut_off_is_emptied(project, content):
    LOCKS.write_text(content)
    [line] = repair()
    assert ".dvc/tmp/rwlock" in line
    assert json.loads(LOCKS.read_text()) == {}
    assert backups() == [content]


def test_locks_of_processes_that_are_gone_are_removed_and_those_of_others_kept(project):
    parent, me = held(os.getppid()), held(os.getpid())
    body = {"write": {"/a": me, "/b": held(2**22 + 1)}, "read": {"/c": [held(2**22 + 1), parent]}}
    LOCKS.write_text(json.dumps(body))
    assert len(repair()) == 1
    assert json.loads(LOCKS.read_text()) == {"write": {"/a": me}, "read": {"/c": [parent]}}
    # A process that began after the file was written is another one with that number.
    os.utime(LOCKS, (1, 1))
    assert len(repair()) == 1
    assert json.loads(LOCKS.read_text()) == {"write": {}, "read": {}}


def test_a_list_of_locks_of_another_form_is_left_to_dvc(project):
    LOCKS.write_text('{"version": 9}')
    assert repair() == []
    assert LOCKS.read_text() == '{"version": 9}'
