"""Stages side by side, on pipelines of shell commands."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import output_of
from pipelines import LIMIT, PATHS, Pipeline, gone

from harness.core.environment import JOBS

pytestmark = pytest.mark.slow  # each test runs DVC several times
STOPPED = "stopped; `python -m harness repro` resumes from here\n"


def stages(*items: tuple[str, list[str], str]) -> str:
    """A `dvc.yaml` of stages by name, what each waits for, and its command."""
    lines = ["stages:"]
    for name, dependencies, command in items:
        lines += [f"  {name}:", f"    cmd: {command}", f"    outs: [{name}.out]"]
        lines += [f"    deps: [{', '.join(f'{d}.out' for d in dependencies)}]"]
    return "\n".join(lines) + "\n"


def meet(name: str, other: str) -> str:
    """A command that ends well only if the other's runs at the same time."""
    wait = f"for i in $(seq 600); do [ -e {other}.here ] && break; sleep 0.1; done"
    return f"touch {name}.here; {wait}; [ -e {other}.here ] && echo {name} > {name}.out"


LEAVER = """\
import os, pathlib, time
os.setsid()
pathlib.Path("leaver.pid").write_text(str(os.getpid()))
time.sleep(9999)
"""
# Says which stages a run with one job starts, in order, instead of running them.
STARTS = "from harness.running import repro; repro.main(1, lambda _, stage: print('starts', stage))"
FOREVER = "echo $$ > {0}.pid; echo waits; exec sleep 9999"


@pytest.fixture
def pipeline(tmp_path):
    """A function that makes a project of stages."""
    return lambda *items: Pipeline(tmp_path / "project", stages(*items))


def process_of(pipeline: Pipeline, name: str) -> psutil.Process:
    return psutil.Process(int((pipeline.folder / f"{name}.pid").read_text()))


def started(pipeline: Pipeline) -> list[str]:
    """The stages in the order in which a run with one job starts them."""
    output = output_of([sys.executable, "-c", STARTS], pipeline.folder, PATHS, 0)
    return re.findall(r"^starts (.+)$", output, re.MULTILINE)


def test_independent_stages_run_at_the_same_time(pipeline):
    pipeline(("one", [], meet("one", "two")), ("two", [], meet("two", "one"))).run(
        "harness", "repro"
    )


def test_a_stage_is_told_how_many_run_at_once(pipeline):
    project = pipeline(("one", [], f"echo ${JOBS} > one.out"))
    project.run("harness", "repro", "--jobs", "3")
    assert (project.folder / "one.out").read_text() == "3\n"


def test_a_stage_waits_for_those_that_it_depends_on_and_what_is_up_to_date_does_not_run(pipeline):
    one = pipeline(
        ("second", ["first"], "cat first.out first.out > second.out"),
        ("first", [], "echo a > first.out"),
    )
    output = one.run("harness", "repro")
    assert (one.folder / "second.out").read_text() == "a\na\n"
    assert "second             | Running stage 'second':" in output
    assert output.endswith(
        "All stages are up to date; `git add dvc.lock processor.yaml` tracks the results.\n"
    )
    assert one.run("harness", "repro") == "Data and pipelines are up to date.\n"
    path = one.folder / "dvc.yaml"
    path.write_text(path.read_text().replace("first.out first.out", "first.out"))
    output = one.run("harness", "repro")
    assert "Running stage 'second'" in output
    assert "'first'" not in output


def test_of_stages_that_are_ready_the_last_of_the_pipeline_starts_first(pipeline):
    one = pipeline(*((name, [], f"echo > {name}.out") for name in ("short", "longer", "longest")))
    assert started(one) == ["longest", "longer", "short"]


def test_any_legal_name_of_a_stage_will_do(tmp_path):
    text = """\
stages:
  draw:
    foreach: [some/where, a b]
    do: {cmd: "mkdir -p data/some && echo > 'data/${item}'", outs: ["data/${item}"]}
  join:
    matrix: {side: [1, 2], color: [1.5]}
    cmd: echo > ${item.color}-${item.side}
    deps: [data/a b]
    outs: ["${item.color}-${item.side}"]
"""
    one = Pipeline(tmp_path / "project", text)
    assert one.run("harness", "repro").count("Running stage") == 4
    assert "up to date" in one.run("harness", "repro")


def test_lines_that_cannot_be_written_end_the_run_with_one(pipeline):
    one = pipeline(("one", [], "echo a > one.out"))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "harness", "repro"],
            cwd=one.folder,
            env=os.environ | PATHS,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_pipeline_that_dvc_cannot_read_is_one_line(pipeline):
    one = pipeline(("one", [], "echo a > one.out"))
    path = one.folder / "dvc.yaml"
    path.write_text(path.read_text().replace("    outs:", "    out:"))
    output = one.run("harness", "repro", code=1)
    assert "dvc.yaml" in output
    assert "Traceback" not in output


def test_a_failed_stage_stops_the_others_and_is_named(pipeline):
    fails = "until [ -s good.pid ]; do sleep 0.1; done; exit 3"
    one = pipeline(
        ("after", ["bad"], "touch after.out"),
        ("bad", [], fails),
        ("good", [], FOREVER.format("good")),
    )
    output = one.run("harness", "repro", code=1)
    good = int((one.folder / "good.pid").read_text())
    assert gone([process for process in psutil.process_iter() if process.pid == good])
    assert "error: stage bad failed" in output
    assert "Traceback" not in output
    assert not (one.folder / "after.out").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end_does_so_with_one_line_and_all_that_it_started(pipeline, number):
    # Of its processes, one has lost its parent, and one has left its group.
    stray = "(sleep 9999 & echo $! > stray.pid);"
    leaver = "python leaver.py & until [ -s leaver.pid ]; do sleep 0.1; done;"
    one = pipeline(("one", [], f"'{stray} {leaver} {FOREVER.format('one')}'"))
    (one.folder / "leaver.py").write_text(LEAVER)
    running = one.start("harness", "repro")
    running.until("| waits")
    everyone = {*running.everyone(), *(process_of(one, name) for name in ("stray", "leaver"))}
    os.kill(running.process.pid, number)
    assert running.rest() == STOPPED
    assert running.process.returncode == 128 + number
    assert gone(list(everyone))


def test_one_run_at_a_time_and_a_killed_one_takes_its_commands_of_dvc_along(pipeline):
    one = pipeline(("one", [], FOREVER.format("one")))
    running = one.start("harness", "repro")
    running.until("| waits")
    second = one.run("harness", "repro", code=1)
    assert f"`repro` is already running (pid {running.process.pid})" in second
    calls = [process for process in running.everyone() if "dvc" in process.cmdline()]
    assert len(calls) == 1
    running.kill()
    if sys.platform == "linux":
        assert gone(calls)
    process_of(one, "one").kill()


def test_what_a_killed_dvc_leaves_is_ended(pipeline):
    one = pipeline(("one", [], FOREVER.format("one")))
    running = one.start("harness", "repro")
    running.until("| waits")
    stage = process_of(one, "one")
    [call] = [process for process in running.everyone() if "dvc" in process.cmdline()]
    call.kill()
    assert "error: stage one failed" in running.rest()
    assert gone([stage])


def test_the_longest_chain_starts_first_then_what_most_wait_for(pipeline):
    made = pipeline(
        ("alone", [], "echo a > alone.out"),
        ("end", ["middle"], "echo a > end.out"),
        ("middle", ["begin"], "echo a > middle.out"),
        ("begin", [], "echo a > begin.out"),
        ("pair", ["wanted"], "echo a > pair.out"),
        ("twin", ["wanted"], "echo a > twin.out"),
        ("one", ["short"], "echo a > one.out"),
        ("wanted", [], "echo a > wanted.out"),
        ("short", [], "echo a > short.out"),
    )
    assert started(made) == [
        *("begin", "wanted", "short", "middle", "one", "twin", "pair", "end", "alone")
    ]
