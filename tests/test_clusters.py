"""Sweeps on real clusters of Slurm and Ray, and what may go wrong with them."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from pathlib import Path

import cluster_faults as faults
import clusters
import pytest
from cluster_faults import LONGEST, Scene
from cluster_project import ALL, Project, Store, on_one_machine
from epochs import Training

from harness.cluster import engine as engines
from harness.cluster.cluster_file import Cluster
from harness.cluster.engine import Group
from harness.cluster.script import Origin
from harness.cluster.task import Task
from harness.core.errors import UserError

pytestmark = [pytest.mark.slow, pytest.mark.clusters]
# Each has a seed of its own, as a node does not train again what it has in its cache.
PAIR = {"width-2": {"width": 2}, "width-3": {"width": 3}}
SIX = Training(seed=1)
ONE = Training(seed=2, settings={"width-2": {"width": 2}}, epochs=8)
TWO, TWO_MORE = Training(seed=3, settings=PAIR), Training(seed=4, settings=PAIR)
SMALL = 30  # megabytes of the disk of the first node
AWAY = 20.0  # seconds


@pytest.fixture(scope="module", params=["slurm", "ray"])
def cluster(request, tmp_path_factory):
    clusters.need(request.param)
    with clusters.make(request.param, tmp_path_factory.mktemp(request.param)) as cluster:
        with contextlib.suppress(UserError):  # the test of a full disk says so
            cluster.small_disk(cluster.nodes[0], SMALL)
        yield cluster


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    yield store
    store.end()


def sweeping(folder, cluster, store, training, allowed=ALL):
    project = Project(folder / folder.name, cluster, store.server, training, allowed=allowed)
    return Scene(project, cluster, store, random.Random(0))  # noqa: S311 - draws a node


def finished(scene):
    """The results of a sweep; its driver must come to its end by itself."""
    assert scene.end() == 0, scene.project.log.read_text()
    return scene.project.results()


def suffer(scene, fault, seconds=0.0):
    """A fault while all jobs train, for some seconds; then they may train one epoch more."""
    nodes = scene.cluster.nodes
    scene.wait(lambda: all(map(scene.jobs, nodes)) and scene.done() == scene.project.allowed())
    broken = fault(scene)
    assert "none" not in next(broken)
    time.sleep(seconds)
    assert next(broken, None) is None
    scene.project.allow(scene.project.allowed() + 1)


def test_a_sweep_on_two_nodes_gives_the_bytes_of_one_machine(cluster, store, tmp_path):
    scene = sweeping(tmp_path, cluster, store, SIX)
    assert finished(scene) == on_one_machine(tmp_path / "local", SIX)
    trained = scene.project.trained()
    assert {node for *_, node in trained} == set(cluster.nodes)
    assert set(Counter(trained).values()) == {1}


def test_a_training_whose_node_is_killed_goes_on_on_the_other(cluster, store, tmp_path):
    scene = sweeping(tmp_path, cluster, store, ONE, allowed=3)
    scene.wait(lambda: scene.project.pushed("width-2") == 3)
    scene.project.allow(4)
    scene.wait(lambda: scene.done() == 4)
    node = scene.project.trained()[-1][-1]
    cluster.kill_node(node)
    done, pushed = len(scene.project.trained()), scene.project.pushed("width-2")
    scene.project.allow()
    results = finished(scene)
    cluster.start_node(node)
    again = scene.project.trained()[done:]
    [other] = set(cluster.nodes) - {node}
    assert again == [(2, epoch, other) for epoch in range(pushed + 1, ONE.epochs + 1)]
    assert results == on_one_machine(tmp_path / "local", ONE)


def test_a_job_keeps_away_from_a_node_while_there_is_another(cluster, tmp_path, monkeypatch):
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    where = tmp_path / "where"
    where.touch()
    setup = [f"echo ${cluster.variable} >>{where}", f"sleep {LONGEST}"]
    body = {"work": cluster.work, cluster.engine: {"setup": setup}}
    group = Group(Origin("nowhere", Path(), "0" * 40), Cluster.model_validate(body))
    engine = engines.of(group.cluster, cluster.engine)

    def nodes(job, avoid=()):
        """Where a job begins: the node as the engine calls it, and as the cluster does."""
        before = len(where.read_text().split())

        def begins():
            live = engine.live(group).get(job)
            if not live:
                engine.submit(group, [Task(job, ())], avoid)
            return bool(live and live.node) and len(where.read_text().split()) > before

        cluster.wait(f"job {job}", begins)
        return engine.live(group)[job].node, where.read_text().split()[-1]

    bad, name = nodes("a")
    engine.cancel(group, ["a"])
    _, other = nodes("b", {bad})
    engine.cancel(group, ["b"])
    assert name not in (other, nodes("c", {bad})[1])
    cluster.kill_node(other)
    assert nodes("c", {bad})[1] == name  # better than none
    engine.cancel(group, ["c"])
    cluster.start_node(other)


def test_a_sweep_survives_its_driver_the_head_and_a_job_ended_by_hand(cluster, store, tmp_path):
    scene = sweeping(tmp_path, cluster, store, TWO, allowed=1)
    suffer(scene, faults.driver)
    # Until it has asked all that it asks first: without a head, it would refuse.
    scene.wait(lambda: scene.project.log.read_text().count("to bring home") == 2)
    suffer(scene, faults.head, 3)
    # Last, as the job then waits until the other one has left the other node.
    suffer(scene, faults.cancel)
    scene.project.allow()
    assert finished(scene) == on_one_machine(tmp_path / "local", TWO)


def test_a_sweep_survives_a_store_that_is_away_and_a_full_disk(cluster, store, tmp_path):
    if not cluster.work_of(cluster.nodes[0]).is_mount():
        clusters.refuse("a small disk needs root, or sudo without a password")
    scene = sweeping(tmp_path, cluster, store, TWO_MORE, allowed=1)
    suffer(scene, faults.store, AWAY)
    full = faults.disk(scene)
    next(full)
    scene.project.allow()
    results = finished(scene)  # while the disk is full
    assert next(full, None) is None
    assert results == on_one_machine(tmp_path / "local", TWO_MORE)
