"""Files are whole or absent, whatever the file system, and what a kill leaves is cleared away."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from harness.core import files
from harness.core.files import (
    clear_partial_files,
    partial_prefix,
    replacing,
    write_json,
    write_text,
)


@pytest.fixture
def other_disk(tmp_path):
    """A folder on another file system."""
    place = Path("/dev/shm")  # noqa: S108
    if not place.is_dir() or place.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    folder = place / f"unroll-test-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-r", str(folder)], check=True)


def test_a_folder_may_be_a_link_to_another_disk(folder, other_disk):
    (folder / "models").symlink_to(other_disk)
    write_json(Path("models/rnn/model.json"), {"units": 8})
    assert (other_disk / "rnn/model.json").read_text() == '{\n  "units": 8\n}\n'
    assert [path.name for path in (other_disk / "rnn").iterdir()] == ["model.json"]


def refusing(number: int):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_file_system_that_refuses_modes_will_do(folder, monkeypatch):
    for name in ("chmod", "fchmod"):
        monkeypatch.setattr(os, name, refusing(errno.EPERM))
    write_text(Path("data/a.txt"), "whole")
    assert Path("data/a.txt").read_text() == "whole"


def test_a_file_gets_the_mode_that_the_user_wants(folder):
    before = os.umask(0o027)
    try:
        write_text(Path("a.txt"), "whole")
    finally:
        os.umask(before)
    assert Path("a.txt").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_fsync_will_do(folder, monkeypatch, number):
    monkeypatch.setattr(os, "fsync", refusing(number))
    write_text(Path("a.txt"), "whole")
    assert Path("a.txt").read_text() == "whole"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_full_disk_that_shows_late_is_an_error_and_leaves_nothing(folder, monkeypatch, number):
    monkeypatch.setattr(os, "fsync", refusing(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        write_text(Path("a.txt"), "whole")
    assert list(folder.iterdir()) == []


def test_a_failure_leaves_the_old_file_and_nothing_else(folder):
    write_text(Path("a.txt"), "old")
    with pytest.raises(UnicodeEncodeError), replacing(Path("a.txt")) as partial:
        partial.write_text("half \ud800")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("a.txt", "old")]


def test_only_what_gone_processes_of_this_machine_left_is_cleared(folder, dead, monkeypatch):
    mine = f"{partial_prefix()}a.npy"
    monkeypatch.setattr(os, "getpid", lambda: dead)
    left = f"{partial_prefix()}a.npy"
    monkeypatch.undo()
    host = left.removeprefix(".partial-").partition("-")[0]
    theirs = [f".partial-{name}-{dead}-a.npy" for name in ("other", f"{host}_2", f"{host}.org")]
    for name in (mine, left, *theirs, "kept"):
        (folder / name).write_text("half")
    (folder / f"{left}-copy").mkdir()
    (folder / f"{left}-copy/file").write_text("half")
    clear_partial_files([folder, folder / "missing"])
    assert {path.name for path in folder.iterdir()} == {mine, *theirs, "kept"}


def test_a_name_of_a_machine_with_hyphens_does_not_hide_the_process(folder, dead, monkeypatch):
    uname = os.uname()
    fake = type(uname)((uname.sysname, f"node-{os.getpid()}", *uname[2:]))
    monkeypatch.setattr(os, "uname", lambda: fake)
    monkeypatch.setattr(files.os, "getpid", lambda: dead)
    (folder / f"{partial_prefix()}a.npy").write_text("half")
    clear_partial_files([folder])
    assert list(folder.iterdir()) == []
