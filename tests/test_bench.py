import sys

from bench import measure, overhead, run


def test_a_cost_is_seconds_memory_and_when_each_line_came(tmp_path):
    code = "import time; print('a', flush=True); time.sleep(0.3); print('b')"
    found = measure.cost([sys.executable, "-c", code], tmp_path)
    (first, a), (second, b) = found.lines
    assert (a, b) == ("a", "b")
    assert 0 < first <= second <= found.seconds
    assert found.seconds > 0.3
    assert found.memory > 1


def test_a_spread_is_the_median_and_the_range():
    assert measure.spread([3, 1, 2]) == "2.00 (1.00 to 3.00)"


def test_the_bare_project_has_nothing_to_do(tmp_path):
    folder = overhead.bare(tmp_path / "bare", 3)
    lines = measure.cost(measure.python("-m", "dvc", "status"), folder).lines
    assert "up to date" in lines[-1][1]


def test_one_section_of_the_results_can_be_measured_alone():
    sections = {"Time": "a\n\n| b |", "Growth": "c"}
    assert run.read(run.written(sections)) == sections
