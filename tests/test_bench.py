import sys

import pytest

from bench import costs, growth, measure, overhead, run


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


def test_a_sweep_takes_its_waves_or_the_way_home_whichever_is_longer():
    model = costs.Sweeping(start=10, job=5, home=1, end=3, requests=40)
    # The default and one training on a node, then the other two trainings, then the way home.
    waves = 10 + 2 * (5 + 100) + 1 + 3
    assert model.wall(jobs=3, nodes=2, training=100, poll=0) == waves
    short = model.wall(jobs=1000, nodes=1000, training=100, poll=0)
    assert short == 10 + 5 + 100 + 1000 + 3
    assert model.wall(3, 2, 100, poll=20) == waves + 10


def test_a_corpus_takes_what_workers_share_and_what_one_process_does_alone():
    def grown(workers: str, seconds: float) -> growth.Growth:
        return growth.Growth(1, workers, 1000, seconds, 0, 0, 0, 2.0)

    model = costs.Preparing.of(grown("1", 10.0), grown("2", 5.5))
    assert model.seconds(1000, 1) == pytest.approx(10)
    assert model.seconds(1000, 2) == pytest.approx(5.5)
    assert model.seconds(2000, 9) == pytest.approx(2 * (1 + 1))
    assert model.bytes_written == 2000
