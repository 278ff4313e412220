"""`unroll add`: a file of any format becomes blocks that the pipeline accepts, or one line."""

from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import ROOT
from PIL import Image

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from harness.stages import dvc_file
from unroll.adding import writing
from unroll.adding.command import add

FILES = ("corpora.yaml", "params.yaml", "dvc.yaml")
WORDS = ["invoice", "shows", "wrong", "number", "please", "refund", "order"]
MAIL = pd.DataFrame(
    [
        (i, " ".join(WORDS[i * k % 7] for k in range(5 + i % 9)) + f" {i}", "abc"[i % 3] * 4)
        for i in range(60)
    ],
    columns=["id", "message", "kind of"],
)
LONG = pd.DataFrame(
    [(s, t, s % 2 + 0.1 * t, -t, "ab"[s % 2]) for s in range(40) for t in range(5 + s % 3)],
    columns=["series", "time", "x", "y", "class"],
)
WIDE = pd.DataFrame(
    [(s, *(s * 0.1 + t for t in range(9)), "ab"[s % 2]) for s in range(40)],
    columns=["id", *(f"v{t}" for t in range(9)), "label"],
)


@pytest.fixture(autouse=True)
def project(folder):
    """A project without anything but its YAML files."""
    for name in (*FILES, "pyproject.toml", "versions.yaml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())


def contents():
    return {name: Path(name).read_bytes() for name in FILES}


def run(*arguments):
    """What is printed. A mistake of the user is raised; nothing is written then."""
    before = contents()
    done = CliRunner().invoke(add, [str(argument) for argument in arguments])
    if done.exception:
        assert contents() == before
        raise done.exception
    return done.output


def mistake(*arguments):
    with pytest.raises(UserError) as error:
        run(*arguments)
    return str(error.value)


def csv(frame, path="a.csv", **options):
    frame.to_csv(path, index=False, **options)


def folder_of(name, suffix, write):
    for i in range(40):
        path = Path(name, "ab"[i % 2], f"{i}{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, i)


def archive():
    Path("ts").mkdir()
    head = "@problemname P\n@timestamps false\n@univariate false\n@dimensions 2\n@data\n"
    head = head.replace("@data", "@classLabel true a b\n@data")
    for split in ("TRAIN", "TEST"):
        rows = "".join(f"{i},{i},{i + 1}:1,2,3:{'ab'[i % 2]}\n" for i in range(20))
        Path(f"ts/P_{split}.ts").write_text(head + rows)


def arrays(path, x):
    np.savez(path, x=x, y=np.arange(len(x)) % 4)


GRAY = np.zeros((40, 8, 6), np.uint8)
SIGNAL = pd.DataFrame({"value": [i % 7 for i in range(2000)]})
FORMATS = [
    # The file; how it is made; options; the block of the corpus; the model's name and block.
    (
        *("a.csv", lambda: csv(MAIL), ()),
        {"kind": "text", "text": ["message"], "label": "kind of"},
        *("lstm", {"architecture": "lstm", "batch": 16, "mask": True, "vocabulary": 10000}),
    ),
    (
        *("a.tsv.gz", lambda: csv(MAIL, "a.tsv.gz", sep="\t")),
        ("--architecture", "gru", "--test", 0.3, "--text", "message,kind of", "--label", "id"),
        {"text": ["message", "kind of"], "label": "id", "split": {"test": 0.3}},
        *("gru", {"architecture": "gru"}),
    ),
    (
        *("a.jsonl", lambda: MAIL.to_json("a.jsonl", orient="records", lines=True), ()),
        *({"text": ["message"], "label": "kind of"}, "lstm", {}),
    ),
    (
        *("a.parquet", lambda: MAIL.to_parquet("a.parquet"), ("--architecture", "simple_rnn")),
        *({"kind": "text"}, "rnn", {"architecture": "simple_rnn"}),
    ),
    (
        "mail",
        lambda: folder_of("mail", ".txt", lambda path, i: path.write_text(MAIL.message[i])),
        *((), {"kind": "text"}, "lstm", {}),
    ),
    (
        *("a.csv", lambda: csv(LONG), ()),
        {"kind": "series", "series": "series", "step": "time", "label": "class"},
        *("lstm", {"length": 7, "mask": True, "epochs": 60, "patience": 60}),
    ),
    (
        *("a.csv", lambda: csv(WIDE), ()),
        {"wide": True, "series": "id", "label": "label"},
        *("lstm", {"length": 9}),
    ),
    (
        *("a.csv", lambda: csv(SIGNAL), ("--window", 50, "--stride", 5)),
        {"kind": "series", "window": 50, "stride": 5},
        *("ae", {"architecture": "lstm_autoencoder"}),
    ),
    ("a.csv", lambda: csv(SIGNAL), (), {"window": 100}, "ae", {}),
    (
        *("a.csv", lambda: csv(SIGNAL.assign(is_anomaly=SIGNAL.index == 900)), ()),
        {"window": 100, "label": "is_anomaly", "normal": "False"},
        *("ae", {"architecture": "lstm_autoencoder"}),
    ),
    (
        *("a.csv", lambda: csv(MAIL), ("--class", "d=a*,b*", "--class", "e=cccc")),
        {"label": "kind of", "classes": {"d": ["a*", "b*"], "e": ["cccc"]}},
        *("lstm", {}),
    ),
    ("a.npy", lambda: np.save("a.npy", np.sin(np.arange(2000))), (), {"window": 100}, "ae", {}),
    (
        *("a.npz", lambda: arrays("a.npz", np.zeros((40, 12, 3))), ()),
        *({"kind": "series"}, "lstm", {"length": 12}),
    ),
    ("i.npz", lambda: arrays("i.npz", GRAY), (), {"kind": "images"}, "lstm", {"batch": 16}),
    (
        "pictures",
        lambda: folder_of("pictures", ".png", lambda p, i: Image.fromarray(GRAY[i]).save(p)),
        ("--architecture", "bilstm_autoencoder"),
        *({"kind": "images"}, "ae", {"architecture": "bilstm_autoencoder"}),
    ),
    ("ts", archive, (), {"kind": "series"}, "lstm", {"length": 3}),
]


@pytest.mark.parametrize(("path", "make", "options", "corpus", "model", "parameters"), FORMATS)
def test_a_file_of_any_format_becomes_stages(path, make, options, corpus, model, parameters):
    make()
    if "id" in options:
        csv(MAIL.assign(id=MAIL.id % 2), path, sep="\t")
    before, known = contents(), set(dvc_file.stages())
    preview = run("mine", path, *options, "--dry-run")
    assert contents() == before
    printed = run("mine", path, *options)
    assert printed.splitlines()[:-1] == preview.splitlines()[:-1]
    assert "unroll repro" in printed.splitlines()[-1]
    block = read_yaml(Path("corpora.yaml"))["corpora"]["mine"]
    assert corpus | {"path": path} == {key: block.get(key) for key in (*corpus, "path")}
    found = read_yaml(Path("params.yaml"))["models"][f"mine_{model}"]
    assert parameters == {key: found.get(key) for key in parameters}
    stage = {"ae": "train-ae", "rnn": "train-rnn"}.get(model, "train-lstm")
    trained = {f"{name}@mine_{model}" for name in (stage, "evaluate", "plot")}
    assert set(dvc_file.stages()) - known == {"preprocess@mine", "baseline@mine"} | trained
    lines = {name: added(before[name], content) for name, content in contents().items()}
    assert len(lines["dvc.yaml"]) == 1
    assert len(lines["corpora.yaml"] + lines["params.yaml"]) <= 15
    assert all(line in printed for part in lines.values() for line in part)


def added(before, after):
    """The lines that were added in one place; all others are the same to the byte."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    count = len(new) - len(old)
    [place] = [
        at
        for at in range(len(new) - count, -1, -1)
        if new[:at] + new[at + count :] == old and new[at].strip() not in (b"", b"\n")
    ][:1]
    return [line.decode().strip() for line in new[place : place + count]]


def test_what_was_found_is_said():
    frame = pd.concat([MAIL, MAIL[:3]]).reset_index(drop=True)
    frame.loc[5, "message"] = frame.loc[7, "kind of"] = None
    csv(frame)
    printed = run("mine", "a.csv", "--dry-run")
    for text in ("61", "1 rows empty, 1 without a label", "1 in message", "3; aaaa (3"):
        assert text in printed
    assert "3 within a split, 0 texts in both" in printed


@pytest.mark.parametrize(
    ("name", "path", "options", "line"),
    [
        ("imdb", "a.csv", (), "corpora.imdb is there already"),
        ("Tickets", "a.csv", (), "not a plain name"),
        ("a-b", "a.csv", (), "not a plain name"),
        ("mine", "b.csv", (), "b.csv: there is no such file"),
        ("mine", "a.csv", ("--text", "massage"), 'did you mean "message"?'),
        ("mine", "a.csv", ("--kind", "images"), "expected"),
        ("mine", "a.csv", ("--kind", "series", "--text", "message"), "corpora.mine.text: unknown"),
        ("mine", "a.csv", ("--test", 2), "corpora.mine.split.test: "),
        ("mine", "a.csv", ("--label", "-"), "texts without labels"),
        ("mine", "a.csv", ("--architecture", "lstm_autoencoder"), "an autoencoder reads series"),
        ("mine", "a.csv", ("--architecture", "transformer"), "no architecture 'transformer'"),
        ("mine", "long.csv", ("--label", "-"), "5 to 7 steps; cut windows"),
        ("mine", "wide.csv", ("--label", "-", "--architecture", "gru"), "tells classes apart"),
        ("mine", "one.csv", ("--label", "kind of"), "all rows have the class 'bill'"),
        ("mine", "single.csv", ("--label", "kind of"), "of the 1 examples of class"),
        ("mine", "nan.csv", (), "row 3"),
        ("mine", "head.csv", (), "no row below the names"),
        ("mine", "empty", (), "an empty folder"),
        ("mine", "a.bin", (), "unknown what a file .bin holds"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(name, path, options, line):
    csv(MAIL)
    csv(LONG, "long.csv")
    csv(WIDE, "wide.csv")
    csv(WIDE.assign(v3=WIDE.v3.where(WIDE.id != 1, "NaN")), "nan.csv")
    csv(MAIL.assign(**{"kind of": "bill"}), "one.csv")
    csv(MAIL.assign(**{"kind of": ["rare", *MAIL["kind of"][1:]]}), "single.csv")
    csv(MAIL[:0], "head.csv")
    Path("empty").mkdir()
    Path("a.bin").write_bytes(b"1")
    found = mistake(name, path, *options)
    assert line in found
    assert "\n" not in found


def test_a_name_that_a_model_has_is_refused():
    csv(WIDE)
    assert "params.yaml: models.ae_lstm is there" in mistake("ae", "a.csv")


@pytest.mark.parametrize("broken", FILES)
def test_all_three_files_change_or_none(broken, monkeypatch):
    csv(MAIL)
    replacing = writing.replacing

    def refuse(path):
        if path.name == broken:
            raise OSError(28, "No space left on device")
        return replacing(path)

    monkeypatch.setattr(writing, "replacing", refuse)
    before = contents()
    assert isinstance(CliRunner().invoke(add, ["mine", "a.csv"]).exception, OSError)
    assert contents() == before
    assert not list(Path().glob(".partial*"))


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  b:\n    x: 1  # one\n    # two\n\nz: 2\n",
        "a:\n  b:\n    x:\n    - 1\n    - {q: 2}\nz: 1",
        "a:\n  b:\n    x: |\n      t\n      u\n\nz: 1\n",
        "a:\n  b:\n    x: 'p\n      q'\n# e\nz: 1\n",
        "q: &q {d: 1}\na:\n  b:\n    y: 1\n    x: *q  # c\nz: 1\n",
        "a:\n  b:\nz: 1\n",
        "a:\n  b:",
        "a:\r\n  b:\r\n    x: 1\r\nz: 1\r\n",
        "a:\n  b:\n    x:\n  c: 1\n",
        "a:\n  b:\n    x: {p: 1,\n      q: 2}\n  c: 3\n",
        "a:\n  b:\n    x:\n      - p: 1\n        q:\n        - 3\n      # end\n  c: 3\n",
        "a:\n- b: &b\n      x: &x\n        l: 1\n      <<: *x\n- c: {<<: *b}\n",
    ],
)
def test_lines_are_inserted_whatever_the_style(text):
    Path("f.yaml").write_bytes(text.encode())
    entry = writing.Entry(Path("f.yaml"), ("a", "b"), "new", ["new:", "  k: v"])
    after = writing._added(text, entry)
    assert len(added(text.rstrip("\n").encode() + b"\n", after.rstrip("\n").encode() + b"\n")) == 2
    Path("g.yaml").write_bytes(after.encode())
    old, new = (read_yaml(Path(name))["a"] for name in ("f.yaml", "g.yaml"))
    old, new = (body[0] if isinstance(body, list) else body for body in (old, new))
    assert new == old | {"b": {**(old["b"] or {}), "new": {"k": "v"}}}


@pytest.mark.parametrize(
    "text", ["a:\n  b: {x: 1}\n", "a: {b: {}}\n", "a: 1\n", "a:\n  b:\n    new: 1\n"]
)
def test_where_no_line_can_be_inserted_nothing_is(text):
    with pytest.raises(UserError, match=r"f.yaml: a\.b"):
        writing._added(text, writing.Entry(Path("f.yaml"), ("a", "b"), "new", ["new: 2"]))


@pytest.mark.parametrize(
    "value",
    [
        *(
            "on",
            "1",
            "1e3",
            "null",
            "a: b",
            "#x",
            "Größe",
            "a\nb",
            "-",
            "*x",
            "\x85",
            "",
            " a ",
            "~",
        ),
        *(True, 0.25, ["a, b", "1", "c: d"], {"column": "x y"}, "long " * 90, "\u2028"),
    ],
)
def test_any_name_of_a_column_is_written_on_one_line(value):
    lines = writing.block_lines("n", {"k": value, "z": 1})
    Path("f.yaml").write_text("\n".join(lines), "utf-8")
    assert read_yaml(Path("f.yaml")) == {"n": {"k": value, "z": 1}}
    assert len(lines) == 3


def test_a_terminal_is_asked(monkeypatch):
    csv(WIDE)
    answers = iter(["series", "-", "v1,v2", "id"])
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(answers))
    monkeypatch.setattr("unroll.adding.command.asked", lambda: True)
    run("mine", "a.csv")
    block = read_yaml(Path("corpora.yaml"))["corpora"]["mine"]
    assert block.pop("label") is None
    assert block == {"values": ["v1", "v2"], "series": "id", "wide": True} | {
        **{"kind": "series", "path": "a.csv"}
    }


def test_a_path_inside_is_relative_and_one_outside_as_given(tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "a.csv"
    csv(MAIL, outside)
    csv(MAIL)
    run("inside", Path("a.csv").absolute())
    run("outside", outside)
    found = read_yaml(Path("corpora.yaml"))["corpora"]
    assert (found["inside"]["path"], found["outside"]["path"]) == ("a.csv", str(outside))
