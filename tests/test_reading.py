"""Every format of a corpus gives the same rows; every kind of broken file gives one clear line."""

import bz2
import codecs
import gzip
import json
import lzma
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from harness.core.errors import UserError
from unroll.corpora.blocks import Block
from unroll.corpora.reading import read

LONG = "x" * 1_000_001
# Text, label; commas, quotation marks, line ends and letters of other scripts are in the cells.
MAIL = [("Héllo, world", "ham"), ('buy "now"\nИ cheap', "spam"), ("", "ham"), ("who?", "")]
# The channels of three series of variable length.
SIGNALS = [([[1, 10], [2, 20], [3, 30]], "a"), ([[4, 40], [5, 50]], "b"), ([[6, 60]], "a")]


def rows(folder, path, kind, **block):
    """All rows of a corpus: (x, label, split, group, time), arrays as lists."""
    parsed = TypeAdapter(Block).validate_python({"path": str(folder / path), "kind": kind, **block})
    found = []
    for chunk in read(parsed):
        columns = chunk.x, chunk.label, chunk.split, chunk.group, chunk.time
        assert {len(column) for column in columns} == {len(chunk.x)}
        assert all(time is None or type(time) is float for time in chunk.time)
        for x, *rest in zip(*columns, strict=True):
            assert isinstance(x, str) or x.dtype == (np.uint8 if kind == "images" else np.float32)
            found.append((x if isinstance(x, str) else x.tolist(), *rest))
    return found


def csv(delimiter=",", end="\n"):
    lines = [("text", "label"), *MAIL]
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in line] for line in lines]
    return end.join(delimiter.join(line) for line in quoted) + end


def parquet(path, **columns):
    pd.DataFrame(columns).to_parquet(path, row_group_size=3)


def class_folders(path):
    for number, (text, label) in enumerate(MAIL[:2] * 2):
        (path / "mail" / label).mkdir(parents=True, exist_ok=True)
        (path / "mail" / label / f"{number}.txt").write_text(text)
        (path / "mail" / label / f"{number}.json").write_text("{}")
    (path / "mail/README").write_text("about")


MAILS = {
    "a.csv": lambda path: path.write_text(csv()),
    "windows.CSV": lambda path: path.write_bytes(csv(";", "\r\n").encode()),
    "bar.csv": lambda path: path.write_text(csv("|")),
    "comma.tsv": lambda path: path.write_text(csv(",")),
    "a.tsv": lambda path: path.write_text(csv("\t")),
    "blank.csv": lambda path: path.write_text("\n" + csv().replace('\n"who', '\n\n  \n"who')),
    "mark.csv": lambda path: path.write_text(csv(), "utf-8-sig"),
    "utf16.csv": lambda path: path.write_text(csv(), "utf-16"),
    "big.csv": lambda path: path.write_bytes(codecs.BOM_UTF16_BE + csv().encode("utf-16-be")),
    "markless.csv": lambda path: path.write_bytes(csv().encode("utf-16-le")),
    "a.csv.gz": lambda path: path.write_bytes(gzip.compress(csv().encode())),
    "a.csv.bz2": lambda path: path.write_bytes(bz2.compress(csv().encode("utf-16"))),
    "a.csv.xz": lambda path: path.write_bytes(lzma.compress(csv().encode())),
    "a.jsonl": lambda path: path.write_text(
        "\n".join(
            json.dumps({"text": text, "label": label or None, "other": [1]}) for text, label in MAIL
        )
    ),
    "a.ndjson.gz": lambda path: path.write_bytes(
        gzip.compress("".join(json.dumps({"label": b, "text": a}) + "\n" for a, b in MAIL).encode())
    ),
    "a.parquet": lambda path: parquet(
        path, text=[text for text, _ in MAIL], label=[label or None for _, label in MAIL]
    ),
}


@pytest.mark.parametrize("name", MAILS)
def test_a_table_of_texts_in_every_format(name, tmp_path, monkeypatch):
    monkeypatch.setattr("unroll.corpora.rows.ROWS", 3)
    monkeypatch.setattr("unroll.corpora.table_rows.ROWS", 3)
    path = tmp_path / name
    MAILS[name](path)
    expected = [(text, label or None, None, None, None) for text, label in MAIL]
    assert rows(tmp_path, path, "text", label="label") == expected
    assert rows(tmp_path, path, "text") == [(text, *[None] * 4) for text, _ in MAIL]


def test_columns_say_text_split_group_time_and_the_class_of_a_label(tmp_path):
    (tmp_path / "a.csv").write_text(
        "id,Subject,body,kind,who,when,part\n"
        "1,Hi,there,easy-1,ann,2024-05-01,train\n"
        "2,,alone,easy-2,bob,2024-05-01T12:00:00+02:00,Test\n"
        "3,x,,spam-1,,2023-01,TRAIN\n"
    )
    block = {"text": ["Subject", "body"], "label": "kind", "group": "who"}
    classes = {"ham": ["easy-*", "hard-*"], "spam": ["spam-1"]}
    found = rows(tmp_path, "a.csv", "text", **block, classes=classes, split={"column": "part"})
    assert found == [
        ("Hi\nthere", "ham", "train", "ann", None),
        ("alone", "ham", "test", "bob", None),
        ("x", "spam", "train", None, None),
    ]
    times = [row[4] for row in rows(tmp_path, "a.csv", "text", **block, split={"time": "when"})]
    assert times == [1714521600, 1714557600, 1672531200]
    assert [row[4] for row in rows(tmp_path, "a.csv", "text", text=["body"], split={"time": "id"})]


def test_splits_are_in_the_names_of_files_or_folders(tmp_path):
    for name in ("one/my_TEST.csv", "one/my_train.csv", "two/test/a.csv", "two/train/b.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"text\n{'b' if 'train' in name else 'a'}\n")
    (tmp_path / "three").mkdir()
    for name in ("latest.csv", "older.csv"):
        (tmp_path / "three" / name).write_text(f"text\n{name}\n")
    for folder in ("one", "two"):
        assert [row[:3] for row in rows(tmp_path, folder, "text")] == [
            ("b", None, "train"),
            ("a", None, "test"),
        ]
    assert [row[2] for row in rows(tmp_path, "three", "text")] == [None, None]
    (tmp_path / "one/more.csv").write_text("text\n")
    with pytest.raises(UserError, match=r"one/more\.csv: .* neither train nor test"):
        rows(tmp_path, "one", "text")


def test_a_folder_a_class_of_text_files(tmp_path):
    class_folders(tmp_path)
    found = rows(tmp_path, "mail", "text")
    assert found == [(*mail, None, None, None) for mail in (MAIL[0], MAIL[0], MAIL[1], MAIL[1])]
    assert {row[1] for row in rows(tmp_path, "mail", "text", label=None)} == {None}
    for split in ("train", "test"):
        (tmp_path / "split" / split).mkdir(parents=True)
        (tmp_path / "mail" / "ham").rename(tmp_path / "split" / split / "ham")
        class_folders(tmp_path)
    assert [row[1:3] for row in rows(tmp_path, "split", "text")] == [
        *[("ham", "train")] * 2,
        *[("ham", "test")] * 2,
    ]
    (tmp_path / "split/test/ham/9.txt").write_bytes("né".encode("latin-1"))
    assert rows(tmp_path, "split", "text", encoding="latin-1")[-1][0] == "né"


def long_table(**changes):
    lines = [
        [f"s{number}", step, *values, label]
        for number, (series, label) in enumerate(SIGNALS)
        for step, values in enumerate(series)
    ]
    return "id,step,v,w,label\n" + "".join(",".join(map(str, line)) + "\n" for line in lines)


def ts(series):
    head = "# about\n@problemName X\n@univariate false\n@classLabel true a b\n@data\n"
    return head + "".join(
        ":".join(",".join(str(step[channel]) for step in x) for channel in (0, 1)) + f":{label}\n"
        for x, label in series
    )


SERIES = {"values": ["v", "w"], "series": "id", "label": "label"}


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.ts", "a.ts.gz", "unordered.csv"])
@pytest.mark.parametrize("most", [200_000, 10])
def test_series_of_variable_length_and_several_channels(name, most, tmp_path, monkeypatch):
    monkeypatch.setattr("unroll.corpora.series_tables._CELLS", most)
    path, block = tmp_path / name, SERIES | {"step": "step"}
    if name.endswith(".csv"):
        path.write_text(long_table())
    elif name.endswith(".parquet"):
        text = [line.split(",") for line in long_table().splitlines()]
        frame = pd.DataFrame(text[1:], columns=text[0])
        frame["step"] = pd.to_datetime(frame["step"].astype(int), unit="D")
        frame.astype({"v": float, "w": "int8"}).to_parquet(path)
    else:
        block = {}
        path.write_bytes(
            gzip.compress(ts(SIGNALS).encode()) if "gz" in name else ts(SIGNALS).encode()
        )
    expected = [(x, label, None, None, None) for x, label in SIGNALS]
    assert rows(tmp_path, path, "series", **block) == expected


def test_the_archives_of_ucr_and_uea_say_their_splits(tmp_path):
    (tmp_path / "X_TRAIN.ts").write_text(ts(SIGNALS))
    (tmp_path / "X_TEST.ts").write_text(ts(SIGNALS[:1]))
    assert [row[1:3] for row in rows(tmp_path, "", "series")] == [
        *(("a", "train"), ("b", "train"), ("a", "train"), ("a", "test"))
    ]
    (tmp_path / "X_eq_TEST.ts").write_text(ts(SIGNALS[:1]))
    with pytest.raises(UserError, match=r"3 \.ts files"):
        rows(tmp_path, "", "series")


def test_a_wide_table_has_a_series_a_row(tmp_path):
    (tmp_path / "a.csv").write_text("label,0,1,2\na,1,2,3\nb,4.5,,\n")
    expected = [([[1], [2], [3]], "a"), ([[4.5]], "b")]
    found = rows(tmp_path, "a.csv", "series", wide=True, label="label")
    assert [row[:2] for row in found] == expected
    (tmp_path / "a.csv").write_text("label,0,1,2\na,1,2,3\nb,4,5,\n")
    found = rows(tmp_path, "a.csv", "series", wide=True, values=["1", "0"], window=2)
    assert [row[0] for row in found] == [[[2], [1]], [[5], [4]]]


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3)])
@pytest.mark.parametrize("kind", ["series", "images"])
@pytest.mark.parametrize("form", ["npz", "folder", "named"])
def test_arrays_in_files_of_numpy(form, kind, shape, tmp_path):
    if kind == "images" and len(shape) == 2:
        shape = (4, 6, 5)
    x = np.arange(np.prod(shape)).reshape(shape).astype("uint8" if kind == "images" else "f8")
    arrays: dict[str, Any] = {
        "x_train": x[:3],
        "y_train": np.array([3, 1, 3]),
        "x_test": x[3:],
        "y_test": ["1"],
    }
    if form == "named":
        names = {"x": "images", "y": "labels"}
        arrays = {f"{key[2:]}_{names[key[0]]}": value for key, value in arrays.items()}
    if form == "npz":
        np.savez(tmp_path / "a.npz", **arrays)
    else:
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
    found = rows(tmp_path, "a.npz" if form == "npz" else "", kind)
    expected = x[..., None] if kind == "series" and x.ndim == 2 else x
    assert [row[0] for row in found] == expected.tolist()
    labels = [("3", "train"), ("1", "train"), ("3", "train"), ("1", "test")]
    assert [row[1:3] for row in found] == labels
    assert {row[1] for row in rows(tmp_path, "", kind, label=None)} == {None}


def test_one_array_has_neither_classes_nor_splits(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 5, 3)))
    assert rows(tmp_path, "a.npy", "series") == [([[1] * 3] * 5, *[None] * 4)] * 2
    np.save(tmp_path / "a.npy", np.arange(5))
    found = rows(tmp_path, "a.npy", "series", window=2, stride=3)
    assert [row[0] for row in found] == [[[0], [1]], [[3], [4]]]


@pytest.mark.parametrize("window", [2, 3, 7])
@pytest.mark.parametrize("stride", [1, 2, 5, 11])
@pytest.mark.parametrize("most", [200_000, 12, 4])
def test_a_long_signal_is_cut_into_windows(most, stride, window, tmp_path, monkeypatch):
    monkeypatch.setattr("unroll.corpora.series_tables._CELLS", most)
    cells = "".join(
        f"{t},{t / 2},{int(t == 9)},{'train' if t < 20 else 'test'}\n" for t in range(40)
    )
    (tmp_path / "a.csv").write_text("t,v,odd,part\n" + cells)
    block = {"values": ["v"], "step": "t", "label": "odd", "window": window, "stride": stride}
    starts = range(0, 40 - window + 1, stride)
    found = rows(tmp_path, "a.csv", "series", **block, split={"time": "t"})
    assert [(*row[:3], row[4]) for row in found] == [
        (
            [[t / 2] for t in range(start, start + window)],
            str(int(start <= 9 < start + window)),
            *(None, start),
        )
        for start in starts
    ]
    assert len({row[3] for row in found}) == 1
    found = rows(tmp_path, "a.csv", "series", **block, split={"column": "part"})
    assert len({row[2:4] for row in found}) == 2
    halves = [0, 20]
    assert [(row[0][0][0] * 2, row[2]) for row in found] == [
        (half + start, "test" if half else "train")
        for half in halves
        for start in range(0, 20 - window + 1, stride)
    ]


def picture(path, size=(4, 3), mode="L", color=7):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_folder_a_class_of_pictures(mode, tmp_path):
    for name in ("cat/1.png", "cat/2.jpg", "dog/3.JPEG"):
        picture(tmp_path / "in" / name, mode=mode, color=7 if mode == "L" else (7, 7, 7))
    (tmp_path / "in/dog/.hidden").write_text("")
    (tmp_path / "in/dog/Thumbs.db").write_text("")
    pixel = 7 if mode == "L" else [7, 7, 7]
    found = rows(tmp_path, "in", "images")
    assert found == [
        ([[pixel] * 4] * 3, label, None, None, None) for label in ("cat", "cat", "dog")
    ]


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return b"\0\0\x08" + bytes([array.ndim]) + sizes + array.astype("uint8").tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files(packed, tmp_path):
    x = np.arange(60).reshape(3, 4, 5)
    for split, part in (("train", x[:2]), ("t10k", x[2:])):
        for name, array in (("images-idx3", part), ("labels-idx1", part[:, 0, 0])):
            body = gzip.compress(idx(array)) if packed else idx(array)
            (tmp_path / f"{split}-{name}-ubyte{'.gz' * packed}").write_bytes(body)
    found = rows(tmp_path, "", "images")
    assert [row[0] for row in found] == x.tolist()
    assert [row[1:3] for row in found] == [("0", "train"), ("20", "train"), ("40", "test")]


PARTS = {"kind": "text", "split": {"column": "p"}}
TIMES = {"kind": "text", "split": {"time": "t"}}
TEXT = {"kind": "text", "label": "label"}
BROKEN_TABLES: dict[str, Any] = {
    "column": ("txt,label\na,b\n", TEXT, 'row 1: no column "text".*did you mean "txt"'),
    "case": ("Text,label\na,b\n", TEXT, 'did you mean "Text"'),
    "no header": ("hello,ham\nbye,ham\n", TEXT, 'row 1: no column "text" among "hello", "ham"'),
    "delimiter": ("text^label\na^b\n", TEXT, 'row 1: no column "text" among "text\\^label"'),
    "column twice": ("text,text,label\na,b,c\n", TEXT, 'row 1: the column "text" is there twice'),
    "header twice": ('text,label\n"a\nb",c\n\ntext,label\n', TEXT, "row 5: .* names .* again"),
    "first row": ("text,label\na,b,c\na,b\n", TEXT, "row 2: 3 cells, expected 2"),
    "wide row": ('text,label\n"a\n",b\na,b,c\n', TEXT, "row 4: 3 cells, expected 2"),
    "open quotation": ('text,label\n"a,b\na,b\n', TEXT, "quotation mark"),
    "long cell": (f"text,label\na,b\n{LONG},b\n", TEXT, "row 3: .*1,000,000 characters"),
    "long label": (f"text,label\na,{LONG}\n", TEXT, "row 2: .*1,000,000 characters"),
    "empty": ("", TEXT, "is empty"),
    "encoding": (
        "text,label\na,b\nné,b\n".encode("cp1252"),
        TEXT,
        "row 3: not UTF-8.*cp1252.*`encoding`",
    ),
    "half": ("text,label\na,b\nné,b\n".encode("utf-16")[:-1], TEXT, "row 3: not UTF-16"),
    "declared": ("text,label\na,né\n", TEXT | {"encoding": "ascii"}, "row 2: not ASCII"),
    "label": ("text,label\na,x\na,sapm\n", TEXT | {"classes": ["spam", "x"]}, 'row 3.*"spam"'),
    "split": ("text,p\na,dev\n", PARTS, 'row 2: "p" is "dev"'),
    "time": (
        "text,t\na,1\na,May\n",
        {"kind": "text", "split": {"time": "t"}},
        'row 3: "t" is "May"',
    ),
    "nan": ("id,v\na,1\na,nan\n", {"series": "id"}, 'row 3: "v" is "nan"'),
    "infinite": ("id,v\na,1\n\na,1e60\n", {"series": "id"}, 'row 4: "v" is "1e60"'),
    "comma": ('id;v\na;"1,5"\n', {"series": "id"}, 'row 2: "v" is "1,5"'),
    "order": ("id,t,v\na,1,0\na,3,0\na,2,0\n", {"series": "id", "step": "t"}, "row 4: .*sort"),
    "repeated": ("id,t,v\na,1,0\na,1,0\n", {"series": "id", "step": "t"}, "row 3: .*sort"),
    "back": ("id,v\na,1\nb,1\na,2\n", {"series": "id"}, 'row 4: the series "a" again'),
    "two labels": (
        "id,v,l\na,1,x\na,1,y\n",
        {"series": "id", "label": "l"},
        "row 2: .*differ in label",
    ),
    "short": ("id,v\na,1\na,2\nb,1\n", {"series": "id", "window": 2}, "row 4: .*1 steps, fewer"),
    "unsaid": ("v,w\n1,2\n", {}, "series: COLUMN"),
    "nothing left": ("id\n1\n", {"series": "id"}, "row 1: no column is left"),
    "values": ("-1.96,2.5,-2.5\n1,2,3\n", {"wide": True}, "row 1: .*-1.96.*row of names"),
    "gap": ("0,1,2\n1,,3\n", {"wide": True}, 'row 2: "1" is ""'),
    "void": ("0,1,2\n1,2,3\n,,\n", {"wide": True}, "row 3: a series without a value"),
}


@pytest.mark.parametrize("name", BROKEN_TABLES)
def test_a_broken_table_is_one_line_with_file_row_and_remedy(name, tmp_path):
    body, block, expected = BROKEN_TABLES[name]
    (tmp_path / "a.csv").write_bytes(body if isinstance(body, bytes) else body.encode())
    refused(tmp_path, "a.csv", expected, **({"kind": "series"} | block))


def refused(folder, path, expected, **block):
    with pytest.raises(UserError, match=expected) as caught:
        rows(folder, path, **block)
    line = str(caught.value)
    assert line.startswith(str(folder))
    assert "\n" not in line
    assert len(line) < 700
    assert ";" in line or "?" in line


def saved(**arrays):
    def write(path):
        np.savez(path / "a.npz", **arrays)

    return "a.npz", write


def written(name, body):
    def write(path):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(body if isinstance(body, bytes) else body.encode())

    return name.split("/")[0], write


def painted(*pictures):
    def write(path):
        for number, (size, mode) in enumerate(pictures):
            picture(path / f"in/cat/{number}.png", size, mode)

    return "in", write


HEAD = "@classLabel true a\n@data\n"
ONES = np.ones((2, 4, 4))
BROKEN_FILES = {
    "absent": ("text", ("no.csv", lambda path: None), "there is no such file"),
    "json": ("text", written("a.jsonl", '{"text": "a"}\n\n{"text":\n'), "row 3: not a JSON object"),
    "json list": ("text", written("a.json", "[\n{}]"), "row 1: not a JSON object"),
    "nested": ("text", written("a.jsonl", '{"text": ["a"]}'), 'row 1: "text" is a list'),
    "gzip": ("text", written("a.csv.gz", gzip.compress(LONG.encode())[:-9]), "not a whole file"),
    "not gzip": ("text", written("a.csv.gz", "text\n"), "not a whole file"),
    "parquet": ("text", written("a.parquet", "PAR1"), "no whole Parquet file"),
    "kind": ("text", written("a.docx", "PK"), "expected a table"),
    "no classes": ("text", written("in/a.txt", "text"), "expected one a class"),
    "channels": ("series", written("a.ts", HEAD + "1,2:3,4:a\n1,2:3:a\n"), "row 4: channels of 1"),
    "count": ("series", written("a.ts", HEAD + "1,2:3,4:a\n1,2:a\n"), "row 4: 1 channels"),
    "missing": ("series", written("a.ts", HEAD + "1,?:a\n"), "row 3: a value is missing"),
    "ts nan": ("series", written("a.ts", HEAD + "1,NaN:a\n"), "row 3: NaN"),
    "times": ("series", written("a.ts", "@timestamps true\n@data\n"), "row 1: timestamps"),
    "targets": ("series", written("a.ts", "@targetlabel true\n@data\n"), "row 1: targetlabel"),
    "no data": ("series", written("a.ts", "1,2,3:a\n"), "no row `@data`"),
    "array nan": ("series", saved(x=np.array([[1, 2], [3, np.nan]])), "row 2: NaN"),
    "array inf": ("series", saved(x=np.array([[[1e60]]])), "row 1: NaN or an infinite"),
    "objects": ("series", saved(x=np.array([[1], "a"], object)), "no whole arrays"),
    "texts": ("series", saved(x=np.array([["a", "b"]])), "expected numbers"),
    "flat": ("series", saved(x=np.ones(3)), "expected numbers of shape"),
    "array channels": ("series", saved(x_train=ONES, x_test=ONES[..., :3]), "3 channels"),
    "names": ("series", saved(x_train=ONES, more_train=ONES), "expected x_train"),
    "val": ("series", saved(x_train=ONES, x_val=ONES), "expected x_train"),
    "labels": ("series", saved(x=ONES, y=np.ones(3)), "labels of shape .3,"),
    "one-hot": ("series", saved(x=ONES, y=np.ones((2, 3))), "one label a row"),
    "not npz": ("series", written("a.npz", "x"), "no whole arrays"),
    "floats": ("images", saved(x=ONES), "float64, expected whole numbers from 0 to 255"),
    "large": ("images", saved(x=ONES.astype(int) * 256), "int64, expected whole numbers"),
    "four": ("images", saved(x=np.ones((2, 4, 4, 4), "uint8")), "expected .images, height"),
    "sizes": (
        "images",
        saved(x_train=ONES.astype("uint8"), x_test=np.ones((2, 5, 4), "uint8")),
        "x_test, row 1: 4x5 gray, but .* x_train, row 1 is 4x4",
    ),
    "idx": ("images", written("a-idx3-ubyte", "abcdefgh"), "not an IDX file"),
    "short idx": ("images", written("a-idx3-ubyte", idx(ONES)[:-1]), "into shape .2,4,4."),
    "size": (
        "images",
        painted(((4, 3), "L"), ((4, 4), "L")),
        "1.png: 4x4 gray, but .*0.png",
    ),
    "color": ("images", painted(((4, 3), "L"), ((4, 3), "RGB")), "1.png: 4x3 in color, but"),
    "deep": ("images", painted(((4, 3), "I;16")), "more than 8 bits"),
    "no picture": ("images", written("in/cat", "x"), "expected one a class"),
    "picture": ("images", written("in/1.png", "x"), "expected one a class"),
}


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_broken_file_is_one_line_with_file_row_and_remedy(name, tmp_path):
    kind, (path, write), expected = BROKEN_FILES[name]
    write(tmp_path)
    refused(tmp_path, path, expected, kind=kind)


def test_broken_files_in_folders_are_named(tmp_path):
    class_folders(tmp_path)
    (tmp_path / "mail/ham/2.txt").write_text(LONG)
    refused(tmp_path, "mail", r"ham/2\.txt: .*1,000,000 characters", kind="text")
    picture(tmp_path / "in/cat/1.png")
    (tmp_path / "in/cat/2.png").write_text("x")
    refused(tmp_path, "in", r"cat/2\.png: not a whole PNG", kind="images")
    refused(tmp_path, "in", "no columns; leave kind out", kind="images", label="kind")
    refused(
        tmp_path, "in", 'cat/1.png: the label "cat" is of no', kind="images", classes=["a", "b"]
    )


def test_an_unknown_encoding_is_refused_in_the_block():
    with pytest.raises(ValidationError, match="cp1252"):
        TypeAdapter(Block).validate_python({"path": "a", "kind": "text", "encoding": "utf8000"})


def test_no_more_than_a_chunk_of_a_table_is_in_memory(tmp_path):
    (tmp_path / "a.csv").write_text("text\n" + "a few words\n" * 5000)
    block = {"path": str(tmp_path / "a.csv"), "kind": "text"}
    assert [len(c.x) for c in read(TypeAdapter(Block).validate_python(block))] == [1000] * 5
