"""The door of the stages: what it refuses, notices and clears away, on a project of one stage."""

import os
import sys
from pathlib import Path

import pytest
from conftest import ROOT, output_of

from harness import project
from harness.core.errors import UserError
from harness.core.files import partial_prefix
from harness.stages import versions


@pytest.mark.parametrize("module", ["harness", "harness.stages", "unroll"])
def test_without_the_packages_a_command_is_one_line(module):
    output = output_of([sys.executable, "-S", "-m", module, "any"], ROOT, {"PYTHONPATH": ""}, 1)
    assert "lacks the packages of requirements.txt; run `make venv`" in output
    assert output.count("\n") == 1


def test_without_the_packages_an_import_does_not_end_the_interpreter():
    code = "import harness, harness.core.environment, unroll; print('alive')"
    output = output_of([sys.executable, "-S", "-c", code], ROOT, {"PYTHONPATH": str(ROOT)}, 0)
    assert output == "alive\n"


@pytest.fixture
def door(folder):
    """A project of one stage whose script writes a file, and a function that runs the stage."""
    Path("dvc.yaml").write_text(
        "stages: {one: {cmd: x, params: [seed, data], deps: [in.txt], outs: [out/one]}}\n"
    )
    Path("params.yaml").write_text("seed: 1\ndata: {rows: 2}\n")
    Path("in.txt").write_text("in")
    Path("stages").mkdir()
    Path("stages/__init__.py").touch()
    Path("stages/one.py").write_text(
        "from pathlib import Path\n"
        "from harness.core.files import write_text\n"
        "def main(params):\n"
        "    write_text(Path('out/one/rows.txt'), str(params.data['rows'] * params.seed))\n"
    )

    def run(code: int, *command: str) -> str:
        start = [sys.executable, "-m", *(command or ("harness.stages", "one"))]
        return output_of(start, folder, {"PYTHONPATH": str(ROOT)}, code)

    return run


def test_a_stage_clears_away_what_a_killed_run_of_it_left_in_its_outputs(door, dead):
    left = [Path(place) for place in ("out/one/deep", "out/one", "out", "scratch")]
    name = f"{partial_prefix().replace(str(os.getpid()), str(dead))}half.npy"
    for place in left:
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("half")
    door(0)
    assert Path("out/one/rows.txt").read_text() == "2"
    assert not [place for place in left if (place / name).exists()]


@pytest.mark.parametrize("command", [("harness.stages", "one"), ("harness", "repro")])
def test_a_parameter_that_dvc_does_not_see_is_refused_before_anything_runs(door, command):
    Path("params.yaml").write_text("seed: 1\ndata: {rows: 2, size: 3}\n")
    output = door(1, *command)
    assert output.startswith("error: params.yaml: rename data.size; DVC leaves size and nfiles out")
    assert output.count("\n") == 1
    assert not Path("out").exists()


TABLES = {
    "stages = 1": "stages is 1, expected a text",
    "checks = 'a:b'": "checks is 'a:b', expected a list of texts",
    "keep = [1]": "keep is [1], expected a list of texts",
    "better = 'more'": "better is 'more', expected higher or lower",
    "stage = 'stages'": "stage is unknown; it has command, stages,",
    "checks = ['nothing:here']": "names 'nothing:here': No module named 'nothing'",
}


@pytest.mark.parametrize(("line", "said"), TABLES.items(), ids=TABLES)
def test_a_wrong_entry_of_the_projects_table_is_one_line(folder, line, said):
    Path("pyproject.toml").write_text(f"[tool.harness]\n{line}\n")
    with pytest.raises(UserError) as error:
        project.read().check()
    assert said in str(error.value)
    assert str(error.value).startswith("pyproject.toml: tool.harness")
    assert "\n" not in str(error.value)


def test_versions_lists_what_the_stages_declare_and_refuses_what_is_not_locked(folder):
    Path("requirements.txt").write_text("numpy==2.0 \\\n  --hash=x\nunused==1.0\njax==0.1\n")
    entry = "params: [{versions.yaml: [numpy, %s]}]"
    Path("dvc.yaml").write_text(f"stages: {{a: {{cmd: x, {entry % 'jax'}}}}}\n")
    assert versions.locked().splitlines()[1:] == ['jax: "0.1"', 'numpy: "2.0"']
    Path("dvc.yaml").write_text(f"stages: {{a: {{cmd: x, {entry % 'keras'}}}}}\n")
    with pytest.raises(UserError, match=r"requirements.txt: it locks no keras, which stages"):
        versions.locked()


def test_a_stage_without_a_script_is_one_line(door):
    Path("stages/one.py").unlink()
    assert door(1) == "error: dvc.yaml: stage one has no script stages/one.py\n"


def test_a_stage_notices_that_an_input_changed_though_size_and_time_are_the_same(door):
    with Path("stages/one.py").open("a") as script:
        script.write(
            "    import os\n"
            "    stat = os.stat('in.txt')\n"
            "    Path('in.txt').write_text('IN')\n"
            "    os.utime('in.txt', ns=(stat.st_atime_ns, stat.st_mtime_ns))\n"
        )
    assert "in.txt changed while one ran, so the result is not recorded" in door(1)
