"""Sweeps, on a pipeline without training in a repository that is set up against them."""

import os
import re
import signal
import stat
import time
from pathlib import Path

import dvc.api
import pytest
from conftest import ROOT
from dvc.config import Config
from matplotlib.text import Text
from nested import HARNESS, Nested

from harness import git
from harness.clone import clone
from harness.core.errors import UserError
from harness.core.files import write_json
from harness.dvc_private import cache_folder, upstream
from harness.experiments import seeds, store, sweep, sweep_chart, sweep_file, sweep_report
from harness.experiments.store import Experiment
from harness.experiments.sweep_file import DEFAULT, Setting, Sweep
from harness.experiments.sweep_verdicts import judge
from harness.reporting import comparison, pairs
from harness.reporting.pairs import BETTER, SAME

DIFFERENCE = "+0.0090 (+0.0080 to +0.0100, p 0.010)"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Tests leave it as they found it."""
    return Nested(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def inside(project, monkeypatch):
    """This process works in the project, as the same user."""
    monkeypatch.chdir(project.folder)
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    return project


@pytest.fixture(scope="module")
def swept(project):
    """A sweep stopped within a training: its code and its lines; and those of the next."""
    child = project.start(*HARNESS, "sweep", "--jobs", "3")
    log = project.folder / "scratch/sweep/slow.log"
    deadline = time.monotonic() + 200
    while not (log.exists() and "epoch 1/2" in log.read_text()):
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    stopped, _ = child.communicate(timeout=60)
    project.hurry.touch()
    second = project.start(*HARNESS, "sweep", "--jobs", "2")
    output, _ = second.communicate(timeout=200)
    assert second.returncode == 1
    return child.returncode, stopped, output


def test_a_sweep_that_is_stopped_says_so_and_resumes_within_a_training(project, swept):
    code, stopped, _ = swept
    assert code == 128 + signal.SIGINT
    assert stopped.endswith("stopped; the same command resumes\n")
    assert "Traceback" not in stopped
    log = project.text("scratch/sweep/slow.log")
    assert log.count("epoch 1/2") == log.count("epoch 2/2") == 1
    assert "resumes after epoch 1" in log


def test_a_setting_that_fails_is_named_and_stops_no_other(project, swept):
    *_, output = swept
    assert (
        "bad                FAILED: `dvc repro measure@whole` failed; see scratch/sweep/bad.log"
        in output
    )
    assert output.endswith(
        "not measured: bad\nwritten: docs/sweep.md, docs/sweep.png\n"
        "error: 1 of 3 settings failed: bad; after fixing that, the same command runs them again\n"
    )
    assert "error: unlucky" in project.text("scratch/sweep/bad.log")
    assert re.search(r"^slow +score 0\.8100, \d+ s$", output, re.MULTILINE)
    assert "Not measured: `bad`." in project.text("docs/sweep.md")


def test_nothing_is_computed_twice(project, swept):
    assert len(project.fetched.read_text().splitlines()) == 1
    assert "epoch" not in project.text("scratch/sweep/default.log")  # it is in the cache


def test_the_repository_of_the_user_is_as_before(project, swept):
    assert project.run("git", "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert project.run("git", "status", "--porcelain") == "?? inner/docs/\n"


def test_every_finished_setting_is_an_experiment(inside, swept):
    found = {entry["Experiment"]: entry for entry in dvc.api.exp_show() if entry["Experiment"]}
    assert set(found) == {"default", "slow"}
    assert found["slow"]["train.width"] == 128
    assert found["slow"]["train.rate"] == 0.01  # as DVC reads 1e-2
    assert found["slow"]["score.json:score"] == 0.91


def test_the_table_sets_metrics_beside_costs(project, swept):
    rows = [line for line in project.text("docs/sweep.md").splitlines() if line.startswith("| `")]
    assert rows == [
        "| `default` | 0.8010 |  | 1,064 | 640 |",
        f"| `slow` | 0.8100 | {DIFFERENCE} | 1,128 | 1,280 |",
        # Of the test split, those of the default and of what was chosen.
        "| `default` | 0.9010 (0.8990 to 0.9030) |  |",
        f"| `slow` | 0.9100 (0.9080 to 0.9120) | {DIFFERENCE} |",
    ]
    assert "Chosen: `slow`." in project.text("docs/sweep.md")
    assert "- better than the default, these pay: `slow`;" in project.text("docs/sweep.md")
    assert (project.folder / "docs/sweep.png").read_bytes()[:4] == b"\x89PNG"


def test_a_report_compares_with_an_experiment_on_the_same_rows(inside, swept):
    found = {change.place: change for change in comparison.compare("slow").metrics}
    assert {place: change.name for place, change in found.items()} == {
        "held/score": "score",
        "score": "score",
    }
    for change in found.values():
        assert change.difference == "-0.0090 (-0.0100 to -0.0080, p 0.010)"
        assert change.paired
        assert change.paired.verdict("higher") == "worse"


def test_nothing_is_paired_with_what_is_not_in_the_cache(inside, swept, monkeypatch, tmp_path):
    assert pairs.differences("whole", "HEAD", "")["score"].value == 0
    monkeypatch.setattr(pairs, "objects_folder", lambda: tmp_path)
    assert pairs.files_of("HEAD")(Path("said/rows/score")) is None
    assert pairs.files_of("HEAD")(Path("never")) is None


def test_an_experiment_counts_until_what_it_computed_from_changes(inside, swept):
    tried = sweep_file.read()

    def finished() -> list[str]:
        return list(store.finished(tried, store.start()))

    assert finished() == ["default", "slow"]
    inside.commit("results")
    assert finished() == ["default", "slow"]
    slow = tried.settings[-1]
    slow.params["train"]["width"] = 127
    assert finished() == ["default"]
    script = inside.folder / "measure.py"
    script.write_text(script.read_text().replace("0.8}", "0.7}"))
    with pytest.raises(UserError, match=r"^inner/measure\.py: not as committed"):
        store.check_committed(tried)
    inside.commit("measure differently")
    assert finished() == []
    inside.run("git", "reset", "-q", "--hard", "HEAD~2")


def test_a_clone_has_the_configuration_and_hides_its_secrets(inside, tmp_path):
    copy = clone(tmp_path / "clone", "HEAD", cache_folder())
    assert copy == tmp_path / "clone/inner"
    assert stat.S_IMODE((copy / ".dvc/config.local").stat().st_mode) == 0o600
    remotes = Config(str(copy / ".dvc"))["remote"]
    assert "hidden" in remotes["far"].values()
    assert remotes["far"]["credentialpath"] == str(inside.folder / "keys")
    assert remotes["near"]["url"] == str(inside.top / "stored")
    assert cache_folder(copy) == inside.folder / ".dvc/cache"
    assert (copy / "downloads/corpus").read_text() == "corpus\n"


def test_a_sweep_asks_before_it_starts_who_commits(inside, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    inside.run("git", "config", "--rename-section", "user", "nobody")
    try:
        with pytest.raises(UserError, match=r"who commits; .*`git config user\.name NAME`"):
            sweep.main(1)
        monkeypatch.setenv("GIT_COMMITTER_NAME", "Me")
        monkeypatch.setenv("GIT_COMMITTER_EMAIL", "me@localhost")
        assert git.identity() == {"user.name": "Me", "user.email": "me@localhost"}
    finally:
        inside.run("git", "config", "--rename-section", "nobody", "user")


def test_a_shallow_clone_is_refused(inside, tmp_path, monkeypatch):
    inside.run("git", "clone", "-q", "--depth=1", f"file://{inside.top}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow/inner")
    with pytest.raises(UserError, match=r"shallow clone, .*`git fetch --unshallow` first"):
        sweep.main(1)


def test_without_the_default_nothing_is_written_over(folder):
    tried = Sweep("stage", (Setting(DEFAULT, {}, {}), Setting("a", {"x": 1}, {})), Path("m"), "m")
    sweep_report.TABLE.parent.mkdir()
    sweep_report.TABLE.write_text("the table of yesterday")
    lines = sweep_report.write(tried, {"a": Experiment(tried.settings[1], {"m": 1.0}, {})})
    assert lines[0] == "not measured: default"
    assert lines[1].startswith("not written: docs/sweep.md")
    assert sweep_report.TABLE.read_text() == "the table of yesterday"
    assert not sweep_report.CHART.exists()


def test_a_metric_that_is_better_when_lower_turns_the_verdict_round(folder):
    settings = (Setting(DEFAULT, {}, {}), Setting("a", {"x": 1}, {}), Setting("b", {"x": 2}, {}))
    tried = Sweep("stage", settings, Path("m"), "loss", higher=False)
    found = {
        setting.name: Experiment(setting, {"loss": loss}, {})
        for setting, loss in zip(settings, (0.5, 0.4, 0.6), strict=True)
    }
    text = sweep_report.text(tried, found, judge(tried, found))
    assert "these pay: `a`;" in text
    assert "these lose: `b`." in text


def test_no_setting_pays_within_what_other_seeds_make_of_the_default():
    changes = {DEFAULT: {}, "a": {"x": 1}, "b": {"x": 2}, "seed-2": {"seed": 2}}
    values = {DEFAULT: 0.5, "a": 0.6, "b": 0.7, "seed-2": 0.65}
    settings = [Setting(name, change, {}) for name, change in changes.items()]
    tried = Sweep("stage", tuple(settings), Path("m"), "m")
    found = {s.name: Experiment(s, {"m": values[s.name]}, {}) for s in settings}
    judged = judge(tried, found)
    assert judged.words == {"a": SAME, "b": BETTER, "seed-2": SAME}
    assert (judged.seeds, judged.chance, judged.chosen) == (2, (0.5, 0.65), "b")


def entry(seed: int, auc: float, revision: str = "r") -> Experiment:
    setting = Setting(f"m-seed-{seed}", {"seed": seed}, {"seed": seed})
    metrics = {"auc": auc, "rows": 9, "group.auc": 0.1}
    return Experiment(setting, metrics, {}, {"auc": auc + 0.1, "rows": 9}, revision)


def test_seeds_are_reported_with_their_spread_until_results_change(folder, monkeypatch):
    outs = {"metrics/held/m.json": "1", "metrics/m.json": "2"}
    tried = Sweep("s@m", (), Path("metrics/held/m.json"), "auc", tested=Path("metrics/m.json"))
    monkeypatch.setattr(pairs, "outs_of", lambda revision: outs)
    made = seeds.entry(tried, [entry(5, 0.7), entry(6, 0.8), entry(7, 0.9)])
    assert made == {
        "seeds": [5, 6, 7],
        "made": {"metrics/held/m.json": "1", "metrics/m.json": "2"},
        "test": {"auc": {"values": [0.7 + 0.1, 0.8 + 0.1, 1.0], "mean": 0.9, "deviation": 0.1}},
        "validation": {"auc": {"values": [0.7, 0.8, 0.9], "mean": 0.8, "deviation": 0.1}},
    }
    write_json(seeds.REPORT, {"m": made})
    assert seeds.current() == {"m": made}
    outs["metrics/m.json"] = "3"
    assert seeds.current() == {}


def test_labels_of_the_chart_cover_neither_each_other_nor_the_default(folder):
    tried = {
        **{f"length-{n}": {"text.length": n} for n in (64, 256)},
        **{f"width-{n}": {"width": n} for n in (16, 64)},
        **{"seed-14": {"seed": 14}, "words-5": {"words": 5}, "words-20": {"words": 20}},
    }
    params = {"text": {"length": 128}, "width": 32, "seed": 13, "words": 10}
    # These cost as much as the default, and their metrics are all but its own.
    same = {"default": 0.9366, "seed-14": 0.9366, "words-5": 0.9367, "words-20": 0.9365}
    settings = [Setting(DEFAULT, {}, params), *(Setting(k, v, params) for k, v in tried.items())]
    found = {}
    for i, setting in enumerate(settings):
        auc = same.get(setting.name, 0.91 + 0.004 * i)
        metrics = {"auc": auc, "auc_interval.low": auc - 0.003, "auc_interval.high": auc + 0.003}
        cost = {"size": 1, "steps": 1_570_000 if setting.name in same else 500_000 * i}
        found[setting.name] = Experiment(setting, metrics, cost)
    swept = Sweep("stage", tuple(settings), Path("m"), "auc")
    figure = sweep_chart.chart(swept, found, judge(swept, found))
    figure.draw_without_rendering()
    [axes] = figure.axes
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the lines to them
    assert len(boxes) == len(settings) - 1
    [default] = [line for line in axes.lines if line.get_label() == DEFAULT]
    boxes.append(default.get_window_extent())
    assert not [1 for i, box in enumerate(boxes) for other in boxes[:i] if box.overlaps(other)]


MISTAKES = {
    "stage: measure@whole\nsettings: {a: {train.width: 0}}": [
        "settings.a: train.width is 0, allowed: 1 or more"
    ],
    "stage: measure@whole\nsettings: {a: {train.widht: 8}, Bad name: {other: 2}}": [
        "settings.a: train.widht: params.yaml has no such parameter; did you mean train.width?",
        "settings.Bad name: not a name, allowed: small letters, digits and single hyphens, "
        "not default",
    ],
    "model: lstm\nsettings: {}": [
        "expected `stage: NAME` and `settings:` with parameters to change by name"
    ],
    "stage: fetch\nsettings: {}": ["stage fetch writes no metrics to compare"],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_in_a_sweep_are_one_line_each(inside, tmp_path, text):
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        sweep_file.read(path)
    assert str(error.value).splitlines() == [f"{path}: {line}" for line in MISTAKES[text]]


@pytest.mark.parametrize(
    ("every", "expected"),
    [(["images", "loss"], "loss"), (["loss", "auc"], "auc"), (["a", "b"], "a"), ([], "")],
)
def test_settings_are_compared_by_what_can_get_better(every, expected):
    known = {"loss": {"better": "lower"}, "auc": {"better": "higher"}, "images": {"count": True}}
    assert sweep_file.compared_metric(every, "auc", known) == expected


def test_the_sweep_of_this_project_knows_what_its_stage_computes_from(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = upstream("evaluate@lstm")
    files = {path.as_posix() for path in found.files}
    assert found.metrics == [Path("metrics/lstm.json")]
    assert {"dvc.yaml", "stages/train_lstm.py", "corpora.yaml", "versions.yaml"} <= files
    assert not {"harness/experiments/sweep.py", "stages/train_rnn.py", "data/raw/imdb"} & files
