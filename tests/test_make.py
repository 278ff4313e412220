"""The commands of the Makefile, on this machine and on those that it was not written on."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib

import pytest
from click.testing import CliRunner
from conftest import ROOT, output_of

from harness.core.yaml import read_yaml
from unroll import __version__, cli

SUPPORTED = runpy.run_path(str(ROOT / ".ci/supported.py"))
LINUX = ("CPython", (3, 11), "Linux", "x86_64")


@pytest.fixture
def project(folder, monkeypatch):
    """The Makefile in a folder of its own, with an environment that looks finished."""
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # of the `make test` around this
        monkeypatch.delenv(name, raising=False)
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / ".venv/bin/python").chmod(0o755)
    (folder / ".venv/.ready").touch()
    return folder


def dry_run(folder, *targets):
    return output_of(
        ["make", "-sn", "-o", ".dvc/page.html", *targets], folder, {}, code=0
    ).splitlines()


def test_make_alone_lists_every_command_and_each_finds_its_programs(project):
    """Make 3.81, which macOS has, looks for a program on its own PATH, not on an exported one."""
    targets = re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = [line.split()[1] for line in output_of(["make"], project, {}, 0).splitlines()]
    assert listed == targets
    programs = {line.split()[0] for line in dry_run(project, *targets) if line[0] not in "\t "}
    assert programs == {"awk", "find", "rm", ".venv/bin/python", ".venv/bin/lint-imports"}


@pytest.mark.parametrize("target", ["/nowhere/python3", shutil.which("false")])
def test_an_environment_without_its_python_is_replaced(project, target):
    assert "rm -rf .venv" not in dry_run(project, "venv")
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to(target)
    removed, checked, made, *_ = dry_run(project, "venv")
    assert (removed, made) == ("rm -rf .venv", "python3 -m venv .venv")
    assert "supported.py" in checked


@pytest.mark.parametrize("reached", [True, False])
def test_an_environment_is_installed_by_uv_or_else_by_pip(project, reached):
    shutil.rmtree(project / ".venv")
    python = project / "python"
    answers = 'case "$*" in "-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin;; '
    answers += f'"-m uv"*) exit {int(not reached)};; esac'
    python.write_text(f'#!/bin/sh\necho "$@" >> called\n{answers}\n')
    python.chmod(0o755)
    output_of(["make", f"PYTHON={python}", "-o", ".dvc/page.html", "venv"], project, {}, 0)
    called = (project / "called").read_text().splitlines()
    installed = [line.split()[1:3] + line.split()[-1:] for line in called if " install " in line]
    bootstrap, whole = ["pip", "install", ".venv/uv.txt"], ["pip", "install", "requirements.txt"]
    assert installed == [
        *(bootstrap, ["uv", "pip", "requirements.txt"]),
        *([] if reached else [whole]),
        ["pip", "install", "."],
    ]
    assert all("--require-hashes" in line for line in called if line.endswith(".txt"))
    first, *hashes = (project / ".venv/uv.txt").read_text().splitlines()
    assert re.fullmatch(r"uv==[\d.]+ \\", first)
    assert {line.split("=")[0].strip() for line in hashes} == {
        "--hash",
        "# via unroll (pyproject.toml)",
    }


@pytest.mark.parametrize(
    ("machine", "needed"),
    [
        (("CPython", (3, 14), "Linux", "x86_64"), "CPython 3.11 to 3.13 is needed"),
        (("CPython", (3, 10), "Darwin", "arm64"), "make PYTHON=python3.11"),
        (("PyPy", (3, 11), "Linux", "x86_64"), "this is PyPy 3.11"),
        (("CPython", (3, 11), "Darwin", "x86_64"), "no build for Intel Macs"),
        ((*LINUX, "musl"), "Linux with glibc"),
        (("CPython", (3, 11), "Linux", "armv7l"), "no build for armv7l"),
        (("CPython", (3, 11), "Windows", "AMD64"), "on Windows, use WSL"),
    ],
)
def test_a_machine_that_the_packages_have_no_builds_for_is_named_in_one_line(machine, needed):
    refusal = SUPPORTED["refusal"](*machine)
    assert needed in refusal
    assert "\n" not in refusal


def test_supported_machines_are_let_through_and_the_pythons_are_those_of_the_package():
    assert SUPPORTED["refusal"](*LINUX) == ""
    assert SUPPORTED["refusal"]("CPython", (3, 13), "Darwin", "arm64") == ""
    pythons = SUPPORTED["PYTHONS"]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert declared == f">=3.{pythons[0][1]},<3.{pythons[-1][1] + 1}"
    workflow = read_yaml(ROOT / ".github/workflows/tests-and-report.yaml")
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == [f"{major}.{minor}" for major, minor in pythons]


def test_a_clone_has_the_same_bytes_whatever_git_makes_of_line_ends(tmp_path):
    crlf = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")
    subprocess.run(["git", *crlf, "clone", "-q", ROOT, tmp_path / "clone"], check=True)
    listed = output_of(["git", "ls-files", "--eol"], tmp_path / "clone", {}, 0).splitlines()
    assert [line for line in listed if "w/crlf" in line or "w/mixed" in line] == []
    assert output_of([*("git", *crlf), "status", "--short"], tmp_path / "clone", {}, 0) == ""


def test_the_command_runs_the_code_of_the_folder_that_it_is_typed_in(folder):
    shutil.copytree(ROOT / "unroll", folder / "unroll")
    (folder / "unroll/__init__.py").write_text('__version__ = "9.9.9"\n')
    script = "from unroll.cli import script; script()"
    other = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": ""}
    said = output_of([sys.executable, "-P", "-c", script, "--version"], folder, other, 0)
    assert said == "unroll, version 9.9.9\n"
    assert CliRunner().invoke(cli.main, ["--version"]).output == f"unroll, version {__version__}\n"


def test_a_shell_completes_the_commands(folder):
    words = {"_UNROLL_COMPLETE": "bash_complete", "COMP_WORDS": "unroll rep", "COMP_CWORD": "1"}
    path = {"PYTHONPATH": os.fspath(ROOT)}
    said = output_of([sys.executable, "-m", "unroll"], folder, words | path, 0)
    assert said.split() == ["plain,repro", "plain,report"]
