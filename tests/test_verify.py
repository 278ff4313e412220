"""`verify` and `audit`, in a repository that is set up against clones; where git does not work."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from nested import HARNESS, Nested

from harness import processor
from harness.checking import audit, verify
from harness.core.errors import UserError
from harness.dvc_private import cache_folder, objects_folder
from harness.experiments import sweep
from harness.stages.hashing import digest


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose committed lock file and metrics agree, though no stage measured them."""
    project = Nested(tmp_path_factory.mktemp("verify"))
    metrics = project.folder / "score.json"
    before = digest(metrics)
    metrics.write_text('{"score": 1.0}')
    lock = project.folder / "dvc.lock"
    lock.write_text(lock.read_text().replace(before, digest(metrics)))
    project.commit("forged")
    return project


@pytest.fixture
def project(made, monkeypatch):
    """This process works in the project; tests leave it as they found it."""
    monkeypatch.chdir(made.folder)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.mark.slow
def test_every_stage_runs_and_what_differs_is_named(project):
    project.run("git", "checkout", "-q", "--detach")
    child = project.start(*HARNESS, "verify")
    output, _ = child.communicate(timeout=200)
    project.run("git", "checkout", "-q", "main")
    assert child.returncode == 1
    assert output.count("Running stage") == 4
    rows = [line.split(maxsplit=2) for line in output.splitlines() if "|" not in line]
    assert ["train", "model", "same"] in rows
    assert ["measure@whole", "score.json", "DIFFERENT: score.json"] in rows
    assert "\n6 outputs, 1 different\nerror: this commit does not give what it says" in output
    assert project.run("git", "status", "--porcelain") == ""
    assert not list((project.folder / "scratch").glob("*verify*"))


@pytest.mark.slow
def test_one_stage_is_run_on_what_the_cache_holds_without_the_systems_temporary_folder(
    project, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", "/there/is/no/such/folder")
    assert verify.run("fetch", jobs=1) == [("fetch", "corpus", verify.SAME)]
    with pytest.raises(UserError, match="there is no stage fetched; there are fetch, train"):
        verify.run("fetched", jobs=1)


def test_what_another_kind_of_processor_made_is_not_called_different(folder):
    Path("out").write_text("sum 1.0000001")
    here = processor.kind()
    found = [verify._finding(Path(), "out", "0" * 32, made) for made in ("other", here, None)]
    assert found == ["other processor, other", "DIFFERENT: out", "DIFFERENT: out"]
    assert verify._finding(Path(), "out", digest(Path("out")), "other") == verify.SAME


def test_the_kind_of_processor_is_written_down_for_the_stage_that_ran(folder):
    processor.record("train@b", "new")
    processor.record("a", "old")
    first = processor.RECORD.read_bytes()
    processor.record("a", "old")
    assert processor.RECORD.read_bytes() == first
    assert processor.recorded() == {"a": "old", "train@b": "new"}
    assert processor.of_run("Stage 'a' is cached - skipping run\n", "a") == "old"
    assert processor.of_run("Running stage 'a':\n", "a") == processor.kind()


def no_repository(folder: Path) -> None:
    shutil.rmtree(folder / ".git")


def no_commit(folder: Path) -> None:
    no_repository(folder)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)


def another_owner(folder: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    os.chown(folder, 12345, -1)
    os.chown(folder / ".git", 12345, -1)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (no_repository, "not a git repository"),
        (no_commit, "no commit yet"),
        (another_owner, "dubious ownership"),
    ],
    ids=["a ZIP download", "no commit", "another owner"],
)
@pytest.mark.parametrize("command", [lambda: sweep.main(1), lambda: verify.main(None, 1)])
def test_where_git_does_not_work_one_line_says_why(
    project, tmp_path, monkeypatch, harm, words, command
):
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "-q", str(project.top), str(copy)], check=True)
    harm(copy)
    monkeypatch.chdir(copy / "inner")
    with pytest.raises(UserError, match=words) as error:
        command()
    assert len(str(error.value).splitlines()) == 1


def test_the_audit_names_the_damaged_object_and_what_it_is_of(project, tmp_path, capsys):
    audit.main()
    assert capsys.readouterr().out.endswith(", 0 damaged\n")
    md5 = digest(Path("model"))
    victim = objects_folder() / md5[:2] / md5[2:]
    kept = victim.rename(tmp_path / "kept")
    victim.write_text("harmed")
    try:
        with pytest.raises(UserError, match="delete the damaged files"):
            audit.main()
        assert f"{victim}: DAMAGED (model)\n" in capsys.readouterr().out
    finally:
        victim.unlink()
        kept.rename(victim)


@pytest.mark.parametrize(
    "name", ["~/a cache", "'{}/quoted'", '"{}/Lab, shared"', "{}/plain  # here"]
)
def test_the_audit_looks_where_the_user_keeps_the_cache(
    project, tmp_path, monkeypatch, capsys, name
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path))
    (tmp_path / "config").write_text(f"[cache]\n    dir = {name.format(tmp_path)}\n")
    with pytest.raises(UserError, match="no cache, or an empty one"):
        audit.main()
    place = cache_folder()
    assert place.parent == tmp_path
    shutil.copytree(".dvc/cache", place)
    audit.main()
    assert "objects in" in capsys.readouterr().out
