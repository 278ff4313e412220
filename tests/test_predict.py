"""`unroll predict`, on small models that the project's own functions build and save.

Most tests call a command within this process; those of signals and streams start one.
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
from unroll.core import paths
from unroll.predicting import commands, images, inference, lines, verdicts

WORDS = ["the", "film", "was", "good", "bad", "dull", "superb", "and", "acting"]
LENGTH, PIXELS = 8, 28
AUTOENCODER = {"units": 6, "dropout_input": 0.1, "dropout_output": 0.1, "dropout_latent": 0.1}
CLASSIFIER = {"embedding": 8, "units": 16, "dropout_input": 0.1, "dropout_output": 0.1}
# None of these is needed to predict; in a process that tests start, importing one fails.
HEAVY = ("dvc", "jax", "keras", "pandas", "pydantic", "sklearn", "tensorflow")


def randomized(model):
    """The model with random weights everywhere, statistics of the normalization included."""
    rng = np.random.default_rng(1)
    for weight in model.weights:
        # A variance is positive.
        draw = rng.uniform(0.5, 2, weight.shape) if "variance" in weight.path else None
        weight.assign(rng.normal(0, 0.7, weight.shape) if draw is None else draw)
    return model


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A project folder with four models, and the Keras models that were saved."""
    from harness.core.files import write_json
    from stages import train_ae, train_lstm, train_rnn
    from unroll.models import saving
    from unroll.preprocessing.vocabulary import Vocabulary

    folder = tmp_path_factory.mktemp("trained")
    vocabulary = Vocabulary(tuple(WORDS), 1, LENGTH)
    models = {
        "rnn": train_rnn.build(CLASSIFIER, vocabulary.size, LENGTH),
        "lstm": train_lstm.build(CLASSIFIER, vocabulary.size, LENGTH),
        "ae_lstm": train_ae.lstm(AUTOENCODER | {"latent": 2}),
        "ae_bilstm": train_ae.bilstm(AUTOENCODER | {"latent": 4}),
    }
    here = Path.cwd()
    os.chdir(folder)
    try:
        for name, model in models.items():
            saving.save(randomized(model), Path("models") / name)
        for name in ("rnn", "lstm"):
            write_json(Path("models") / name / paths.THRESHOLD, {"threshold": 0.5})
            vocabulary.save(Path("models") / name / "encoder.json")
    finally:
        os.chdir(here)
    split = folder / "data/prepared/mnist"
    split.mkdir(parents=True)
    digits = np.random.default_rng(2).integers(0, 256, (3, PIXELS, PIXELS), np.uint8)
    np.save(split / "x_test.npy", digits)
    shutil.copy(ROOT / "dvc.yaml", folder)
    for name in HEAVY:
        (folder / "none" / f"{name}.py").parent.mkdir(exist_ok=True)
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
    """A function that runs a command within this process and returns the lines that it prints."""

    def run(name: str, *arguments: object) -> list[str]:
        options = [str(argument) for argument in arguments]
        commands.predict.commands[name].main(options, standalone_mode=False)
        return capsys.readouterr().out.splitlines()

    return run


# The forward pass


@pytest.mark.parametrize("name", ["rnn", "lstm", "ae_lstm", "ae_bilstm"])
def test_numpy_computes_what_keras_computes(trained, name):
    folder, models = trained
    network, model = inference.load(folder / "models" / name), models[name]
    rng = np.random.default_rng(3)
    if name.startswith("ae_"):
        x = rng.random((7, PIXELS, PIXELS), np.float32)
        codes = np.asarray(model.get_layer("encoder")(x))
        np.testing.assert_allclose(network.parts["encoder"](x), codes, atol=1e-5)
        expected = np.asarray(model.get_layer("decoder")(codes))
        np.testing.assert_allclose(network.parts["decoder"](codes), expected, atol=1e-5)
    else:
        x = rng.integers(0, len(WORDS) + 4, (7, LENGTH)).astype(np.float32)
        expected = np.asarray(model(x))
        x = x.astype(int)
    assert expected.std(axis=0).max() > 1e-3  # it tells inputs apart by far more than we allow
    found = network(x)
    assert found.dtype == np.float32
    assert network.outputs == found.shape[1:]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_layer_that_numpy_does_not_know_is_computed_by_keras(folder):
    import keras
    from keras import layers

    from unroll.models import saving

    model = keras.Sequential(
        [
            layers.Input((5, 2)),
            layers.LSTM(3, recurrent_activation="hard_sigmoid"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    saving.save(model, folder / "model")
    network = inference.load(folder / "model")
    x = np.random.default_rng(0).random((4, 5, 2), np.float32)
    np.testing.assert_allclose(network(x), model.predict(x, verbose=0), atol=1e-6)
    assert (network.inputs, network.outputs) == ((5, 2), (1,))


def test_damaged_models_are_refused_by_the_name_of_the_file(project):
    weights = Path("models/rnn/model.weights.h5")
    content = weights.read_bytes()
    cases = {
        "model.weights.h5": content[:500],
        "model.json": b'{"config": 3}',
        "threshold.json": b'{"threshold": 2}',
        "encoder.json": b"[]",
    }
    for name, damage in cases.items():
        path = Path("models/rnn") / name
        whole = path.read_bytes()
        path.write_bytes(damage)
        with pytest.raises(UserError, match=name):
            verdicts.Reviewer(Path("models/rnn"))
        path.unlink()
        with pytest.raises(UserError, match=name):
            verdicts.Reviewer(Path("models/rnn"))
        path.write_bytes(whole)
    shutil.copy("models/lstm/model.weights.h5", weights)
    with pytest.raises(UserError, match=r"not the weights"):
        verdicts.Reviewer(Path("models/rnn"))


def test_weights_that_lie_in_another_file_are_refused(project):
    with h5py.File("models/ae_lstm/model.weights.h5", "r+") as file:
        key = next(iter(file["layers"]))
        del file["layers"][key]
        file["layers"][key] = h5py.ExternalLink("/elsewhere.h5", "/")
    with pytest.raises(UserError, match="not the weights"):
        inference.load(Path("models/ae_lstm"))


# Reviews


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_wording_never_contradicts_the_decision(threshold):
    ranges = verdicts.ranges(threshold)
    lowest = [score for _, score in ranges]
    assert lowest == sorted(lowest, reverse=True)
    assert lowest[-1] == 0
    for words, score in ranges:
        if score < 1 and threshold > 0:
            assert words.endswith("positive") == (score >= threshold)


def test_a_review_is_scored_as_the_pipeline_would(trained, predict):
    from unroll.preprocessing.vocabulary import Vocabulary

    texts = ["The film was GOOD!", "dull, dull <br />acting", "bad " * 20 + "superb"]
    vocabulary = Vocabulary.load(Path("models/lstm/encoder.json"))
    rows = np.array([vocabulary.encode(text) for text in texts])
    expected = trained[1]["lstm"].predict(rows, verbose=0)[:, 0]
    found = [json.loads(line) for line in predict("review", "--json", *texts)]
    assert [answer["probability"] for answer in found] == pytest.approx(expected, abs=1e-5)
    for answer in found:
        assert answer["label"] == ("positive" if answer["probability"] >= 0.5 else "negative")
        assert answer["wording"].endswith(answer["label"])
    assert [answer["line"] for answer in found] == [1, 2, 3]
    # "the" is skipped as one of the most frequent.
    assert [(a["words_read"], a["words_known"]) for a in found] == [(4, 3), (3, 3), (8, 8)]


def test_a_typed_line_is_answered_before_the_input_ends(project):
    process = start("review", "--model", "rnn")
    for text in (b"good film\n", b"bad film\n"):
        process.stdin.write(text)
        process.stdin.flush()
        assert text.strip() in process.stdout.readline()  # hangs if it were not
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_file_is_answered_line_by_line_like_its_lines(predict):
    texts = [f"{WORDS[i % 9]} {WORDS[i * 5 % 7]} film" for i in range(3 * lines.BATCH)]
    Path("all.txt").write_bytes("\r\n\n".join(texts).encode("utf-16"))
    found = [json.loads(line) for line in predict("review", "--json", "--file", "all.txt")]
    assert [answer["text"] for answer in found] == texts
    assert [answer["line"] for answer in found] == list(range(1, 2 * len(texts), 2))
    answers = verdicts.Reviewer(Path("models/lstm")).answers(texts)
    for answer, alone in zip(found, answers, strict=True):
        assert alone is not None
        assert answer["probability"] == pytest.approx(alone.probability, abs=1e-6)


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


def test_lines_that_cannot_be_answered_are_named_and_the_others_answered(project):
    process = start("review")
    out, err = process.communicate(b"good\n\xff\xfe\n ... \ndull", timeout=60)
    assert process.returncode == 1
    assert [line.split()[-1] for line in out.decode().splitlines()] == ["good", "dull"]
    assert err.decode().splitlines() == [
        "error: standard input, line 2: not UTF-8 text",
        "error: standard input, line 3: there is no word in it",
    ]


def test_words_that_are_all_unknown_leave_the_answer_unsure(predict):
    [line] = predict("review", "zwyx qwrt")
    assert "unsure, no word is known" in line


def test_an_excerpt_holds_no_control_characters(predict):
    [line] = predict("review", "good\x1b[31m\nfilm\u202e " + "x" * 200)
    assert line.isprintable()
    assert len(line) < 110


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("review --model nothing good", "rnn, lstm, ae_lstm, ae_bilstm"),
        ("review --model ./nothing good", "no such folder"),
        ("review --model ae_lstm good", "not a model that reads reviews"),
        ("review", "standard input: there is no review"),
        ("review --file missing.txt", "No such file or directory: 'missing.txt'"),
        ("review --file models", "Is a directory: 'models'"),
        ("review good --file missing.txt", "one of them"),
        ("review --fil x", "No such option"),
        ("encode --model rnn --test 0", "not a model of images"),
        ("encode", "no image is named"),
        ("encode --test 3", "rows from 0 to 2"),
        ("encode --test x", "rows from 0 to 2"),
        ("encode missing.png", "No such file or directory: .*missing.png"),
        ("encode dvc.yaml", "dvc.yaml: not a complete PNG"),
        ("encode --test 0 -o code.png", "ends in .npy"),
        ("decode 1 2", "2 numbers, expected 4"),
        ("decode -1 -2e-5", "2 numbers, expected 4"),
        ("decode 1 2 3 many", "'many' is not a number"),
        ("decode 1 2 3 nan", "'nan' is not a number"),
        ("decode 1 2 3 4 -o x.gif", ".png, .pgm or .npy"),
        ("decode 1 2 3 4 -o none/here/x.png", "there is no folder"),
        ("decode --codes data/prepared/mnist/x_test.npy", r"expected \(n, 4\)"),
    ],
)
def test_mistakes_are_one_line(predict, arguments, message):
    with pytest.raises((UserError, OSError, click.UsageError), match=message) as mistake:
        predict(*arguments.split())
    assert "\n" not in str(mistake.value)


def test_a_mistake_ends_the_process_with_one_line_and_code_1(project):
    process = start("review", "--file", "missing.txt")
    expected = b"error: missing.txt: No such file or directory\n"
    assert (*process.communicate(timeout=60), process.returncode) == (b"", expected, 1)


def test_a_model_that_is_not_here_says_how_to_get_it(predict):
    shutil.rmtree("models/lstm")
    with pytest.raises(UserError, match=r"unroll repro.*unroll pull"):
        predict("review", "good")


def test_a_closed_pipe_and_an_interrupt_end_without_a_word(project):
    process = start("review")
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"good film\n" * 5000)
        process.stdin.close()
    assert process.wait(60) == -signal.SIGPIPE
    assert process.stderr.read() == b""

    process = start("review")
    process.stdin.write(b"good film\n")
    process.stdin.flush()
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == -signal.SIGINT
    assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_an_output_that_is_full_is_one_line(project):
    with open("/dev/full", "wb") as full:
        process = start("review", "good film", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.decode() == "error: standard input or output: No space left on device\n"


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(os, "read", lambda _, size: b"x" * size)
    with pytest.raises(UserError, match=f"input, line 1: longer than {lines.MOST_CHARACTERS}"):
        list(lines.batches(0, "input"))


# Images


def test_encode_and_decode_make_reconstruct(predict, trained):
    digits = np.load("data/prepared/mnist/x_test.npy")
    expected = trained[1]["ae_bilstm"].predict(digits / np.float32(255), verbose=0)
    printed = predict("reconstruct", "--test", 0, 1, 2, "-o", "rebuilt.npy")
    assert [line.partition(":")[0] for line in printed] == ["test 0", "test 1", "test 2"]
    np.testing.assert_allclose(np.load("rebuilt.npy"), expected, atol=1e-5)
    code = predict("encode", "--test", 1)[0].split()
    predict("decode", *code, "-o", "decoded.npy")
    np.testing.assert_allclose(np.load("decoded.npy"), expected[1:2], atol=1e-4)
    assert predict("encode", "--test", 0, 1, 2, "-o", "codes.npy") == []
    shown = [
        json.loads(line)["image"] for line in predict("decode", "--json", "--codes", "codes.npy")
    ]
    np.testing.assert_array_equal(shown, images.bytes_of(np.load("rebuilt.npy")))


def test_codes_that_are_piped_are_decoded(project):
    process = start("decode", "--json", "--model", "ae_lstm")
    out, err = process.communicate(b"0.25 0.5\n\n1,0\n", timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert [json.loads(line)["code"] for line in out.splitlines()] == [[0.25, 0.5], [1, 0]]


def test_every_kind_of_image_file_gives_the_same_code(predict):
    digit = np.load("data/prepared/mnist/x_test.npy")[1]
    Image.fromarray(digit).save("gray.png")
    Image.fromarray(digit).convert("RGB").save("color.png")
    Image.fromarray(digit).save("gray.pgm")
    Image.fromarray(255 - digit).save("ink.png")
    np.save("bytes.npy", digit)
    np.save("floats.npy", digit[np.newaxis] / np.float32(255))
    found = predict("encode", "gray.png", "color.png", "gray.pgm", "bytes.npy", "floats.npy")
    assert len(found) == 5
    codes = np.loadtxt([*found, *predict("encode", "--invert", "ink.png")])
    expected = np.loadtxt(predict("encode", "--test", 1))
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


def test_a_truncated_picture_is_refused(folder):
    noise = np.random.default_rng(0).integers(0, 256, (PIXELS, PIXELS), np.uint8)
    Image.fromarray(noise).save("image.png")
    Path("image.png").write_bytes(Path("image.png").read_bytes()[:-200])
    with pytest.raises(UserError, match="not a complete PNG"):
        images.read(Path("image.png"), (PIXELS, PIXELS))


@pytest.mark.parametrize("name", ["one.png", "one.pgm", "one.npy"])
def test_a_picture_comes_back_as_it_was_written(folder, name):
    digits = np.random.default_rng(0).integers(0, 256, (1, PIXELS, PIXELS), np.uint8)
    pixels = digits / np.float32(255)
    images.write(folder / name, pixels)
    np.testing.assert_array_equal(images.read(folder / name, (PIXELS, PIXELS)), pixels)
    assert [path.name for path in folder.iterdir()] == [name]


def test_the_preview_shows_bright_pixels_dense():
    image = np.zeros((4, 3), np.float32)
    image[:2, 1] = 1
    image[2:, 2] = 0.5
    assert images.preview(image) == " @\n  +"
