"""Jobs by hand, on a pipeline of two shell commands with a folder as remote; no engine is started.

The real engines are in `test_clusters.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from tiny import IDENTITY, Tiny

from harness import git, processor
from harness.cluster import bootstrap, cluster_file, fleet, ray_call, refusals, script, slurm
from harness.cluster import engine as engines
from harness.cluster import records as kept
from harness.cluster.checkpoints import Checkpoints
from harness.cluster.cluster_file import Cluster
from harness.cluster.engine import Group, Live
from harness.cluster.records import CANCELLED, DONE, FAILED, LOG, RUNNING
from harness.cluster.script import Origin
from harness.cluster.task import Task
from harness.core.errors import UserError

LONG = 600.0  # seconds, for what a busy machine does sometime
SWEEP = """\
stage: join
settings:
  two: {seed: 2}
  three: {seed: 3}
  bad: {seed: bad}
"""
# A training of three epochs, each a whole file; it stops within the third one the first time.
TRAIN = """\
mkdir -p scratch/unfinished/train data
for i in 1 2 3; do
  if [ -e scratch/unfinished/train/$i ]; then echo resumes after $i; continue; fi
  while [ $i = 3 ] && [ ! -e "$HURRY" ]; do sleep 0.1; done
  echo epoch $i; echo $i > scratch/unfinished/train/.partial-$i
  mv scratch/unfinished/train/.partial-$i scratch/unfinished/train/$i
done
cat scratch/unfinished/train/* > data/trained
"""
UNLUCKY = "[ $(cut -d ' ' -f 2 params.yaml) != bad ] || { echo error: unlucky; exit 1; }\n"
STAGE = """\
  train:
    cmd: sh train.sh
    deps: [train.sh, data/joined]
    outs: [data/trained]
"""


def cluster_of(**sections: object) -> Cluster:
    """As `cluster.yaml` would say it."""
    return Cluster.model_validate(sections)


class Lab:
    """The tiny project in a clone, the repository that it was cloned from, and a remote."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work, self.remote = folder, folder / "work", folder / "remote"
        self.hurry = folder / "hurry"
        origin = Tiny.made(folder / "origin")
        files = {
            "sweep.yaml": SWEEP,
            "train.sh": TRAIN,
            "dvc.yaml": (origin.folder / "dvc.yaml").read_text() + STAGE,
            "draw.sh": UNLUCKY + (origin.folder / "draw.sh").read_text(),
            ".gitignore": "/data/\n/ran\n/scratch/\n",
            ".dvc/config": f"[core]\nremote = folder\n['remote \"folder\"']\nurl = {self.remote}\n",
            "cluster.yaml": f"work: {self.work}\ncheckpoint_seconds: 0.2\n",
        }
        for name, text in files.items():
            (origin.folder / name).write_text(text)
        self.hurry.touch()
        os.environ["HURRY"] = str(self.hurry)
        origin.repro()
        origin.git("add", "-A")
        origin.git(*IDENTITY, "commit", "-q", "-m", "a sweep")
        origin.git("clone", "-q", "--bare", ".", str(folder / "bare.git"))
        origin.git("remote", "add", "origin", str(folder / "bare.git"))
        origin.git("fetch", "-q", "origin")
        for name, value in (("user.name", "Test"), ("user.email", "test@localhost")):
            origin.git("config", name, value)
        origin.share("push")
        self.project = origin
        self.commit = origin.git("rev-parse", "HEAD").decode().strip()

    def node(self, name: str) -> Tiny:
        """A clone on another machine, so to say."""
        clone = Tiny(self.folder / name)
        if not clone.folder.exists():
            self.project.git("clone", "-q", str(self.folder / "bare.git"), str(clone.folder))
        return clone

    def start(self, node: str, *arguments: str) -> subprocess.Popen[str]:
        return self.node(node).start("-m", "harness", "job", self.commit, *arguments)

    def job(self, node: str, *arguments: str, code: int = 0) -> str:
        child = self.start(node, *arguments)
        said, _ = child.communicate(timeout=LONG)
        assert child.returncode == code, said
        assert "Traceback" not in said
        return said

    def of(self, name: str) -> Path:
        """The files of a job in the remote."""
        return self.remote / "jobs" / self.commit / name

    def facts(self, name: str, file: str = DONE) -> dict:
        return json.loads((self.of(name) / file).read_text())

    def experiments(self) -> dict[str, str]:
        """The experiments of the repository in the middle, by name."""
        lines = self.project.git("ls-remote", "origin", "refs/exps/*").decode().split("\n")
        return {line.rpartition("/")[2]: line.split("\t")[0] for line in lines if line}


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def inside(lab, monkeypatch) -> Lab:
    monkeypatch.chdir(lab.project.folder)
    return lab


def await_file(path: Path, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LONG
    while not path.exists():
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_two_copies_of_a_job_at_once_leave_one_whole_result(lab):
    copies = [lab.start(node, "--setting", "two") for node in ("n1", "n2")]
    for copy in copies:
        said, _ = copy.communicate(timeout=LONG)
        assert copy.returncode == 0, said
        assert "Traceback" not in said
    facts = lab.facts("two")
    assert facts["state"] == "done"
    assert set(facts["seconds"]) == {"clone", "pull", "run", "push"}
    assert facts["processor"] == processor.kind()
    revision = lab.experiments()["two"]
    assert not (lab.of("two") / FAILED).exists()
    # A third one finds the result, and one that works again makes the very same commit.
    assert "done.json is in the remote" in lab.job("n3", "--setting", "two")
    lab.job("n3", "--setting", "two", "--again")
    assert lab.experiments()["two"] == revision
    assert list((lab.work / "jobs").iterdir()) == []


@pytest.mark.slow
def test_a_sweep_on_one_machine_makes_the_same_commits(lab, inside):
    lab.job("n1", "--setting", "three")
    lab.project.share("sweep", code=1)  # one setting is bad
    here = git.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").split("\n")
    found = {line.rpartition("/")[2]: line.split()[0] for line in here if line}
    assert found["three"] == lab.experiments()["three"]
    assert found.keys() == {"default", "two", "three"}


@pytest.mark.slow
def test_a_job_fetches_what_its_stages_need_and_nothing_else(lab):
    said = lab.job("n4", "--setting", "default")
    assert "0 objects fetched" in said
    assert "to run: nothing" in said


@pytest.mark.slow
def test_a_job_that_fails_says_why_and_is_not_repeated_by_itself(lab):
    said = lab.job("n1", "--setting", "bad", code=1)
    assert "unlucky" in said.splitlines()[-1]
    assert "unlucky" in lab.facts("bad", FAILED)["error"]
    assert "failed.json is in the remote" in lab.job("n2", "--setting", "bad")
    assert "bad" not in lab.experiments()


@pytest.mark.slow
def test_a_cancelled_job_that_comes_back_ends_at_once(lab):
    lab.of("three").mkdir(parents=True, exist_ok=True)
    for file in lab.of("three").glob("*.json"):
        file.unlink()
    (lab.of("three") / CANCELLED).touch()
    assert "cancelled is in the remote" in lab.job("n2", "--setting", "three")
    assert not (lab.of("three") / DONE).exists()
    lab.job("n2", "--setting", "three", "--again")
    assert (lab.of("three") / DONE).exists()


@pytest.mark.slow
def test_a_job_that_was_killed_goes_on_elsewhere_from_what_it_pushed(lab):
    lab.hurry.unlink()
    lab.project.git("update-ref", "refs/remotes/origin/main", lab.commit)
    first = lab.start("n1", "--stage", "train", "--seed", "9")
    sets = lab.of("train-seed-9") / "unfinished"
    deadline = time.monotonic() + LONG
    # A list counts once it has its name; until then, it has one that begins with a dot.
    while not any(len(json.loads(p.read_text())["files"]) == 2 for p in sets.glob("[!.]*.json")):
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    lab.hurry.touch()
    lab.job("n2", "--stage", "train", "--seed", "9")
    log = (lab.of("train-seed-9") / LOG).read_text()
    assert "resumes after 2" in log, log
    assert "epoch 3" in log
    assert "epoch 1" not in log
    assert not list(sets.rglob("*.json"))  # nothing is left of what a job that is done has pushed


@pytest.mark.slow
def test_a_set_of_checkpoints_is_of_one_moment_and_whole(lab, folder):
    with contextlib.chdir(lab.project.folder), kept.opened(None, "c" * 40) as (_, _, records):
        one, other = folder / "one", folder / "other"
        for root in (one, other):
            (root / "scratch/unfinished/s").mkdir(parents=True)
        checkpoints = Checkpoints(records, "j", one)
        assert checkpoints.push() == 0
        (one / "scratch/unfinished/s/epoch-1").write_bytes(b"1")
        (one / "scratch/unfinished/s/.partial-x").write_bytes(b"half")
        assert checkpoints.push() == 1
        assert checkpoints.push() == 0
        (one / "scratch/unfinished/s/epoch-1").unlink()
        (one / "scratch/unfinished/s/epoch-2").write_bytes(b"2")
        assert checkpoints.push() == 1
        assert Checkpoints(records, "j", other).fetch() == 1
        assert (other / "scratch/unfinished/s/epoch-2").read_bytes() == b"2"
        # A damaged set is none.
        [damaged] = [
            p for p in (lab.remote / "jobs" / ("c" * 40)).rglob("*") if p.is_file() and not p.suffix
        ]
        damaged.write_bytes(b"3")
        (other / "scratch/unfinished/s/epoch-2").unlink()
        assert Checkpoints(records, "j", other).fetch() == 0


MISTAKES = {
    "slurm: {partiton: main}": ["slurm.partiton: unknown key; did you mean partition?"],
    "checkpoint_seconds: 0": ["checkpoint_seconds: Input should be greater than 0 (is 0)"],
    "here: plot": ["here: Input should be a valid tuple (is 'plot')"],
    "slurm: {time: 30}": ["slurm.time: Input should be a valid string (is 30)"],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_in_cluster_yaml_are_one_line_each(folder, text):
    Path("cluster.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        cluster_file.read()
    assert str(error.value).splitlines() == [f"cluster.yaml: {line}" for line in MISTAKES[text]]


def test_the_engine_is_the_one_that_the_file_names(folder):
    assert cluster_of(slurm={}).engine(None) == "slurm"
    assert cluster_of(slurm={}, ray={}).engine("ray") == "ray"
    with pytest.raises(UserError, match="it names slurm and ray; say which with `--on slurm`"):
        cluster_of(slurm={}, ray={}).engine(None)


class Pretended:
    """An engine in this process, whose jobs a test starts and ends; it is elsewhere or here."""

    title = "Pretended"
    at_most: int | None = None

    def __init__(self, here: bool = True) -> None:
        self.here, self.jobs, self.submitted = here, dict[str, Live](), list[str]()
        self.questions = 0

    def check(self) -> None: ...

    def is_here(self) -> bool:
        return self.here

    def submit(self, group: Group, tasks: Sequence[Task], avoid: Collection[str]) -> None:
        self.submitted += [task.name for task in tasks]
        self.jobs |= {task.name: Live(engines.QUEUED, "", "", task.name) for task in tasks}
        self.avoided = set(avoid)

    def live(self, group: Group) -> dict[str, Live]:
        self.questions += 1
        return dict(self.jobs)

    def cancel(self, group: Group, names: Collection[str]) -> None:
        for name in names:
            self.jobs.pop(name, None)


REFUSED = {
    "url = remote": r"remote folder is remote, which is another folder in a clone on a node",
    "url = http://localhost:1/x": r"http://localhost:1/x, which another machine cannot reach",
    "": r"there is no remote of DVC folder",
}


@pytest.mark.slow
@pytest.mark.parametrize("text", REFUSED)
def test_a_remote_that_nodes_cannot_reach_is_refused(lab, tmp_path, monkeypatch, text):
    lab.project.git("clone", "-q", str(lab.folder / "bare.git"), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    head = "[core]\nremote = folder\n"
    Path(".dvc/config").write_text(head + (f"['remote \"folder\"']\n{text}\n" if text else ""))
    git.git("config", "user.name", "T")
    git.git("config", "user.email", "t@localhost")
    git.git("commit", "-q", "-a", "-m", "another remote")
    with pytest.raises(UserError, match=REFUSED[text]):
        refusals.check(Cluster(), Pretended(here=False), [])


@pytest.mark.slow
def test_what_jobs_would_miss_is_refused_in_a_line_each(inside, monkeypatch, capsys):
    elsewhere = Pretended(here=False)
    origin = refusals.check(Cluster(), elsewhere, ["draw.sh"])
    assert origin == Origin(str(inside.folder / "bare.git"), Path(), inside.commit)
    assert f"the folder {inside.remote}; every node must have it" in capsys.readouterr().out
    local = Path(".dvc/config.local")
    local.write_text("['remote \"folder\"']\nshared = group\n")
    try:
        with pytest.raises(UserError, match=r"shared is not in \.dvc/config"):
            refusals.check(Cluster(), elsewhere, [])
    finally:
        local.unlink()
    before = Path("draw.sh").read_text()
    Path("draw.sh").write_text(f"{before}\n")
    with pytest.raises(UserError, match=r"^draw\.sh: not as committed, .*; commit first"):
        refusals.check(Cluster(), elsewhere, ["draw.sh"])
    Path("draw.sh").write_text(before)
    git.git("commit", "-q", "--allow-empty", "-m", "not pushed")
    with pytest.raises(UserError, match=r"no branch of the git remote origin has the commit"):
        refusals.check(Cluster(), elsewhere, [])
    git.git("reset", "-q", "--hard", inside.commit)
    with pytest.raises(UserError, match=r"git has no remote upstream"):
        refusals.check(Cluster(git="upstream"), elsewhere, [])


def test_credentials_in_a_variable_are_named(folder, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    [line] = refusals._credentials(Cluster(), "s", "s3", {})
    assert "AWS_SECRET_ACCESS_KEY is set here and does not travel" in line
    assert "hidden" not in line
    assert not [*refusals._credentials(Cluster(), "s", "s3", {"credentialpath": "f"})]
    kept_by = cluster_of(slurm={"setup": ["export AWS_SECRET_ACCESS_KEY=$(cat ~/key)"]})
    assert not [*refusals._credentials(kept_by, "s", "s3", {})]


# The driver with an engine that starts each job as a process here, in a clone of its own.
DRIVER = """
import subprocess, sys
from pathlib import Path
from harness.cluster import driver, engine, listing, stages
from harness.core.errors import user_errors
from harness.experiments import sweep

class Local:
    title, at_most, running = "Local", 1, {}
    def check(self): pass
    def is_here(self): return True
    def submit(self, group, tasks, avoid):
        for task in tasks:
            clone = Path(sys.argv[1]) / task.name
            subprocess.run(["git", "clone", "-q", group.origin.url, clone], check=True)
            command = [sys.executable, "-m", "harness", "job", group.origin.commit, *task.arguments]
            self.running[task.name] = subprocess.Popen(command, cwd=clone)
    def live(self, group):
        live = [name for name, child in self.running.items() if child.poll() is None]
        return {name: engine.Live("running", "here", "now", name) for name in live}
    def cancel(self, group, names): pass

engine.of = lambda cluster, on: Local()
with user_errors():
    exec(sys.argv[2])
"""


def forget(lab: Lab) -> None:
    """Remove the experiments of the project, which count whatever commit they started from."""
    refs = lab.project.git("for-each-ref", "--format=%(refname)", "refs/exps").decode().split()
    for ref in refs:
        lab.project.git("update-ref", "-d", ref)


def drive(lab: Lab, clones: Path, what: str, code: int) -> str:
    child = lab.project.start("-c", DRIVER, str(clones), what)
    said, _ = child.communicate(timeout=LONG)
    assert child.returncode == code, said
    assert "Traceback" not in said
    return said


@pytest.mark.slow
def test_a_sweep_on_an_engine_ends_in_the_table(lab, tmp_path):
    lab.project.git("reset", "-q", "--hard", lab.commit)
    forget(lab)
    sweep = "sweep.main(1, driver.sweeping('slurm', {}, poll=0.2))"
    said = drive(lab, tmp_path, sweep.format(True), 1)
    assert "bad                FAILED: unlucky; `--again` runs it again" in said
    assert "1 of 4 settings failed: bad; after fixing that, the same command with `--again`" in said
    table = (lab.project.folder / "docs/sweep.md").read_text()
    assert [line for line in table.splitlines() if line.startswith("| `")] == [
        *("| `default` | 1 |", "| `two` | 2 |", "| `three` | 3 |")
    ]
    # What has failed is not repeated, what is done not either; what somebody removed is.
    assert "submitted" not in drive(lab, tmp_path / "2", sweep.format(False), 1)
    lab.project.git("update-ref", "-d", f"refs/exps/{lab.commit[:2]}/{lab.commit[2:]}/two")
    lab.project.git("push", "-q", "origin", f":refs/exps/{lab.commit[:2]}/{lab.commit[2:]}/two")
    said = drive(lab, tmp_path / "3", sweep.format(False), 1)
    assert "two: submitted to Local" in said
    assert "two" in lab.experiments()
    listed = drive(lab, tmp_path, "listing.show('slurm')", 0)
    rows = [line.split()[:2] for line in listed.splitlines() if "train-seed-9" not in line]
    assert rows == [
        *(["job", "state"], ["bad", "failed"], ["default", "done"]),
        *(["three", "done"], ["two", "done"]),
    ]


@pytest.mark.slow
def test_settings_that_are_not_committed_are_refused(lab, tmp_path):
    lab.project.git("reset", "-q", "--hard", lab.commit)
    (lab.project.folder / "sweep.yaml").write_text("stage: join\nsettings:\n  new: {seed: 9}\n")
    said = drive(lab, tmp_path, "sweep.main(1, driver.sweeping('slurm', False, poll=0.2))", 1)
    assert "error: sweep.yaml: not as committed" in said
    assert "submitted" not in said
    lab.project.git("reset", "-q", "--hard", lab.commit)


LOSING = """
class Losing(Local):
    def submit(self, group, tasks, avoid): pass
engine.of = lambda cluster, on: Losing()
"""


@pytest.mark.slow
def test_what_was_lost_too_often_is_tried_again_by_the_next_command(lab, tmp_path):
    lab.project.git("reset", "-q", "--hard", lab.commit)
    forget(lab)
    sweep = "sweep.main(1, driver.sweeping('slurm', False, poll=0.2))"
    with contextlib.chdir(lab.project.folder):
        Path("sweep.yaml").write_text("stage: join\nsettings:\n  two: {seed: 2}\n")
        git.git("commit", "-q", "-a", "-m", "one setting")
        git.git("push", "-q", "origin", "HEAD:refs/heads/lost")
        said = drive(lab, tmp_path, LOSING + sweep, 1)
        assert said.count("two: submitted to Local") == 1 + fleet.LOSSES
        assert "two                FAILED: lost 3 times in turn, on unknown nodes; " in said
        assert "error: 2 of 2 settings failed: default, two" in said
        said = drive(lab, tmp_path, sweep, 0)
        assert said.count("two: submitted to Local") == 1
        assert "| `two` | 2 |" in Path("docs/sweep.md").read_text()
        git.git("reset", "-q", "--hard", lab.commit)


@pytest.mark.slow
def test_the_pipeline_on_an_engine_brings_every_output_home(lab, tmp_path):
    lab.project.git("reset", "-q", "--hard", lab.commit)
    with contextlib.chdir(lab.project.folder):
        Path("params.yaml").write_text("seed: 77\n")
        git.git("commit", "-q", "-a", "-m", "another seed")
        git.git("push", "-q", "origin", "HEAD:refs/heads/seed")
        said = drive(lab, tmp_path, "stages.main('slurm', 1, False, poll=0.2)", 0)
        assert said.count("submitted to Local") == 3
        assert said.count("is cached - skipping run") == 3
        assert Path("metrics/of.json").read_text() == '{"seed": 77}\n'
        assert set(processor.recorded()) == {"draw", "join", "train"}
        ran = Path("ran")
        assert not ran.exists() or not ran.read_text()
        git.git("reset", "-q", "--hard", lab.commit)


@contextlib.contextmanager
def watched(lab: Lab, commit: str, **options: float) -> Iterator[tuple[fleet.Fleet, Pretended]]:
    engine = Pretended()
    group = Group(Origin("url", Path(), commit), Cluster())
    with kept.opened(None, commit) as (_, _, records):
        yield fleet.Fleet(engine, group, records, **options), engine


@pytest.mark.slow
def test_a_lost_job_is_submitted_again_elsewhere_and_not_for_ever(inside, capsys):
    tasks = [Task("a", ())]
    with watched(inside, "a" * 40, poll=0) as (one, engine):
        one.step(tasks)
        assert engine.submitted == ["a"]
        engine.jobs["a"] = Live(engines.RUNNING, "n1", "", "1")
        one.step(tasks)
        assert engine.submitted == ["a"]
        for count in range(2, 2 + fleet.LOSSES):
            engine.jobs.clear()
            one.step(tasks)
            assert len(engine.submitted) == min(count, fleet.LOSSES + 1)
            assert engine.avoided == {"n1"}
        engine.jobs.clear()
        one.step(tasks)
        assert len(engine.submitted) == fleet.LOSSES + 1
        assert "lost 3 times in turn, on n1" in one.given_up("a")
    assert "no longer known to the engine" in capsys.readouterr().out


@pytest.mark.slow
def test_what_is_done_failed_or_cancelled_is_not_submitted(inside):
    with watched(inside, "b" * 40, poll=0) as (one, engine):
        for name, file in (("d", DONE), ("f", FAILED), ("c", CANCELLED)):
            one.records.write_json(name, file, {})
        one.records.write_json("f", DONE, {})  # another copy of it came to its end
        states = one.step([Task(name, ()) for name in "dfcn"])
        assert engine.submitted == ["n"]
        words = {name: state.word for name, state in (states or {}).items()}
        assert words == {"d": fleet.FINISHED, "f": fleet.FINISHED, "c": fleet.STOPPED}


@pytest.mark.slow
def test_a_job_that_failed_or_was_cancelled_was_not_lost(inside, capsys):
    with watched(inside, "9" * 40, poll=0) as (one, engine):
        for name, file in (("f", FAILED), ("c", CANCELLED), ("r", LOG)):
            one.records.write_json(name, RUNNING, {"node": "n1"})
            one.records.write_json(name, file, {})
        one.forget("fcr")
        assert one.records.files() == {"r": {RUNNING, LOG}}
        one.step([Task(name, ()) for name in "fc"])
        assert engine.submitted == ["f", "c"]
        assert engine.avoided == set()
    assert "lost" not in capsys.readouterr().out


@pytest.mark.slow
def test_the_engine_is_asked_once_however_many_ask(inside):
    with watched(inside, "e" * 40) as (one, engine):
        for name in "abcdef":
            one.step([Task(name, ())])
        assert engine.questions == 1


@pytest.mark.slow
def test_an_engine_gets_no_more_than_it_shall_hold(inside):
    with watched(inside, "f" * 40, poll=0) as (one, engine):
        engine.at_most = 2
        one.step([Task(name, ()) for name in "abc"])
        assert engine.submitted == ["a", "b"]


def test_the_script_of_a_node_is_bash_and_keeps_odd_names(folder):
    origin = Origin("u r'l", Path("in ner"), "0" * 40)
    text = script.logged(
        origin, "g", Cluster(work="~/w $X"), ["true 'a b'"], "'n'", "--setting 'n'"
    )
    assert subprocess.run(["bash", "-n", "-c", text], check=False).returncode == 0
    compile(script._BOOTSTRAP.read_text(), "bootstrap", "exec")


@pytest.mark.slow
def test_a_node_that_has_nothing_gets_the_clone_once_and_runs_the_job(lab, tmp_path):
    """The bootstrap alone, as an engine starts it: with an empty environment."""
    origin = Origin(str(lab.folder / "bare.git"), Path(), lab.commit)
    cluster = Cluster(work=str(tmp_path / "w"), environment=sys.executable)
    setup = [f"export PYTHONPATH={ROOT}"]
    text = script.logged(origin, "group", cluster, setup, "two", "--setting two")
    for _ in range(2):
        done = subprocess.run(
            ["/bin/bash", "-c", text], env={}, cwd="/", capture_output=True, text=True, check=False
        )
        log = (tmp_path / "w/logs/group.two.log").read_text()
        assert done.returncode == 0, log
    assert "done.json is in the remote" in log.splitlines()[-1]
    assert len(list((tmp_path / "w/clones").iterdir())) == 1


def test_clones_that_no_job_has_used_for_long_are_removed(tmp_path):
    new, used, old, cut_off = (tmp_path / name for name in ("new", "used", "old", "old2.partial"))
    for clone in (new, used, old, cut_off):
        (clone / "sub").mkdir(parents=True)
    # A process that holds a clone and becomes another one, as a job does.
    holds = f"from harness.cluster import bootstrap as b; b.hold({str(used)!r})"
    become = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'input()'])"
    job = subprocess.Popen(
        [sys.executable, "-c", f"{holds}; print(flush=True); {become}"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with job:
        assert job.stdout
        job.stdout.readline()
        for clone in (used, old, cut_off):
            os.utime(clone, (0, 0))
        bootstrap.clear(str(tmp_path))
        assert sorted(tmp_path.iterdir()) == [new, used]
        assert (used / "sub").exists()
        job.kill()
    bootstrap.clear(str(tmp_path))
    assert list(tmp_path.iterdir()) == [new]


UV = "uv==1 \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\n"
LOCKS = {
    "no uv": ("a==1 \\\n    --hash=sha256:0\n", 0, ["pip ALL"]),
    "uv": (f"a==1 \\\n    --hash=sha256:0\n{UV}    # via b\n", 0, ["pip UV", "uv ALL"]),
    "uv fails": (f"{UV}b==1 \\\n    --hash=sha256:0\n", 1, ["pip UV", "uv ALL", "pip ALL"]),
}


@pytest.mark.parametrize(("lock", "code", "calls"), LOCKS.values(), ids=LOCKS)
def test_a_node_installs_what_is_locked_by_uv_or_else_by_pip(tmp_path, lock, code, calls):
    requirements, python, said = (tmp_path / name for name in ("lock.txt", "python", "said"))
    requirements.write_text(lock)
    lines = ["#!/bin/sh", "for file; do :; done", f'{{ echo "$@"; cat "$file"; }} >> {said}']
    python.write_text("\n".join([*lines, f"[ $2 != uv ] || exit {code}"]))
    python.chmod(stat.S_IRWXU)
    bootstrap.install(str(python), str(requirements), str(tmp_path / "work"))
    found = re.sub(
        r"^-m (\w+) .*--require-hashes -r .*", r"\1", said.read_text(), flags=re.MULTILINE
    )
    contents = {"UV": UV, "ALL": lock}
    assert found.splitlines() == [
        line
        for module, content in map(str.split, calls)
        for line in (module, *contents[content].splitlines())
    ]


@pytest.fixture
def slurm_commands(tmp_path, monkeypatch) -> Path:
    """Commands of Slurm that keep what they are given; a real Slurm is in `test_clusters.py`."""
    programs = {
        "sinfo": 'case "$*" in *%R*) echo main;; *%f*) echo intel,avx512;; '
        f"*%T*) cat {tmp_path}/nodes;; esac",
        "sbatch": f'echo "$@" >> {tmp_path}/given; cat >> {tmp_path}/body; echo 7',
        "squeue": f"cat {tmp_path}/queue",
        "scontrol": f'[ $1 = write ] && cat {tmp_path}/body || echo "$@" > {tmp_path}/updated',
        "scancel": f'echo "$@" > {tmp_path}/ended',
    }
    (tmp_path / "nodes").write_text("n1|idle\nn2|mixed\n")
    (tmp_path / "queue").write_text(
        "9|7|1|RUNNING|n2|2026-01-01T00:00:00||None\n7|7|0|PENDING||N/A||Priority\n"
    )
    for name, text in programs.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.mark.slow
def test_a_sweep_is_one_array_of_slurm_and_one_question(slurm_commands, inside):
    cluster = cluster_of(slurm={"partition": "main", "constraint": "intel", "at_most": 4})
    group = Group(Origin("url", Path(), "0" * 40), cluster)
    engine = slurm.Slurm(cluster)
    engine.check()
    (slurm_commands / "given").unlink()
    (slurm_commands / "body").unlink()
    engine.submit(group, [Task("a", ("--setting", "a")), Task("b", ("--setting", "b"))], {"n2"})
    [given] = (slurm_commands / "given").read_text().splitlines()
    assert "--array=0-1%4" in given
    assert "--exclude=n2" in given
    assert "--requeue" in given
    assert engine.live(group) == {
        "a": Live(engines.QUEUED, "", "", "7_0"),
        "b": Live(engines.RUNNING, "n2", "2026-01-01T00:00:00", "7_1"),
    }
    engine.cancel(group, ["b"])
    assert (slurm_commands / "ended").read_text() == "7_1\n"


def test_jobs_of_ray_that_do_not_end_are_named(monkeypatch):
    alive, killed = {"a", "b", "c"}, []

    def kill(name: str) -> None:
        killed.append(name)
        if name != "group/c":  # which hangs
            alive.discard(name.removeprefix("group/"))

    stub = SimpleNamespace(get_actor=lambda name, namespace: name, kill=kill)
    monkeypatch.setitem(sys.modules, "ray", stub)
    monkeypatch.setattr(ray_call, "_actors", lambda order: dict.fromkeys(alive))
    monkeypatch.setattr(ray_call, "_PAUSE", 0)
    order = {"group": "group", "names": ["a", "b"]}
    ray_call._cancel(order)
    assert sorted(killed) == ["group/a", "group/b"]
    with pytest.raises(SystemExit, match=r"^c: not ended after 0 s; cancel once more$"):
        ray_call._cancel(order | {"names": ["a", "c"]})


def test_a_job_that_slurm_would_never_start_does_not_wait_for_ever(slurm_commands, inside):
    cluster = cluster_of(slurm={"partition": "main"})
    group = Group(Origin("url", Path(), "0" * 40), cluster)
    engine = slurm.Slurm(cluster)
    (slurm_commands / "nodes").write_text("n1|drained\nn2|mixed\n")
    engine.submit(group, [Task("a", ("--setting", "a")), Task("b", ("--setting", "b"))], {"n2"})
    assert "--exclude" not in (slurm_commands / "given").read_text()  # the other one is out
    (slurm_commands / "queue").write_text(
        "7|7|0|PENDING||N/A||launch failed requeued held\n"
        "9|7|1|PENDING||N/A|n2|ReqNodeNotAvail, UnavailableNodes:n1\n"
    )
    assert engine.live(group) == {"b": Live(engines.QUEUED, "", "", "7_1")}
    assert (slurm_commands / "ended").read_text() == "7_0\n"
    assert (slurm_commands / "updated").read_text() == "update JobId=7_1 ExcNodeList=\n"


@pytest.mark.slow
def test_what_slurm_does_not_have_is_refused(slurm_commands, inside):
    with pytest.raises(
        UserError, match=r"slurm\.partition: Slurm has no partition gpu; it has main"
    ):
        slurm.Slurm(cluster_of(slurm={"partition": "gpu"})).check()
    with pytest.raises(
        UserError, match=r"slurm\.constraint: no node has amd; there are avx512, intel"
    ):
        slurm.Slurm(cluster_of(slurm={"constraint": "intel&amd"})).check()


def test_processors_are_told_apart_by_model_and_vectors():
    text = "vendor_id: GenuineIntel\ncpu family: 6\nmodel: 143\nflags: avx avx2 avx512f\n\nmodel: 1"
    assert processor.described(text) == "GenuineIntel family 6 model 143, avx512f"
    assert processor.described("nothing") == ""
