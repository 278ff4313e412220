"""Stages side by side, on pipelines of shell commands."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, output_of

from harness.core.yaml import read_yaml


@pytest.fixture
def repro(folder: Path):
    """A function that writes a pipeline of shell commands and brings it up to date."""
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())

    def run(*stages: tuple[str, list[str], str], jobs: int = 2, code: int = 0) -> str:
        lines = ["stages:"]
        for name, dependencies, command in stages:
            lines += [f"  {name}:", f"    cmd: {command}", f"    outs: [{name}.out]"]
            lines += [f"    deps: [{', '.join(f'{d}.out' for d in dependencies)}]"]
        models = [f"models.{name}" for name in read_yaml(ROOT / "params.yaml")["models"]]
        lines += ["  models:", "    cmd: touch models.out", f"    params: [{', '.join(models)}]"]
        (folder / "dvc.yaml").write_text("\n".join(lines) + "\n")
        call = [sys.executable, "-m", "harness", "repro", "--jobs", str(jobs)]
        return output_of(call, folder, {"PYTHONPATH": str(ROOT)}, code)

    return run


def meet(name: str, other: str) -> str:
    """A command that ends well only if the other's runs at the same time."""
    wait = f"for i in $(seq 100); do [ -e {other}.here ] && break; sleep 0.1; done"
    return f"touch {name}.here; {wait}; [ -e {other}.here ] && echo {name} > {name}.out"


def test_independent_stages_run_at_the_same_time(repro):
    repro(("one", [], meet("one", "two")), ("two", [], meet("two", "one")))


def test_a_stage_waits_for_those_that_it_depends_on(repro, folder):
    output = repro(
        ("first", [], "sleep 0.5; echo a > first.out"),
        ("second", ["first"], "cat first.out first.out > second.out"),
    )
    assert (folder / "second.out").read_text() == "a\na\n"
    assert "second             | Running stage 'second':" in output


def test_what_is_up_to_date_does_not_run_again(repro):
    stages = [("one", [], "echo a > one.out"), ("two", ["one"], "cp one.out two.out")]
    repro(*stages)
    assert repro(*stages) == "Data and pipelines are up to date.\n"
    changed = [stages[0], ("two", ["one"], "cat one.out one.out > two.out")]
    output = repro(*changed)
    assert "Running stage 'two'" in output
    assert "'one'" not in output


def test_lines_that_cannot_be_written_end_the_run_in_one(repro, folder):
    repro(("one", [], "echo a > one.out"))
    (folder / "one.out").unlink()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "harness", "repro"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device; mend that and run it again" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipeline_that_dvc_cannot_read_is_told_without_a_traceback(repro, folder):
    repro(("one", [], "echo a > one.out"))
    path = folder / "dvc.yaml"
    path.write_text(path.read_text().replace("    outs:", "    out:"))
    call = [sys.executable, "-m", "harness", "repro"]
    output = output_of(call, folder, {"PYTHONPATH": str(ROOT)}, 1)
    assert "dvc.yaml" in output
    assert "Traceback" not in output


def lives(number: int) -> bool:
    """Whether there is a process, other than one that has ended and waits to be asked how."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_failure_stops_the_others_and_is_named(repro, folder):
    output = repro(
        ("bad", [], "sleep 1; exit 3"),
        ("good", [], "echo $$ > good.pid; exec sleep 999"),
        ("after", ["bad"], "touch after.out"),
        code=1,
    )
    assert not lives(int((folder / "good.pid").read_text()))
    assert "error: stage bad failed" in output
    assert "Traceback" not in output
    assert not (folder / "after.out").exists()
