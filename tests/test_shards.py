"""A corpus of texts in any number of shards, by any number of workers, becomes the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter as Exact
from pathlib import Path

import clusters
import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import ROOT
from tiny import files

from harness.core.environment import JOBS
from harness.core.errors import UserError
from unroll.core import paths
from unroll.corpora import reading, rows, table_rows
from unroll.corpora.blocks import Text
from unroll.preprocessing import workers
from unroll.preprocessing.corpus import prepare
from unroll.preprocessing.counter import Counter
from unroll.preprocessing.shards import read_words, write_words
from unroll.preprocessing.workers import VARIABLE, Here, Processes, in_order, workers_for

ROWS = 640


def table() -> pd.DataFrame:
    """Texts of words that differ in frequency, some rare, some empty, some copied; groups."""
    draw = np.random.default_rng(1)
    words = [draw.integers(1, 200, (2, length)).min(0) for length in draw.integers(1, 30, ROWS)]
    texts = [" ".join(f"w{word}" for word in row) + "!?" for row in words]
    for i in range(0, ROWS, 40):
        texts[i], texts[i + 1], texts[i + 2] = "...", texts[i + 39], f"only{i} Ünique 映画"
    columns = {"text": texts, "label": ["ab"[i % 2] if i % 9 else "" for i in range(ROWS)]}
    return pd.DataFrame(columns | {"by": [f"g{i // 3}" if i % 10 else "" for i in range(ROWS)]})


def parquet(texts: pd.DataFrame) -> str:
    texts.to_parquet("a.parquet", row_group_size=10)
    return "a.parquet"


def csv(texts: pd.DataFrame) -> str:
    texts.to_csv("a.csv", index=False)
    return "a.csv"


def jsonl(texts: pd.DataFrame) -> str:
    texts.to_json("a.jsonl", orient="records", lines=True)
    return "a.jsonl"


def several(texts: pd.DataFrame) -> str:
    """A folder of tables of several formats."""
    Path("tables").mkdir()
    texts[:100].to_csv("tables/1.csv", index=False)
    texts[100:500].to_parquet("tables/2.parquet", row_group_size=10)
    texts[500:].to_csv("tables/3.tsv", sep="\t", index=False)
    return "tables"


def folders(texts: pd.DataFrame) -> str:
    for number, (text, label) in enumerate(zip(texts["text"], texts["label"], strict=True)):
        path = Path("mail", label or "b", f"{number:04}.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return "mail"


FORMATS = (parquet, csv, jsonl, several, folders)


def made(path: str, **block: object) -> dict[str, bytes]:
    """The prepared bytes of a corpus of texts, by file."""
    columns = {} if path == "mail" else {"label": "label", "group": "by"}
    said = {"kind": "text", "path": path, **columns, **block}
    prepare("a", Text.model_validate(said))
    return files(paths.prepared("a"))


def in_shards(patch: pytest.MonkeyPatch, path: str, count: int) -> None:
    """Have a corpus read in about so many shards, a few rows at a time."""
    for module in (rows, table_rows):
        patch.setattr(module, "ROWS", 5)
    size = sum(file.stat().st_size for file in [Path(path), *Path(path).rglob("*")])
    patch.setattr(reading, "SHARD", max(size // (2 * count), 1) if count > 1 else 2**24)
    patch.setattr(reading, "FILES", -(-ROWS // count))


@pytest.mark.parametrize("make", FORMATS)
def test_any_number_of_shards_gives_the_same_bytes(folder, monkeypatch, make):
    path, found, numbers = make(table()), [], []
    for count in (1, 2, 5, 64):
        in_shards(monkeypatch, path, count)
        numbers.append(len(list(reading.shards(Text(kind="text", path=path)))))
        found.append(made(path))
    assert {"x_train.npy", "ends_test.npy", "vocabulary.json", "corpus.json"} <= set(found[0])
    assert all(each == found[0] for each in found)
    assert sorted(set(numbers)) == numbers  # each time more
    assert numbers[-1] >= 30


@pytest.mark.parametrize("make", [parquet, csv, folders])
def test_any_number_of_workers_gives_the_same_bytes(folder, monkeypatch, make):
    path = make(table())
    in_shards(monkeypatch, path, 5)
    one = made(path)
    monkeypatch.setenv(VARIABLE, "3")
    assert made(path) == one
    assert not [path for path in Path("scratch").iterdir() if path.name.startswith(".partial")]


def test_the_rows_of_shards_are_those_of_the_corpus(folder, monkeypatch):
    path = several(table())
    in_shards(monkeypatch, path, 64)
    block = Text(kind="text", path=path, label="label")
    apart = [text for shard in reading.shards(block) for chunk in shard() for text in chunk.x]
    assert apart == [text for chunk in reading.read(block) for text in chunk.x]
    assert len(apart) == ROWS


@pytest.mark.parametrize("count", ["1", "3"])
def test_the_first_mistake_of_a_corpus_is_reported_whoever_finds_it(folder, monkeypatch, count):
    texts = table()
    texts.loc[[300, 500], "label"] = ["wrong", "other"]
    path = parquet(texts)
    in_shards(monkeypatch, path, 64)
    monkeypatch.setenv(VARIABLE, count)
    with pytest.raises(UserError) as error:
        made(path, classes=["a", "b"])
    said = 'a.parquet, row 301: the label "wrong" is of no class; add it'
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


def test_a_mistake_between_shards_comes_after_those_of_the_shards_before():
    def calls():
        yield (0,)
        yield (1,)
        raise UserError("no more")

    found: list[int] = []
    with pytest.raises(UserError, match="no more"):
        found.extend(in_order(Here(), lambda number: number, calls()))
    assert found == [0, 1]
    with pytest.raises(UserError, match="the first"):
        list(in_order(Here(), refuse, calls()))


def refuse(number: int) -> int:
    raise UserError("the first" if number == 0 else "another")


def test_a_number_of_workers_that_is_none_is_one_line(monkeypatch):
    for said in ("0", "two", "-1", "²", "1.5"):
        monkeypatch.setenv(VARIABLE, said)
        with (
            pytest.raises(UserError, match=f"UNROLL_WORKERS={said}: expected a number"),
            workers_for(Path("a")),
        ):
            pass


def test_a_small_corpus_has_one_worker_and_a_large_one_its_share_of_the_processors(
    folder, monkeypatch
):
    monkeypatch.setattr(workers, "WORTH", 1000)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(JOBS, raising=False)
    (folder / "texts/a").mkdir(parents=True)
    for name, size in (("small", 999), ("large", 1000), ("texts/a/1", 600), ("texts/2", 600)):
        (folder / name).write_bytes(b"x" * size)

    def count(path: str) -> int:
        with workers_for(folder / path) as found:
            return found.count

    assert (count("small"), count("large"), count("texts")) == (0, 8, 8)
    monkeypatch.setenv(JOBS, "2")
    assert count("large") == 4
    monkeypatch.setenv(JOBS, "20")
    assert count("large") == 0


PARENT = """
import os, sys, time
from harness import ending
from unroll.preprocessing.workers import Processes

if __name__ == "__main__":
    ending.end_when_asked("stopped")
    pool = Processes(2)
    waits = [pool.submit(os.getpid) for _ in range(1)]
    pool.submit(time.sleep, 600)
    pool.submit(time.sleep, 600)
    print(*(wait() for wait in waits), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_process_that_started_them(folder, number):
    (folder / "parent.py").write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, "parent.py"],
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    assert parent.stderr is not None
    worker = int(parent.stdout.readline())
    started = psutil.Process(parent.pid).children(recursive=True)
    assert worker in {process.pid for process in started}
    if number == signal.SIGINT:  # as a terminal does: to all of them
        for process in [*started, psutil.Process(parent.pid)]:
            process.send_signal(number)
    else:
        parent.kill()
    _, alive = psutil.wait_procs(started, timeout=60)
    assert not alive
    errors = parent.stderr.read()
    parent.wait()
    assert errors == ("stopped\n" if number == signal.SIGINT else "")


def test_a_worker_that_is_killed_is_one_line():
    pool = Processes(2)
    wait = pool.submit(signal.raise_signal, signal.SIGKILL)
    with pytest.raises(UserError, match=r"a worker was killed, .* UNROLL_WORKERS to fewer than 2"):
        wait()
    pool.close()


PREPARE = """
import json, sys
from unroll.corpora import reading
from unroll.corpora.blocks import Text
from unroll.preprocessing.corpus import prepare
from harness.core.errors import user_errors

reading.SHARD = int(sys.argv[2])
with user_errors():
    prepare("a", Text.model_validate(json.loads(sys.argv[1])))
"""


@pytest.mark.clusters
def test_tasks_on_two_nodes_of_ray_give_the_same_bytes_and_the_same_mistake(folder, monkeypatch):
    clusters.need("ray")
    path = several(table())
    in_shards(monkeypatch, path, 5)
    one = made(path)
    with clusters.ray(folder / "cluster") as cluster:

        def on_ray(**block: object) -> subprocess.CompletedProcess[str]:
            said = {"kind": "text", "path": path, "label": "label", "group": "by", **block}
            environment = os.environ | cluster.environment | {VARIABLE: "ray"}
            return subprocess.run(
                [sys.executable, "-c", PREPARE, json.dumps(said), str(reading.SHARD)],
                env=environment | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=False,
            )

        shutil.rmtree(paths.prepared("a"))
        done = on_ray()
        assert done.returncode == 0, done.stderr
        assert files(paths.prepared("a")) == one
        wrong = on_ray(classes=["a", "c"])
        assert wrong.returncode == 1
        last = wrong.stderr.splitlines()[-1]
        assert last.startswith('error: tables/1.csv, row 3: the label "b" is of no class')


def stream(shards: int) -> list[Exact]:
    """Words of shards, a few of them frequent, each shard with others of its own."""
    words = np.random.default_rng(2).pareto(0.6, (shards, 500)).astype(int)
    return [
        Exact([f"w{word}" for word in row] + [f"own{shard}"]) for shard, row in enumerate(words)
    ]


def added(error: float, shards: list[Exact]) -> Counter:
    counter = Counter(error)
    for shard in shards:
        counter.add(shard.keys(), list(shard.values()))
    return counter


def test_counts_without_an_error_are_exact():
    shards = stream(60)
    assert added(0.0, shards).counts == sum(shards, Exact())


@pytest.mark.parametrize("error", [0.0005, 0.005])
def test_counts_with_an_error_are_too_high_by_at_most_it_and_take_less_memory(error):
    shards = stream(60)
    true, found = sum(shards, Exact()), added(error, shards).counts
    most = error * true.total()
    for word, count in found.items():
        assert true[word] <= count <= true[word] + most
    assert all(true[word] <= most for word in true.keys() - found.keys())
    assert len(found) < len(true) / 3
    assert len(found) <= 1 / error


def test_an_error_of_counts_drops_rare_words_of_a_corpus(folder, monkeypatch):
    path = parquet(table())
    in_shards(monkeypatch, path, 64)
    exact, bounded = made(path), made(path, count_error=1e-3)
    assert len(bounded["vocabulary.json"]) < len(exact["vocabulary.json"])


def test_words_of_a_shard_are_read_as_they_were_written(tmp_path):
    for words in ([], ["a"], ["don't", "映", "\u0130\u0307", "a\u2028b"]):
        write_words(tmp_path / "a", words)
        assert read_words(tmp_path / "a") == words
