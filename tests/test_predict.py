"""`unroll predict`, on small models that the project's own functions build and save.

Most tests call the command within this process; those of signals and streams start one.
"""

import codecs
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from harness.core.errors import UserError
from unroll.predicting import commands, images, inference, lines, wordings
from unroll.predicting.model import find

WORDS = ["the", "film", "was", "good", "bad", "dull", "superb", "and", "acting"]
LENGTH, PIXELS = 8, 28
# What `task.json` says.
TEXT = {"kind": "text", "corpus": "imdb", "length": LENGTH, "mask": False}
TWO = TEXT | {"task": "two classes", "classes": ["negative", "positive"], "threshold": 0.5}
MANY = TEXT | {"task": "many classes", "classes": ["low", "mid", "high"], "mask": True}
IMAGES = {"kind": "images", "corpus": "mnist", "task": "rebuild", "classes": [], "length": PIXELS}
COLORS = {"kind": "images", "corpus": "flags", "task": "many classes", "length": 5} | {
    **{"classes": ["low", "mid", "high"], "channels": [*"rgb"], "columns": True, "mask": True}
}
SCALE = {"mean": [10.0, -5.0], "deviation": [2.0, 0.5]}
SERIES = {"kind": "series", "corpus": "waves", "length": 6, "scale": SCALE}
WAVES = SERIES | {"task": "two classes", "classes": ["calm", "wild"], "mask": True}
WINDOWS = SERIES | {"task": "rebuild", "classes": [], "reads": {"window": 6, "stride": 3}}
# A model's architecture, parameters, what its data are, and its task.
MODELS: dict[str, tuple[str, dict[str, Any], tuple[Any, ...], dict[str, Any]]] = {
    "rnn": ("simple_rnn", {}, (LENGTH, None, 13, 2, False), TWO),
    "lstm": ("lstm", {}, (LENGTH, None, 13, 2, False), TWO),
    "gru": ("gru", {"mask": True, "bidirectional": True}, (LENGTH, None, 13, 3, False), MANY),
    "ae_bilstm": ("bilstm_autoencoder", {"latent": 4}, (PIXELS, PIXELS, 0, 0, True), IMAGES),
    "colors": ("gru", {"mask": True}, (5, 12, 0, 3, True), COLORS),
    "waves": ("lstm", {"mask": True}, (6, 2, 0, 2, False), WAVES),
    "windows": ("lstm_autoencoder", {}, (6, 2, 0, 0, False), WINDOWS),
}
# None of these is needed to score texts and images; in a process that tests start, importing one
# fails.
HEAVY = ("dvc", "jax", "keras", "pandas", "pydantic", "sklearn", "tensorflow")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A project folder with models, and the Keras models that were saved."""
    from harness.core.files import write_json
    from unroll.models import architectures, saving
    from unroll.models.stacks import Data

    folder = tmp_path_factory.mktemp("trained")
    models, rng = {}, np.random.default_rng(1)
    for name, (kind, settings, data, task) in MODELS.items():
        architecture = architectures.find(kind)
        parameters = architecture.Parameters(architecture=kind, **settings)
        model = architecture.build(parameters, Data(*data), name)
        for weight in model.weights:
            spread = 0.2 if "variance" in weight.path else 0.4  # a variance is positive
            draw = rng.normal(0, spread, weight.shape)
            weight.assign(np.abs(draw) + 0.5 if "variance" in weight.path else draw)
        home = folder / "models" / name
        saving.save(model, home)
        write_json(home / "task.json", {"mask": False, "nouns": {}} | task)
        if task["kind"] == "text":
            body = {"vocabulary": list(WORDS), "skip_top": 1, "length": LENGTH}
            write_json(home / "vocabulary.json", body)
        models[name] = model
    split = folder / "data/prepared/mnist"
    split.mkdir(parents=True)
    digits = np.random.default_rng(2).integers(0, 256, (3, PIXELS, PIXELS), np.uint8)
    np.save(split / "x_test.npy", digits)
    about = {"kind": "images", "classes": [], "rows": "images", "label": "digit"}
    write_json(split / "corpus.json", {"about": about | {"steps": [PIXELS, PIXELS]}})
    write_json(folder / "params.yaml", {"models": dict.fromkeys(MODELS)})  # JSON is YAML
    (folder / "none").mkdir()
    for name in HEAVY:
        (folder / "none" / f"{name}.py").write_text(f"raise AssertionError('{name} is imported')")
    return folder, models


@pytest.fixture
def project(trained, tmp_path, monkeypatch):
    """A copy of that folder to work in."""
    shutil.copytree(trained[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(*arguments: str, **options) -> Any:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["none", str(ROOT)])}
    return subprocess.Popen(
        [sys.executable, "-m", "unroll", "predict", *arguments],
        env=environment,
        **{"stdout": subprocess.PIPE} | options,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def predict(project, capsys):
    """A function that runs the command within this process and returns the lines that it prints."""

    def run(*arguments: object) -> list[str]:
        context = commands.predict.make_context("predict", [str(each) for each in arguments])
        click.Command.invoke(commands.predict, context)  # without what it does to the process
        return capsys.readouterr().out.splitlines()

    return run


def parsed(printed: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed]


# Models


def test_a_model_whose_layer_has_no_operator_is_computed_by_keras(folder):
    import keras
    from keras import layers

    from unroll.models import saving

    stack = [layers.Input((5, 2)), layers.LSTM(3, recurrent_activation="hard_sigmoid")]
    model = keras.Sequential([*stack, layers.Dense(1, activation="sigmoid")])
    saving.save(model, folder / "model")
    network = inference.Network(folder / "model")
    x = np.random.default_rng(0).random((4, 5, 2), np.float32)
    np.testing.assert_allclose(network(x), model.predict(x, verbose=0), atol=1e-6)
    assert (network.inputs, network.outputs) == ((5, 2), (1,))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.weights.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 99),
        ("model.json", b'{"config": 3}'),
        ("task.json", b'{"task": "two classes", "threshold": 2}'),
        ("task.json", b"[]"),
        ("task.json", json.dumps(TWO | {"classes": ["a", "b", "c"]}).encode()),
        ("vocabulary.json", b"[]"),
    ],
)
def test_damaged_models_are_refused_by_the_name_of_the_file(predict, name, damage):
    path = Path("models/rnn") / name
    path.write_bytes(damage)
    with pytest.raises(UserError, match=name):
        predict("rnn", "good")
    path.unlink()
    with pytest.raises(UserError, match=name):
        predict("rnn", "good")


def test_files_of_different_models_are_refused(predict):
    shutil.copy("models/lstm/model.weights.h5", "models/rnn")
    with pytest.raises(UserError, match="not the weights"):
        predict("rnn", "good")
    body = json.loads(Path("models/lstm/vocabulary.json").read_text())
    body["vocabulary"] = [*"abcdefghijklmn", "good"]
    Path("models/lstm/vocabulary.json").write_text(json.dumps(body))
    with pytest.raises(UserError, match="the model cannot read this"):
        predict("lstm", "good")


def test_weights_that_lie_in_another_file_are_refused(project):
    with h5py.File("models/windows/model.weights.h5", "r+") as file:
        key = next(iter(file["layers"]))
        del file["layers"][key]
        file["layers"][key] = h5py.ExternalLink("/elsewhere.h5", "/")
    with pytest.raises(UserError, match="not the weights"):
        inference.Network(Path("models/windows"))


def test_a_model_that_is_not_here_says_how_to_get_it(predict):
    shutil.rmtree("models/lstm")
    with pytest.raises(UserError, match=r"unroll repro.*unroll pull"):
        predict("lstm", "good")


# Texts


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_wording_never_contradicts_the_decision(threshold):
    ranges = wordings.ranges(threshold, ["ham", "spam"])
    lowest = [score for _, _, score in ranges]
    assert lowest == sorted(lowest, reverse=True)
    assert lowest[-1] == 0
    for words, label, score in ranges:
        assert words == label or words.endswith(f" {label}")
        if score < 1 and threshold > 0:
            assert (label == "spam") == (score >= threshold)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_a_text_is_scored_as_the_pipeline_would(trained, predict, name):
    from unroll.preprocessing.vocabulary import Vocabulary

    texts = ["The film was GOOD!", "dull, dull <br />acting", "bad " * 20 + "superb"]
    vocabulary = Vocabulary.load(Path(f"models/{name}/vocabulary.json"))
    rows = np.array([vocabulary.encode(text) for text in texts])
    expected = trained[1][name].predict(rows, verbose=0)
    expected = np.hstack([1 - expected, expected]) if expected.shape[1] == 1 else expected
    classes = MODELS[name][3]["classes"]
    found = parsed(predict(name, "--json", *texts))
    for answer, scores in zip(found, expected, strict=True):
        assert list(answer["probabilities"]) == classes
        assert list(answer["probabilities"].values()) == pytest.approx(scores, abs=1e-5)
        assert answer["label"] == classes[scores.argmax()]
        assert answer["probability"] in answer["probabilities"].values()
        assert answer.get("wording", answer["label"]).endswith(answer["label"])
    assert [answer["line"] for answer in found] == [1, 2, 3]
    # "the" is skipped as one of the most frequent.
    assert [(a["words_read"], a["words_known"]) for a in found] == [(4, 3), (3, 3), (8, 8)]
    for line, scores in zip(predict(name, *texts), expected, strict=True):
        top = scores[1] if name != "gru" else scores.max()
        assert line.startswith(f"{top:.3f}  ")
        best = [classes[i] for i in np.argsort(-scores)[:2]]
        assert name != "gru" or [line.split()[1], line.split()[3]] == best
    predict(name, "-o", "scores.npy", *texts)
    found = np.load("scores.npy")
    np.testing.assert_allclose(found, expected[:, -found.shape[1] :], atol=1e-5)


def test_a_typed_line_is_answered_before_the_input_ends(project):
    process = start("rnn")
    for text in (b"good film\n", b"bad film\n"):
        process.stdin.write(text)
        process.stdin.flush()
        assert text.strip() in process.stdout.readline()  # hangs if it were not
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_file_is_answered_line_by_line_like_its_lines(predict):
    texts = [f"{WORDS[i % 9]} {WORDS[i * 5 % 7]} film" for i in range(3 * lines.BATCH)]
    Path("all.txt").write_bytes("\r\n\n".join(texts).encode("utf-16"))
    found = parsed(predict("gru", "--json", "--file", "all.txt"))
    assert [answer["text"] for answer in found] == texts
    assert [answer["line"] for answer in found] == list(range(1, 2 * len(texts), 2))
    for answer, alone in zip(found, parsed(predict("gru", "--json", *texts)), strict=True):
        assert answer["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_texts_of_a_table_are_those_of_the_columns_of_the_corpus(predict, suffix):
    path = Path("models/rnn/task.json")
    path.write_text(json.dumps(TWO | {"reads": {"text": ["title", "body"]}}))
    table = "id,body,title\n1,film,good\n2,,\n3,acting,dull\n"
    if suffix == ".jsonl":
        table = '{"title": "good", "body": "film"}\n{"title": null}\n{"title": "dull", "body": '
        table += '"acting"}\n'
    Path(f"new{suffix}").write_text(table)
    found = parsed(predict("rnn", "--json", "--table", f"new{suffix}"))
    assert [(answer["line"], answer["text"]) for answer in found] == [
        (1, "good film"),
        (3, "dull acting"),
    ]


def read_in_pieces(monkeypatch, content: bytes, size: int) -> list[lines.Line]:
    """The lines of an input that arrives in pieces."""
    pieces = iter([content[i : i + size] for i in range(0, len(content), size)])
    monkeypatch.setattr(os, "read", lambda *_: next(pieces, b""))
    return [line for batch in lines.batches(0, "input") for line in batch]


MARKS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
}


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("encoding", MARKS)
def test_the_byte_order_mark_says_how_lines_are_encoded(monkeypatch, encoding, size):
    texts = ["göod \u0a0a\U0001f3ac", "bad"]  # whose bytes hold those of a line end
    content = MARKS[encoding] + "\n\n".join(texts).encode(encoding)
    found = read_in_pieces(monkeypatch, content, size)
    assert [(line.number, line.text) for line in found] == [(1, texts[0]), (3, texts[1])]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_more_bytes_a_letter_without_a_byte_order_mark_are_refused(monkeypatch, encoding):
    with pytest.raises(UserError, match="input, line 1: has zero bytes, as UTF-16 does; save it"):
        read_in_pieces(monkeypatch, "good film\nbad film\n".encode(encoding), 1000)


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(os, "read", lambda _, size: b"x" * size)
    with pytest.raises(UserError, match=f"input, line 1: longer than {lines.MOST_CHARACTERS}"):
        list(lines.batches(0, "input"))


def test_lines_that_cannot_be_answered_are_named_and_the_others_answered(project):
    process = start("lstm")
    out, err = process.communicate(b"good\n\xff\xfe\n ... \ndull", timeout=60)
    assert process.returncode == 1
    assert [line.split()[-1] for line in out.decode().splitlines()] == ["good", "dull"]
    assert err.decode().splitlines() == [
        "error: standard input, line 2: not UTF-8 text",
        "error: standard input, line 3: there is no word in it",
    ]


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_words_that_are_all_unknown_leave_the_answer_unsure(predict, name):
    [line] = predict(name, "zwyx qwrt")
    assert "unsure, no word is known" in line


@pytest.mark.parametrize("name", ["rnn", "gru"])
def test_each_word_of_a_text_is_explained(predict, name):
    text = "The film was good, and superb!"
    answer, more = predict(name, text, "--explain")
    assert [answer] == predict(name, text)
    [said] = parsed(predict(name, text, "--json", "--explain"))
    words = dict(said["words"])
    assert list(words) == ["the", "film", "was", "good", ",", "and", "superb", "!"]
    assert [words[","], words["!"], words["the"]] == [0, 0, 0]  # marks, and a word that is skipped
    strongest = max(words, key=lambda word: abs(words[word]))
    assert more.split()[:2] == [f"{words[strongest]:+.2f}", strongest]
    assert predict(name, text, "--explain", "why.html") == [answer]
    assert f">{strongest}</mark>" in Path("why.html").read_text()


def test_an_excerpt_holds_no_control_characters(predict):
    [line] = predict("lstm", "good\x1b[31m\nfilm\u202e " + "x" * 200)
    assert line.isprintable()
    assert len(line) < 110


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nothing good", "ae_bilstm, colors, gru, lstm, rnn"),
        ("./nothing good", "no such folder"),
        ("lstm", "standard input: there is no text"),
        ("lstm --file missing.txt", "No such file or directory: 'missing.txt'"),
        ("lstm --file models", "Is a directory: 'models'"),
        ("lstm --table missing.csv", "missing.csv: there is no such file"),
        ("lstm good --file missing.txt", "one of them"),
        ("lstm --fil x", "No such option"),
        ("lstm --codes good", "lstm tells classes apart"),
        ("lstm --test 0", "lstm reads text"),
        ("ae_bilstm --file x", "ae_bilstm reads images"),
        ("ae_bilstm --test 0 --explain", "expected a model of texts"),
        ("lstm --explain good", "put --explain at the end"),
        ("ae_bilstm", "no INPUT is named"),
        ("ae_bilstm --test 3", "rows from 0 to 2"),
        ("ae_bilstm --test x", "rows from 0 to 2"),
        ("ae_bilstm missing.png", "No such file or directory: .*missing.png"),
        ("ae_bilstm params.yaml", "params.yaml: expected .npz"),
        ("ae_bilstm --codes --test 0 -o code.png", "ends in .npy"),
        ("ae_bilstm --decode 1 2", "1 2, expected 4 finite numbers"),
        ("ae_bilstm --decode -- -1 -2e-5", "expected 4 finite"),
        ("ae_bilstm --decode 1 2 3 many", "float: 'many', expected 4"),
        ("ae_bilstm --decode 1 2 3 nan", "1 2 3 nan, expected 4 finite"),
        ("ae_bilstm --decode 1 2 3 4 -o x.gif", ".png or .pgm or .npy"),
        ("ae_bilstm --decode 1 2 3 4 -o none/here/x.png", "there is no folder"),
        ("ae_bilstm --decode data/prepared/mnist/x_test.npy", r"numbers \(n, 4\)"),
        ("waves missing.npy", "missing.npy: there is no such file"),
        ("waves wide.npy", "4 channels and 9 steps, expected 2 channels"),
        ("waves -o x.npy --invert wide.npy", "--invert: waves reads series"),
    ],
)
def test_mistakes_are_one_line(predict, arguments, message):
    np.save("wide.npy", np.zeros((2, 9, 4), np.float32))
    before = sorted(Path().rglob("*"))
    with pytest.raises((UserError, OSError, click.UsageError), match=message) as mistake:
        predict(*arguments.split())
    assert "\n" not in str(mistake.value)
    assert sorted(Path().rglob("*")) == before


def test_a_mistake_ends_the_process_with_one_line_and_code_1(project):
    process = start("lstm", "--file", "missing.txt")
    expected = b"error: missing.txt: No such file or directory\n"
    assert (*process.communicate(timeout=60), process.returncode) == (b"", expected, 1)


def test_a_closed_pipe_and_an_interrupt_end_without_a_word(project):
    process = start("lstm")
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"good film\n" * 5000)
        process.stdin.close()
    assert process.wait(60) == -signal.SIGPIPE
    assert process.stderr.read() == b""

    process = start("lstm")
    process.stdin.write(b"good film\n")
    process.stdin.flush()
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == -signal.SIGINT
    assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_an_output_that_is_full_is_one_line(project):
    with open("/dev/full", "wb") as full:
        process = start("lstm", "good film", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.decode() == "error: standard input or output: No space left on device\n"


# Series


def test_series_are_scaled_padded_and_classified(predict, trained):
    rng = np.random.default_rng(4)
    long = rng.normal([10, -5], [2, 0.5], (9, 2)).astype(np.float32)
    rows = [f"a,{i},{x},{y},?" for i, (x, y) in enumerate(long)]
    rows += [f"b,{i},{x},{y},?" for i, (x, y) in enumerate(long[:4])]
    Path("new.csv").write_text("\n".join(["id,t,a,b,is", *rows]))
    task = WAVES | {"reads": {"series": "id", "step": "t", "others": ["is"]}}
    Path("models/waves/task.json").write_text(json.dumps(task))
    scaled = (long - [10, -5]) / [2, 0.5]
    x = np.full((2, 6, 2), -1e6, np.float32)
    x[0], x[1, 2:] = scaled[-6:], scaled[:4]
    expected = trained[1]["waves"].predict(x, verbose=0)[:, 0]
    found = parsed(predict("waves", "--json", "new.csv"))
    assert [answer["probability"] for answer in found] == pytest.approx(expected, abs=1e-5)
    assert [answer["input"] for answer in found] == ["new.csv 0", "new.csv 1"]


def test_the_windows_of_a_signal_are_rebuilt_in_its_own_units(predict, trained):
    signal = np.random.default_rng(5).normal([10, -5], [2, 0.5], (15, 2)).astype(np.float32)
    np.save("signal.npy", signal)
    x = np.stack([(signal[i : i + 6] - [10, -5]) / [2, 0.5] for i in (0, 3, 6, 9)])
    rebuilt = trained[1]["windows"].predict(x, verbose=0)
    printed = predict("windows", "signal.npy", "-o", "rebuilt.npy")
    assert [line.partition(":")[0] for line in printed] == [f"signal.npy {i}" for i in (0, 3, 6, 9)]
    errors = np.square(x - rebuilt).mean((1, 2))
    assert [float(line.split()[-1]) for line in printed] == pytest.approx(errors, abs=1e-3)
    found = np.load("rebuilt.npy")
    np.testing.assert_allclose(found, rebuilt * [2, 0.5] + [10, -5], atol=1e-4)
    code = predict("windows", "--codes", "signal.npy")[1].split()
    shown = np.loadtxt(predict("windows", "--decode", *code))
    np.testing.assert_allclose(shown, found[1], atol=1e-3)


# Images


def test_encode_and_decode_make_reconstruct(predict, trained):
    digits = np.load("data/prepared/mnist/x_test.npy")
    expected = trained[1]["ae_bilstm"].predict(digits / np.float32(255), verbose=0)
    printed = predict("ae_bilstm", "--test", 0, 1, 2, "-o", "rebuilt.npy")
    assert [line.partition(":")[0] for line in printed] == ["test 0", "test 1", "test 2"]
    np.testing.assert_allclose(np.load("rebuilt.npy"), expected, atol=1e-5)
    code = predict("ae_bilstm", "--codes", "--test", 1)[0].split()
    predict("ae_bilstm", "--decode", *code, "-o", "decoded.npy")
    np.testing.assert_allclose(np.load("decoded.npy"), expected[1:2], atol=1e-4)
    assert predict("ae_bilstm", "--codes", "--test", 0, 1, 2, "-o", "codes.npy") == []
    shown = parsed(predict("ae_bilstm", "--decode", "--json", "codes.npy"))
    pixels = images.bytes_of(np.load("rebuilt.npy"))
    np.testing.assert_array_equal([answer["rebuilt"] for answer in shown], pixels)


def test_codes_that_are_piped_are_decoded(project):
    process = start("ae_bilstm", "--decode", "--json")
    out, err = process.communicate(b"0.25 0.5 0 1\n\n1,0,0,0\n", timeout=60)
    assert (process.returncode, err) == (0, b"")
    codes = [answer["code"] for answer in parsed(out.splitlines())]
    assert codes == [[0.25, 0.5, 0, 1], [1, 0, 0, 0]]


def test_every_kind_of_image_file_gives_the_same_code(predict):
    digit = np.load("data/prepared/mnist/x_test.npy")[1]
    Path("folder").mkdir()
    Image.fromarray(digit).save("folder/gray.png")
    Image.fromarray(digit).convert("RGB").save("color.png")
    Image.fromarray(digit).save("gray.pgm")
    Image.fromarray(255 - digit).save("ink.png")
    np.save("bytes.npy", digit)
    np.save("floats.npy", digit[np.newaxis] / np.float32(255))
    np.savez("images.npz", x=digit[np.newaxis])
    files = ["folder/gray.png", "folder", "color.png", "gray.pgm", "bytes.npy", "floats.npy"]
    found = predict("ae_bilstm", "--codes", *files, "images.npz")
    assert len(found) == 7
    codes = np.loadtxt([*found, *predict("ae_bilstm", "--codes", "--invert", "ink.png")])
    expected = np.loadtxt(predict("ae_bilstm", "--codes", "--test", 1))
    np.testing.assert_allclose(codes, np.broadcast_to(expected, codes.shape), atol=1e-5)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.new("L", (20, 28)), "20x28 pixels, expected 28x28"),
        (Image.new("I;16", (28, 28)), "8 bits"),
        (Image.new("RGBA", (28, 28)), "8 bits"),
        (Image.new("LA", (28, 28)), "8 bits"),
        (np.zeros((28, 20), np.uint8), "of shape (28, 20), expected (28, 28) or (n, 28, 28)"),
        (np.zeros((0, 28, 28), np.uint8), "of shape"),
        (np.zeros((28, 28), np.int64), "of type int64"),
        (np.full((28, 28), np.nan, np.float32), "from nan"),
        (np.full((28, 28), 255.0), "from 255.0"),
        (np.full((28, 28), None), "not a complete .npy file"),
    ],
)
def test_images_that_the_model_cannot_read_are_refused(folder, image, message):
    path = folder / ("image.npy" if isinstance(image, np.ndarray) else "image.png")
    if isinstance(image, np.ndarray):
        np.save(path, image)
    else:
        image.save(path)
    with pytest.raises(UserError, match=re.escape(message)):
        images.read(path, (PIXELS, PIXELS))


@pytest.mark.parametrize(
    ("mode", "transparency"), [("1", 0), ("L", 0), ("P", 0), ("P", b"\x80"), ("RGB", (0, 0, 0))]
)
def test_transparent_pixels_are_refused_whatever_the_kind_of_picture(folder, mode, transparency):
    path = folder / "image.png"
    Image.new(mode, (PIXELS, PIXELS)).save(path, transparency=transparency)
    with pytest.raises(UserError, match=r"image\.png: has transparent pixels; flatten it first"):
        images.read(path, (PIXELS, PIXELS))


@pytest.mark.parametrize("name", ["one.png", "one.pgm", "one.npy", "color.png"])
def test_a_picture_comes_back_as_it_was_written_or_not_at_all(folder, name):
    shape = (PIXELS, PIXELS, 3) if name == "color.png" else (PIXELS, PIXELS)
    digits = np.random.default_rng(0).integers(0, 256, (1, *shape), np.uint8)
    pixels = digits / np.float32(255)
    images.write(folder / name, pixels)
    np.testing.assert_array_equal(images.read(folder / name, shape), pixels)
    assert [path.name for path in folder.iterdir()] == [name]
    (folder / name).write_bytes((folder / name).read_bytes()[:-200])
    with pytest.raises(UserError, match=f"{name}: not a complete"):
        images.read(folder / name, shape)


def test_columns_of_color_images_are_classified(predict, trained):
    picture = np.random.default_rng(6).integers(0, 256, (4, 5, 3), np.uint8)
    Image.fromarray(picture).save("flag.png")
    np.save("flags.npy", picture[np.newaxis])
    steps = np.swapaxes(picture, 0, 1).reshape(1, 5, 12) / np.float32(255)
    expected = trained[1]["colors"].predict(steps, verbose=0)[0]
    for answer in parsed(predict("colors", "--json", "flag.png", "flags.npy")):
        assert list(answer["probabilities"].values()) == pytest.approx(expected, abs=1e-5)
    np.save("flags.npy", picture[..., :2])
    with pytest.raises(UserError, match=r"expected \(4, 5, 3\) or \(n, 4, 5, 3\)"):
        predict("colors", "flags.npy")
    model = find("colors")
    np.testing.assert_array_equal(model.pictures(steps) * 255, picture[np.newaxis])


def test_the_preview_shows_bright_pixels_dense():
    image = np.zeros((4, 3), np.float32)
    image[:2, 1] = 1
    image[2:, 2] = 0.5
    assert images.preview(image) == " @\n  +"
