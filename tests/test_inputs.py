"""A result is recorded only for the inputs that made it, and these are whole."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import UserError
from harness.stages import checks, dvc_file, hashing


@pytest.fixture
def copy(clone, tmp_path, monkeypatch):
    """A copy of the small project, to be harmed; the process is in it."""
    folder = tmp_path / "copy"
    shutil.copytree(clone.folder, folder, symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(checks, "PATIENCE", 0.0)
    return folder


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def check(name: str) -> None:
    stage = dvc_file.stage(name)
    checks.verify(stage, hashing.digests(stage))


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


HARMS = {
    "a flipped bit": flipped,
    "a lost end": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "an empty file": lambda path: path.write_bytes(b""),
    "no file": Path.unlink,
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_every_damaged_file_is_named_with_the_command_that_fixes_it(copy, harm):
    writers = {out: name for name, stage in dvc_file.stages().items() for out in stage.outs}
    tried = set[Path]()
    for name, stage in dvc_file.stages().items():
        for dep in (dep for dep in stage.deps if dep in writers):
            for path in [p for p in [Path(dep), *Path(dep).rglob("*")] if p.is_file()]:
                if path in tried:  # by another stage that reads it
                    continue
                whole = path.read_bytes()
                harm(path)
                with pytest.raises(UserError) as error:
                    check(name)
                assert str(path) in str(error.value)
                assert "`dvc repro" in str(error.value)
                path.write_bytes(whole)
                tried.add(path)
        check(name)
    assert len(tried) > 50


def test_a_stage_started_on_a_damaged_file_ends_with_one_line_and_writes_nothing(copy):
    flipped(copy / "plots/points/rnn/roc.csv")
    before = sorted(copy.rglob("*"))
    code, output = run("harness.stages", "plot@rnn", "imdb")
    assert (code, len(output.splitlines())) == (1, 1)
    assert "plots/points/rnn/roc.csv: not what evaluate@rnn wrote; run `dvc repro" in output
    assert [path for path in sorted(copy.rglob("*")) if "__pycache__" not in str(path)] == [
        path for path in before if "__pycache__" not in str(path)
    ]


def test_code_that_changes_while_its_stage_runs_leaves_no_recorded_result(copy):
    script = copy / "stages/plot.py"
    change = "    open('unroll/plotting/training.py', 'a').write('# changed meanwhile')\n"
    script.write_text(script.read_text() + change)
    recorded = (copy / "dvc.lock").read_bytes()
    code, output = run("dvc", "repro", "--single-item", "plot@rnn")
    assert code != 0
    assert "unroll/plotting changed while plot@rnn ran" in output
    assert "Traceback" not in output
    assert (copy / "dvc.lock").read_bytes() == recorded


def test_a_parameter_that_is_declared_and_never_read_is_an_error(copy):
    path = copy / "dvc.yaml"
    path.write_text(
        path.read_text().replace(
            "- versions.yaml: [matplotlib", "- seed\n      - versions.yaml: [matplotlib"
        )
    )
    code, output = run("harness.stages", "plot@rnn", "imdb")
    assert code == 1
    assert "stage plot@rnn declares the parameters seed and never reads them" in output


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ([], "missing a required argument: 'corpus'"),
        (["imdb", "x"], "too many positional arguments"),
    ],
)
def test_arguments_that_a_script_does_not_take_are_an_error(copy, more, found):
    code, output = run("harness.stages", "plot@rnn", *more)
    assert (code, output) == (
        1,
        "error: dvc.yaml: the arguments in the cmd of stage plot@rnn do not fit "
        f"main(params, name, corpus) in stages/plot.py: {found}\n",
    )
