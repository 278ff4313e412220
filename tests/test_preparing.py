"""Prepared data: which rows are on which side, what is learned from which, and what models read."""

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from harness.core.errors import UserError
from unroll.core import parts, paths
from unroll.core.datasets import about, read
from unroll.core.tokens import PAD, START, UNKNOWN
from unroll.corpora import rows
from unroll.corpora.blocks import Block
from unroll.models.inputs import Inputs, inputs_of
from unroll.models.parameters import Autoencoder, Classifier
from unroll.models.stacks import MASKED
from unroll.preprocessing import store
from unroll.preprocessing.corpus import prepare
from unroll.preprocessing.vocabulary import Vocabulary


def texts(body: Sequence[tuple[object, ...]], columns: str, **block: object) -> dict:
    """Prepare a table whose columns are `text` and others; a number stands for as many words."""
    cells = [["w " * row[0] if isinstance(row[0], int) else row[0], *row[1:]] for row in body]
    lines = [",".join(map(str, row)) for row in cells]
    Path("a.csv").write_text("\n".join([f"text,{columns}", *lines]) + "\n")
    return made({"kind": "text", "path": "a.csv", "label": "label", **block})


def made(block: dict) -> dict:
    return prepare("a", TypeAdapter(Block).validate_python(block))


def sides() -> list[np.ndarray]:
    """The lengths of the rows that are learned from, that validate, and that test."""
    train, test = (read("a", split).lengths for split in ("train", "test"))
    held = np.load(paths.prepared("a") / paths.VALIDATION)
    return [np.delete(train, held), train[held], test]


def contents(*left_out: str) -> dict[str, bytes]:
    folder = paths.prepared("a")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in left_out}


# Rows by what links them: their text, their group, or both in a chain of four rows.
LINKED = {
    "copies": ([(1 + i // 3, "ab"[i % 2], i) for i in range(180)], {}, 1),
    "groups": ([(1 + i, "ab"[i % 2], i // 3) for i in range(180)], {"group": "by"}, 3),
    "both": (
        [(1 + 3 * (i // 4) + (0, 1, 1, 2)[i % 4], "ab"[i // 4 % 2], i // 2) for i in range(240)],
        {"group": "by"},
        3,
    ),
}


@pytest.mark.parametrize(("body", "block", "each"), LINKED.values(), ids=LINKED)
def test_rows_that_belong_together_are_on_one_side(folder, body, block, each):
    found = texts(body, "label,by", **block)
    learned, validation, test = (set((side - 1) // each) for side in sides())
    assert len(learned) + len(validation) + len(test) == 60
    assert learned | validation | test == set(range(60))
    assert 4 <= len(validation) <= 6
    assert 10 <= len(test) <= 14
    assert found["copies"]["both"] == 0


def test_a_column_says_who_tests_and_copies_across_are_counted(folder):
    body = [(1 + i % 20, "ab"[i % 2], "test" if i >= 30 else "train") for i in range(40)]
    found = texts(body, "label,part", split={"column": "part"})
    assert found["copies"] == {"train": 10, "test": 0, "both": 10}
    assert sides()[2].tolist() == list(range(11, 21))


def test_the_last_rows_by_time_test_wherever_they_stand(folder):
    days = np.random.default_rng(0).permutation(40)
    body = [(1 + int(day), "ab"[day % 2], f"2024-02-{1 + day}") for day in days if day < 29]
    texts(body, "label,day", split={"time": "day", "test": 0.25})
    assert sorted(sides()[2]) == list(range(23, 30))


def test_every_class_has_its_share_on_every_side(folder):
    body = [(1 + i, "rare" if i % 10 == 0 else "often") for i in range(400)]
    assert texts(body, "label", validation=0.1)["test_classes"] == {"often": 72, "rare": 8}
    held = np.load(paths.prepared("a") / paths.VALIDATION)
    assert np.bincount(read("a", "train").y[held]).tolist() == [29, 3]


@pytest.mark.parametrize(
    ("labels", "block", "said"),
    [
        ("a" * 9 + "b", {}, "a test split of 0.2 takes 0 of the 1 examples of class b; "),
        ("a" * 10, {}, "all rows have the class 'a'"),
        ("ab" * 5, {"normal": "c"}, "normal: no row has the class 'c'"),
        ([""] * 10, {}, "there is no row in it that can be used"),
    ],
)
def test_a_corpus_that_cannot_be_divided_is_refused_by_its_block(folder, labels, block, said):
    with pytest.raises(UserError) as error:
        texts([(1 + i, label) for i, label in enumerate(labels)], "label", **block)
    assert str(error.value).startswith(f"corpora.yaml: corpora.a: {said}")
    assert not paths.prepared("a").exists()


def test_rows_without_content_or_label_are_left_out_and_counted(folder):
    body = [(1 + i, "ab"[i % 2]) for i in range(40)] + [("", "a"), ("...", "b"), (3, "")]
    found = texts(body, "label")
    assert found["left_out"] == {"empty": 2, "without_label": 1}
    assert sum(found["rows"].values()) == 40


@pytest.mark.parametrize(
    ("labels", "classes", "names"),
    [
        (["10", "9", "9.5"], None, ["9", "9.5", "10"]),
        (["b", "a", "10"], None, ["10", "a", "b"]),
        (["0", "2", "1"], {"good": ["1", "2"], "bad": ["0"]}, ["good", "bad"]),
        (["ham-1", "spam", "ham-2"], {"spam": ["spam"], "ham": ["ham-*"]}, ["spam", "ham"]),
        (["b", "a", "a"], ["b", "a"], ["b", "a"]),
    ],
)
def test_classes_have_the_numbers_of_their_order(folder, labels, classes, names):
    found = texts([(1 + i, labels[i % 3]) for i in range(60)], "label", classes=classes)
    assert about("a").classes == list(found["train_classes"]) == names
    counted = np.bincount(read("a", "train").y).tolist()
    assert counted == list(found["train_classes"].values())


def series(test: float = 1.0, label: str = "b", **block: object) -> dict:
    """Series of 1 to 4 steps of two channels, the second constant; a fifth of them tests."""
    lines = ["s,t,v,w,label,part"]
    for s, t in product(range(40), range(4)):
        if t <= s % 4:
            is_test = s % 5 == 0
            of = label if is_test and s % 2 else "ab"[s % 2]
            part = "test" if is_test else "train"
            lines.append(f"{s},{t},{(s + t) * (test if is_test else 1)},7,{of},{part}")
    Path("a.csv").write_text("\n".join(lines) + "\n")
    columns = {"series": "s", "step": "t", "values": ["v", "w"], "label": "label"}
    split = {"split": {"column": "part"}}
    return made({"kind": "series", "path": "a.csv", **columns, **split, **block})


@pytest.mark.parametrize("scale", ["standard", "range", "none"])
def test_series_are_scaled_by_the_training_rows_alone(folder, scale):
    series(scale=scale)
    before, train = about("a").scale, read("a", "train").x
    if scale == "standard":
        assert train[:, 0].mean() == pytest.approx(0, abs=1e-6)
        assert train[:, 0].std() == pytest.approx(1)
    elif scale == "range":
        assert (train[:, 0].min(), train[:, 0].max()) == (0, 1)
    assert np.unique(train[:, 1]).tolist() == [7 if scale == "none" else 0]
    series(test=1000, scale=scale)
    assert about("a").scale == before


def test_labels_and_texts_of_the_test_split_change_nothing_that_is_learned_from(folder):
    def tickets(label: str, word: str) -> dict[str, bytes]:
        body = [(f"w{i % 7} w{i % 11}", "ab"[i % 2], "train") for i in range(60)]
        body += [(f"{word} {word} w", label, "test"), ("w", "a", "test"), ("w", "b", "test")]
        texts(body, "label,part", split={"column": "part"})
        return contents("corpus.json", "x_test.npy", "ends_test.npy", "y_test.npy")

    assert tickets("a", "w1") == tickets("b", "w99")
    series(label="b")
    scale, before = about("a").scale, contents("corpus.json", "y_test.npy")
    series(label="a")
    assert (about("a").scale, contents("corpus.json", "y_test.npy")) == (scale, before)


def images() -> dict:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, 5, 3), np.uint8)
    np.savez("a.npz", allow_pickle=False, x=x, y=np.arange(40) % 2)
    return made({"kind": "images", "path": "a.npz"})


@pytest.mark.parametrize(
    "corpus",
    [
        lambda: texts(
            [(f"w{i % 9} w{i % 7} " * (i % 5 + 1), "ab"[i % 2]) for i in range(60)], "label"
        ),
        series,
        images,
    ],
    ids=["text", "series", "images"],
)
def test_the_bytes_do_not_depend_on_how_much_is_read_or_written_at_once(
    folder, monkeypatch, corpus
):
    corpus()
    before = contents()
    for count, cells, block in ((1, 10**6, 1), (7, 10**6, 13), (10**6, 30, 10**6)):
        monkeypatch.setattr(rows, "ROWS", count)
        monkeypatch.setattr(rows, "CELLS", cells)
        monkeypatch.setattr(store, "BLOCK", block)
        corpus()
        assert contents() == before


def inputs(**parameters: object) -> Inputs:
    found = inputs_of("m", "a", Classifier.model_validate({"architecture": "lstm"} | parameters))
    assert isinstance(found, Inputs)
    return found


@pytest.mark.parametrize("block", [1, 1000])
def test_texts_are_read_by_training_as_predict_encodes_them(folder, monkeypatch, block):
    monkeypatch.setattr(parts, "BLOCK", block)
    words = [("a b c: d e " * i + "x!", "ab"[i % 2], "train") for i in range(1, 21)]
    tests = [("e: d", "a"), ("a b.", "b"), ("d x c unseen e!?", "a"), ("e d c b a: e d c b", "b")]
    body = [*words, *((text, label, "test") for text, label in tests)]
    texts(body, "label,part", split={"column": "part"})
    prepared = json.loads((paths.prepared("a") / paths.VOCABULARY).read_text())
    ranked = prepared["vocabulary"]
    assert ranked == ["a", "b", "c", "d", "e", "x"]
    part = read("a", "test")
    mark = {each: 10 + i for i, each in enumerate(prepared["marks"])}
    assert part.x[:6].tolist() == [8, mark[":"], 7, 4, 5, mark["."]]
    # Of the ids 4 to 9, a's is left out, and e's and x's are beyond the size.
    found = inputs(vocabulary=8, skip_top=1, length=4)
    part = found.read(part)
    got = found.rows(part)
    u = UNKNOWN
    assert got.tolist() == [[PAD, START, u, 7], [PAD, START, u, 5], [u, 6, u, u], [u, 7, 6, 5]]
    encoder = Vocabulary(found.words, found.skip_top, 4)
    assert got.tolist() == [encoder.encode(text) for text, _ in tests]
    assert got.dtype == encoder.dtype == np.uint8
    some = np.array([3, 0])
    assert found.rows(part, some).tolist() == got[some].tolist()


@pytest.mark.parametrize(("mask", "fill"), [(False, 0), (True, MASKED)])
def test_of_series_the_end_is_read_and_short_ones_are_filled_in_front(folder, mask, fill):
    series(scale="none")
    got = inputs(length=3, mask=mask).rows(read("a", "test"), np.arange(4))
    # They have 1, 2, 3 and 4 steps, and start at 0, 5, 10 and 15.
    padding = [fill, fill]
    assert got.tolist() == [
        [padding, padding, [0, 7]],
        [padding, [5, 7], [6, 7]],
        [[10, 7], [11, 7], [12, 7]],
        [[16, 7], [17, 7], [18, 7]],
    ]


def test_images_are_read_as_they_are_and_scaled_to_one(folder):
    images()
    found = inputs_of("m", "a", Autoencoder.model_validate({"architecture": "lstm_autoencoder"}))
    part = read("a", "test")
    assert found.rows(part, np.array([2])).tolist() == [part.x[2].tolist()]
    assert found.scaled(np.array([0, 255], np.uint8)).tolist() == [0, 1]
    assert (found.data.steps, found.data.features) == (5, 3)
