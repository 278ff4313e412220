"""Searches, on a training of which the best parameters are known."""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import searches
from conftest import ROOT
from searches import ENGINE, SEARCH, experiments
from tiny import Tiny

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from harness.experiments import store
from harness.experiments.means import Held
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, Setting, Sweep, of_stage
from harness.searching import finals, losses, progress, search, search_chart, search_file
from harness.searching.halving import Halving
from harness.searching.search_file import SEARCH as FILE
from harness.searching.search_report import default_of, verdict
from harness.searching.space import Space, short_names
from harness.searching.study import (
    COMPLETE,
    FAILED,
    JOURNAL,
    PRUNED,
    RUNNING,
    Study,
    Trial,
)
from unroll.reporting.curve import curve

COMMAND = ("sweep", "--search", "rates", "--jobs", "1")
DOCS = ("docs/search-rates.md", "docs/search-rates.png")
LIMIT = 300.0  # seconds, for what a busy machine does sometime


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The project before any search; tests work in copies of it."""
    return searches.made(tmp_path_factory.mktemp("search") / "start")


@pytest.fixture(scope="module")
def searched(start, tmp_path_factory):
    """A search that nothing interrupts, and what it printed."""
    tiny = start.copy(tmp_path_factory.mktemp("searched") / "tiny")
    return tiny, tiny.share(*COMMAND)


def study_of(tiny: Tiny, monkeypatch: pytest.MonkeyPatch, name: str = "rates") -> list[Trial]:
    """The trials of a search, which must not be running."""
    monkeypatch.chdir(tiny.folder)
    asked = search_file.read(name)
    return Study(asked, of_stage(asked.stage, (), FILE), store.start()).trials()


def as_searched(trials: list[Trial]) -> list[Trial]:
    """Without what the clock says."""
    return [replace(trial, seconds=0.0) for trial in trials]


def again(start: Tiny, folder: Path, **changes: object) -> Tiny:
    """A copy of the project with another search."""
    tiny = start.copy(folder)
    text = json.dumps({"rates": SEARCH["rates"] | changes})
    (tiny.folder / "search.yaml").write_text(text)
    return tiny


@pytest.mark.slow
def test_a_search_finds_what_is_better_and_shows_how_far_it_is(searched, monkeypatch):
    tiny, output = searched
    trials = study_of(tiny, monkeypatch)
    assert [trial.state for trial in trials].count(PRUNED) >= 1
    assert len(trials) == 6
    best = progress.best_of(trials, higher=True)[0]
    default = read_yaml(Path("held/score.json"))["score"]
    assert best.value
    assert best.value > default
    pruned = sum(trial.state == PRUNED for trial in trials)
    assert re.search(
        rf"^6 of 6 trials done, {pruned} pruned; best validation score {best.value:.4f} "
        rf"\(trial {best.number}\); about \d+ (s|min) left$",
        output,
        re.MULTILINE,
    )
    assert "is better than the default beyond the chance of seeds" in output
    assert "plots:\n- search-rates.png\n" in Path("docs/dvc.yaml").read_text()


@pytest.mark.slow
def test_a_trial_that_came_to_its_end_is_an_experiment_and_no_other_is(searched, monkeypatch):
    tiny, _ = searched
    trials = study_of(tiny, monkeypatch)
    complete = [trial for trial in trials if trial.state == COMPLETE]
    winner = progress.best_of(trials, higher=True)[0]
    runs = [f"measure-seed-{seed}" for seed in (2, 3)]
    runs += [f"rates-trial-{winner.number:02d}-seed-{seed}" for seed in (2, 3)]
    assert set(experiments(tiny)) == {
        *(f"rates-trial-{trial.number:02d}" for trial in complete),
        *runs,
    }
    assert sorted(path.name for path in Path("scratch/search").iterdir() if path.is_dir()) == []


@pytest.mark.slow
def test_the_test_split_is_read_of_the_winner_and_of_the_default_alone(searched):
    tiny, _ = searched
    text = (tiny.folder / DOCS[0]).read_text()
    rows = re.findall(r"^\| \**`([\w-]+)`\** \| [\d.]+ ± [\d.]+ \| (.*) \|$", text, re.MULTILINE)
    assert [(name, bool(tested)) for name, tested in rows] == [
        ("default", True),
        (rows[1][0], True),
    ]
    for name, commit in experiments(tiny).items():
        tested = json.loads(tiny.git("show", f"{commit}:score.json"))["score"]
        assert f"{tested:.4f}" not in text, name  # the rows have the means of two


@pytest.mark.slow
def test_a_search_killed_three_times_equals_one_that_was_not(
    start, searched, tmp_path, monkeypatch
):
    whole, _ = searched
    tiny = start.copy(tmp_path / "tiny")
    journal, gate = tmp_path / "journal", tmp_path / "gate"
    journal.touch()
    monkeypatch.setenv("JOURNAL", str(journal))
    monkeypatch.setenv("GATE", str(gate))

    def over(place: str) -> int:
        """How many epochs are over, checkpoint and all."""
        logs = (tiny.folder / "scratch" / place).glob("*.log")
        return sum(len(re.findall(r"^epoch \d", log.read_text(), re.MULTILINE)) for log in logs)

    # In the first trial, in a later one, and in a run of a finalist.
    for place, *allowed in (("search", 2, 0), ("search", 9, 0), ("sweep", 99, 6)):
        gate.write_text(json.dumps(allowed))
        child = tiny.start("-m", "harness", *COMMAND)
        deadline = time.monotonic() + LIMIT
        while over(place) < allowed[place == "sweep"]:
            assert child.poll() is None, child.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child.kill()
        child.communicate()
    gate.write_text("[99, 99]")
    output = tiny.share(*COMMAND)
    assert "written: docs/search-rates.md" in output
    lines = journal.read_text().splitlines()
    assert len(lines) == len(set(lines))  # no epoch is trained twice
    assert as_searched(study_of(tiny, monkeypatch)) == as_searched(study_of(whole, monkeypatch))
    assert experiments(tiny) == experiments(whole)
    for name in DOCS:
        assert (tiny.folder / name).read_bytes() == (whole.folder / name).read_bytes()


@pytest.mark.slow
def test_two_workers_try_each_point_once_and_a_trial_that_fails_stops_no_other(
    start, tmp_path, monkeypatch
):
    reasons = {
        13: "the loss is nan in epoch 1, step 7",
        14: "killed by the system, as it does where memory runs out",
    }
    space = {"rate": [0.1], "units": [8, 12, *reasons]}
    tiny = again(start, tmp_path / "tiny", space=space, trials=9, pruning=None)
    output = tiny.share("sweep", "--search", "rates", "--jobs", "2")
    assert "every point of the space was tried\n" in output
    trials = study_of(tiny, monkeypatch)
    assert sorted(trial.changes["units"] for trial in trials) == [8, 12, 13, 14]
    text = (tiny.folder / DOCS[0]).read_text()
    for trial in trials:
        name, why = f"rates-trial-{trial.number:02d}", reasons.get(trial.changes["units"], "")
        assert (trial.state, trial.why) == (FAILED if why else COMPLETE, why)
        assert (name in experiments(tiny)) == (not why)
        if why:
            assert f"{name}     FAILED: {why}, " in output
            assert f" | failed {why} |" in text
    assert "4 of 9 trials done, 2 failed; best validation score" in output


@pytest.mark.slow
def test_a_search_whose_first_trials_all_fail_stops_and_begins_anew(start, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "HOPELESS", 2)
    space = {"rate": SEARCH["rates"]["space"]["rate"], "units": [13]}
    tiny = again(start, tmp_path / "tiny", space=space)
    output = tiny.share(*COMMAND, code=1)
    assert output.endswith(
        "all of the first 2 trials failed, the last with `the loss is nan in epoch 1, step 7`; "
        "after fixing that, the same command begins the search anew\n"
    )
    assert study_of(tiny, monkeypatch) == []


@pytest.mark.slow
def test_a_search_on_an_engine_equals_one_on_this_machine(start, searched, tmp_path, monkeypatch):
    whole, _ = searched
    tiny = start.copy(tmp_path / "tiny")
    tiny.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    tiny.git("remote", "add", "origin", str(tmp_path / "bare.git"))
    tiny.git("fetch", "-q", "origin")
    # Of an earlier search that drew something else under the same name.
    ref = store.reference(tiny.git("rev-parse", "HEAD").decode().strip(), "rates-trial-00")
    tiny.git("push", "-q", "origin", f"HEAD:{ref}")
    child = tiny.start("-c", ENGINE, str(tmp_path / "clones"))
    said, _ = child.communicate(timeout=LIMIT)
    assert child.returncode == 0, said
    assert as_searched(study_of(tiny, monkeypatch)) == as_searched(study_of(whole, monkeypatch))
    assert experiments(tiny) == experiments(whole)
    assert experiments(Tiny(tmp_path / "bare.git")) == experiments(whole)
    for name in DOCS:
        assert (tiny.folder / name).read_bytes() == (whole.folder / name).read_bytes()


class Pretended:
    """A place where trials take no time and measure what they change; `units` 13 fail."""

    stopping = False

    def __init__(self) -> None:
        self.ran: list[str] = []

    def trial(self, setting: Setting, sweep: Sweep, limit: losses.Limit) -> Experiment:
        self.ran.append(setting.name)
        if setting.changes["units"] == 13:
            raise UserError("unlucky")
        return Experiment(setting, {sweep.metric: float(setting.changes["units"])}, {})

    def settings(self, sweeps: Sequence[Sweep]) -> list[str]:
        raise NotImplementedError


@pytest.fixture
def pretend(inside, tmp_path, monkeypatch):
    """A function that runs the trials of a search in a place that pretends."""
    tiny = inside.copy(tmp_path / "tiny")
    monkeypatch.chdir(tiny.folder)

    def run(jobs: int = 1, spent: float = 0.0, **changes: Any) -> tuple[Study, list[str]]:
        asked, place = replace(search_file.read("rates"), **changes), Pretended()
        tried = of_stage(asked.stage, (), FILE)
        study = Study(asked, tried, store.start())
        study.spend(spent)
        search.Trials(asked, tried, study, jobs, place).run()
        return study, place.ran

    return run


def test_trials_are_drawn_until_the_budget_is_spent_and_later_go_on(pretend):
    _, ran = pretend(trials=3)
    assert ran == [f"rates-trial-{number:02d}" for number in range(3)]
    assert pretend(trials=3)[1] == []
    assert pretend(trials=5)[1] == ["rates-trial-03", "rates-trial-04"]
    assert pretend(trials=None, hours=0.5, spent=1801.0)[1] == []


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_seed_draws_the_same_and_no_point_twice(pretend, sampler):
    space = Space({"rate": [0.1, 0.2, 0.3, 0.4], "units": {"low": 4, "high": 10}})
    study, ran = pretend(trials=40, sampler=sampler, space=space)
    drawn = [trial.changes for trial in study.trials()]
    assert len(ran) == len(drawn) == 28  # all points
    assert len({tuple(changes.values()) for changes in drawn}) == 28
    study.forget()
    again, _ = pretend(trials=40, sampler=sampler, space=space)
    assert [trial.changes for trial in again.trials()] == drawn
    other, _ = pretend(trials=40, sampler=sampler, space=space, seed=2)
    assert [trial.changes for trial in other.trials()] != drawn
    many, ran = pretend(jobs=4, trials=40, sampler=sampler, space=space, seed=3)
    assert len(set(ran)) == len({tuple(t.changes.values()) for t in many.trials()}) == 28


@pytest.fixture
def inside(start, monkeypatch):
    monkeypatch.chdir(start.folder)
    return start


MISTAKES = {
    '{"stage": "measure"}': ["space: Field required"],
    '{"stage": "measure", "trails": 3, "space": {"rate": [0.1]}}': [
        "trails: unknown key; did you mean trials?"
    ],
    '{"stage": "measure", "sampler": "grid", "space": {"rate": [0.1]}}': [
        "sampler: Input should be 'tpe' or 'random' (is 'grid')"
    ],
    '{"stage": "measure", "space": {"rat": [0.1], "units": {"low": 9, "high": 3}}}': [
        "space.rat: params.yaml has no such parameter; did you mean rate?",
        "space.units: low is 9, expected less than high, which is 3",
    ],
    '{"stage": "measure", "space": {"rate": {"low": 0, "high": 1}, "seed": [1]}}': [
        "space.rate is 0, allowed: more than 0",
        "space.seed: not to be searched; the finalists run with several",
    ],
    '{"stage": "measure", "space": {"rate": {"low": 0, "high": 1, "log": true}, "units": []}}': [
        "space.rate: low is 0, expected more than 0 on a log scale",
        "space.units: no choices",
    ],
    '{"stage": "measure", "space": {"rate": 3, "units": {"low": 1, "high": 9, "step": 0.5}}}': [
        "space.rate: expected a list of values, or a range such as "
        "{low: 0.1, high: 1.0, log: true}",
        "space.units: step is 0.5, expected a whole number, as low and high are",
    ],
}


@pytest.mark.parametrize("block", MISTAKES)
def test_mistakes_in_a_space_are_one_line_each(inside, tmp_path, block):
    path = tmp_path / "search.yaml"
    path.write_text(f'{{"rates": {block}}}')
    with pytest.raises(UserError) as error:
        search_file.read("rates", path)
    assert str(error.value).splitlines() == [f"{path}: rates.{line}" for line in MISTAKES[block]]


def test_a_block_that_is_not_there_is_named_with_those_that_are(inside):
    with pytest.raises(UserError) as error:
        search_file.read("rate")
    assert str(error.value) == (
        "search.yaml: there is no block rate; did you mean rates?; it has rates; a block has "
        "`stage: NAME` and `space:` with what each parameter may be"
    )


def test_the_searches_of_this_project_are_valid_and_every_model_has_one(monkeypatch):
    monkeypatch.chdir(ROOT)
    models = read_yaml(Path("params.yaml"))["models"]
    assert set(read_yaml(FILE)) == set(models)
    for name in models:
        asked = search_file.read(name)
        assert asked.stage == f"evaluate@{name}"
        for parameter, entry in asked.space.entries.items():
            assert parameter.startswith(f"models.{name}.")
            default = default_of(asked, parameter)
            if isinstance(entry, list):
                assert default in entry, parameter
            else:
                assert entry["low"] <= default <= entry["high"], parameter


def test_the_curve_of_a_model_is_what_its_training_has_written_so_far(tmp_path):
    params = {"models": {"rnn": {"epochs": 3}}}
    assert curve(tmp_path, "evaluate@rnn", params) == []
    table = tmp_path / "plots/curves/rnn.csv"
    table.parent.mkdir(parents=True)
    lines = ["epoch,loss,val_loss,learning_rate", "1,0.5,0.6,0.1", "2,0.4,0.55,0.1", "3,0.3,0.5,0"]
    table.write_text("\n".join(lines[:2]))
    assert curve(tmp_path, "evaluate@rnn", params) == [0.6]
    table.write_text("\n".join(lines))
    assert curve(tmp_path, "train-rnn@rnn", params) == [0.6, 0.55]  # none after the last epoch


def made_up(
    number: int, state: str = COMPLETE, value: float | None = None, seconds: float = 60.0
) -> Trial:
    changes = {"rate": 0.1 * (number + 1), "units": 4 * (number % 4 + 1)}
    cost = {} if value is None else {"size": 7, "parameters": 100 * (number % 5)}
    return Trial(number, changes, state, value, {}, "", cost, seconds)


@pytest.fixture
def asked(inside):
    return search_file.read("rates")


def test_a_person_can_follow_the_progress(asked):
    trials = [made_up(i, value=0.9 + i / 100) for i in range(2)]
    trials += [made_up(2, PRUNED, seconds=30.0), made_up(3, FAILED, seconds=30.0)]
    trials.append(made_up(4, RUNNING))
    many = replace(asked, trials=40, finalists=3, seeds=5)
    line = progress.line(trials, many, "validation AUC", True, 2, 0.0)
    # 35.5 trials of 45 s and 20 whole trainings of 60 s, two at once
    assert line == (
        "4 of 40 trials done, 1 pruned, 1 failed, 1 running; best validation AUC 0.9100 (trial 1); "
        "about 23 min left"
    )
    assert progress.line([made_up(0, RUNNING)], many, "AUC", True, 2, 0.0) == (
        "0 of 40 trials done, 1 running"
    )
    timed = replace(many, trials=None, hours=2.0)
    assert progress.line(trials, timed, "AUC", False, 2, 3600.0).startswith(
        "4 trials done, 1 pruned, 1 failed, 1 running; best AUC 0.9000 (trial 0); about 1 h 10 min"
    )


def test_only_the_best_go_on_at_a_rung():
    rule = Halving(min_epochs=2, reduction_factor=3, startup_trials=4)
    assert [epoch for epoch in range(1, 60) if rule.is_rung(epoch)] == [2, 6, 18, 54]
    others = [0.3, 0.1, 0.5, 0.2, 0.4]
    assert rule.limit(5, 2, 0.15, others) is None  # the second of six
    assert rule.limit(5, 2, 0.25, others) == 0.2
    assert rule.limit(5, 3, 0.25, others) is None  # no rung
    assert rule.limit(3, 2, 9.0, others) is None  # among the first
    assert rule.limit(5, 2, 9.0, []) is None  # nothing to compare with


class TestCurve:
    """What follows from a curve in a copy of the project."""

    @pytest.fixture
    def written(self, asked, tmp_path):
        """A function from what a training writes to the losses that count."""
        (tmp_path / "curve.csv").write_text("loss\n1.0\n")  # the committed one
        found = losses.Losses(tmp_path, Setting("a", {}, {"epochs": 4}), "measure")

        def now(*values: float, over: bool = False) -> list[float]:
            (tmp_path / "curve.csv").write_text("\n".join(["loss", *map(str, values)]))
            return found.now(over)

        return now

    def test_what_lay_there_before_is_of_another_training(self, written):
        assert written(1.0) == []
        assert written(1.0, over=True) == [1.0]
        assert written() == []
        assert written(1.5) == [1.5]
        assert written(1.5, 1.4, 1.3, 1.2) == [1.5, 1.4, 1.3]  # not of the last epoch

    def test_each_epoch_counts_once(self):
        decided: list[tuple[int, float]] = []
        curve = losses.Curve(lambda epoch, loss: decided.append((epoch, loss)))
        for found in ([], [1.5], [1.5], [1.5, 1.4, 1.3]):
            curve.judge(found)
        assert decided == [(1, 1.5), (2, 1.4), (3, 1.3)]

    def test_a_training_that_has_gone_further_is_cut_short_where_it_would_have_been(self):
        curve = losses.Curve(lambda epoch, loss: 2.0 if loss > 2 else None)
        with pytest.raises(losses.Pruned, match=r"^after epoch 2: loss 2.5000, needed 2.0000"):
            curve.judge([1.5, 2.5, 0.5, 0.1])


def test_what_a_kill_leaves_in_the_journal_is_cleared_away(inside, asked, tmp_path, monkeypatch):
    tiny = inside.copy(tmp_path / "tiny")
    monkeypatch.chdir(tiny.folder)
    tried = of_stage(asked.stage, (), FILE)
    first = Study(asked, tried, store.start())
    drawn = first.draw()
    assert drawn
    first.limit(drawn.number, 1, 0.5)
    with JOURNAL.open("a") as file:
        file.write('{"op_code": 4, "wor')
    JOURNAL.with_name(f"{JOURNAL.name}.lock").touch()
    second = Study(asked, tried, store.start())
    assert second.trials() == [replace(drawn, losses={1: 0.5})]
    assert second.draw()


def test_points_are_rounded_and_sections_are_choices():
    sections = [{"name": "adam"}, {"name": "muon", "ratio": 0.1}]
    space = Space(
        {
            "a.rate": {"low": 0.001, "high": 0.1, "log": True},
            "a.share": {"low": 0.1, "high": 0.5, "step": 0.1},
            "a.optimizer": sections,
        }
    )
    assert space.size is None
    point = {"a.rate": 0.0123456, "a.share": 0.1 + 2 * 0.1, "a.optimizer": json.dumps(sections[1])}
    assert space.changes(space.rounded(point)) == {
        "a.rate": 0.01235,
        "a.share": 0.3,
        "a.optimizer": sections[1],
    }
    finite = Space({"a.share": space.entries["a.share"], "a.optimizer": sections})
    points = [finite.changes(point) for point in finite.points()]
    assert len(points) == finite.size == 10
    assert {point["a.share"] for point in points} == {0.1, 0.2, 0.3, 0.4, 0.5}


def test_names_are_as_short_as_they_can_be():
    names = ["models.a.rate", "models.a.units", "models.a.schedule.rate"]
    assert list(short_names(names).values()) == ["a.rate", "units", "schedule.rate"]


def test_the_best_mean_over_seeds_wins_and_counts_beyond_their_chance_alone(asked):
    tried = Sweep("measure", (), Path("held"), "score", tested=Path("tested"))
    many = replace(asked, finalists=2, seeds=2)
    trials = [made_up(i, value=value) for i, value in enumerate((0.7, 0.9, 0.8))]
    sweeps = finals.sweeps_of(many, tried, trials)
    settings = [setting for sweep in sweeps for setting in sweep.settings]
    assert [setting.name for setting in settings] == [
        *("measure-seed-2", "measure-seed-3"),
        *("rates-trial-01-seed-2", "rates-trial-01-seed-3"),
        *("rates-trial-02-seed-2", "rates-trial-02-seed-3"),
    ]

    def judged(*values: float) -> finals.Finals | None:
        found = {
            setting.name: Experiment(setting, {"score": value}, {}, {"score": 1 + value})
            for setting, value in zip(settings, values, strict=False)
        }
        return finals.judge(many, tried, trials, found)

    clear = judged(0.70, 0.71, 0.80, 0.81, 0.90, 0.91)
    assert clear
    assert (clear.winner, clear.better) == ("rates-trial-02", True)
    assert set(clear.tested) == {DEFAULT, "rates-trial-02"}
    unclear = judged(0.70, 0.90, 0.80, 0.81, 0.85, 0.91)
    assert unclear
    assert (unclear.winner, unclear.better) == ("rates-trial-02", False)
    assert judged(0.70, 0.71, 0.80, 0.81, 0.90) is None  # one run is missing
    with pytest.raises(UserError, match="no trial came to its end"):
        finals.sweeps_of(many, tried, [made_up(0, FAILED)])


@pytest.mark.parametrize("higher", [True, False])
def test_the_chart_shows_every_trial(asked, higher):
    sign = 1 if higher else -1
    trials = [made_up(i, value=0.9 + sign * i / 1000) for i in range(12)]
    trials += [made_up(12, value=0.9 - sign * 0.4), made_up(13, PRUNED), made_up(14, FAILED)]
    default = Experiment(Setting(DEFAULT, {}, {}), {"score": 0.9}, {"size": 7, "parameters": 250})
    tried = Sweep("measure", (), Path("held"), "score", higher)
    picture = search_chart.Picture(
        asked, tried, trials, {"rate": 0.8, "units": 0.2}, default, "rates-trial-11"
    )
    figure = search_chart.chart(picture)
    figure.draw_without_rendering()
    history, matters, cost = figure.axes
    drawn = {
        str(points.get_label()): np.shape(points.get_offsets())[0] for points in history.collections
    }
    assert (drawn["trial"], drawn["pruned"], drawn["failed"]) == (12, 1, 1)  # one is far off
    low, high = history.get_ylim()
    assert low < 0.9 < high
    assert not low < 0.9 - sign * 0.4 < high
    assert [label.get_text() for label in matters.get_yticklabels()] == ["units", "rate"]
    assert cost.get_xlabel() == "parameters"  # the one in which they differ


def test_the_verdict_says_where_nothing_is_better(asked):
    tried = Sweep("measure", (), Path("held"), "score", tested=Path("tested"))
    values = {DEFAULT: [0.1, 0.2], "rates-trial-01": [0.1, 0.3]}
    last = finals.Finals([2, 3], values, values, "rates-trial-01", Held(0.05, -0.1, 0.2), False)
    assert verdict(asked, tried, last).startswith(
        "No trial is better than the default beyond the chance of seeds. The best is "
        "`rates-trial-01`: its mean validation score over the seeds 2 to 3\nminus that of the "
        "default is +0.0500 (-0.1000 to +0.2000),\n"
    )
