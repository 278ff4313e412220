"""`unroll export`: models of every kind of layer compute in onnxruntime what they do in Keras."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner

from harness.core.errors import UserError
from harness.core.files import write_json
from unroll.cli import main
from unroll.exporting.export import export, onnx_bytes

STEPS, FEATURES, WORDS, MASKED = 7, 3, 20, -5.0


def stack(name: str):
    """The layers of a model, by a name that says what is in it."""
    from keras import layers

    from unroll.models.recurrent.pooling import MeanMaxPooling

    mask = "masked" in name
    series = [layers.Input((STEPS, FEATURES)), *([layers.Masking(MASKED)] if mask else [])]
    words = [layers.Input((STEPS,)), layers.Embedding(WORDS, 4, mask_zero=mask)]
    kind = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}[name.split()[0]]

    def cell(every=False, **options):
        layer = kind(5, return_sequences=every, **options)
        return layers.Bidirectional(layer) if "both" in name else layer

    middle = {
        "stacked": lambda: [cell(True), layers.BatchNormalization(), cell(True), cell()],
        "pooled": lambda: [cell(True, activation="relu"), layers.GlobalMaxPooling1D()],
        "averaged": lambda: [cell(True), layers.GlobalAveragePooling1D()],
        "condensed": lambda: [cell(True), MeanMaxPooling()],
        "reversed": lambda: [cell(go_backwards=True, use_bias=False)],
        "early": lambda: [cell(reset_after=False)],
        "again": lambda: [cell(), layers.RepeatVector(4), cell(True), layers.Dense(3, "relu")],
    }
    wanted = next((middle[word]() for word in name.split() if word in middle), [cell()])
    last = [layers.Dense(4, use_bias=False), layers.Activation("softmax")]
    return [*(words if "words" in name else series), *wanted, layers.Dropout(0.5), *last]


def rows(name: str) -> np.ndarray:
    """Inputs, of a masked model with padding in front, up to nothing else."""
    rng = np.random.default_rng(1)
    words = "words" in name
    x = rng.integers(1, WORDS, (9, STEPS)) if words else rng.normal(size=(9, STEPS, FEATURES))
    if "masked" in name:
        for row, length in enumerate(range(STEPS + 1)):
            x[row, : STEPS - length] = 0 if words else MASKED
    return x if words else x.astype(np.float32)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A function that saves a model with random weights, once a name: its folder and the model."""
    import keras

    from unroll.models import saving

    made = {}

    def build(name: str, layers=None):
        if name not in made:
            model = keras.Sequential(layers or stack(name), name="model")
            rng = np.random.default_rng(0)
            for weight in model.weights:
                positive = "variance" in weight.path
                draw = rng.uniform(0.5, 2, weight.shape)
                weight.assign(draw if positive else rng.normal(0, 0.6, weight.shape))
            folder = tmp_path_factory.mktemp("model")
            saving.save(model, folder)
            made[name] = folder, model
        return made[name]

    return build


def run(content: bytes, x: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"input": x}), strict=True))


@pytest.mark.parametrize(
    "name",
    [
        *("rnn words", "lstm words both", "gru series both stacked", "lstm series stacked"),
        *("rnn words masked stacked", "lstm series masked both stacked", "gru words masked both"),
        *("lstm pooled", "gru averaged both", "gru reversed masked", "lstm both again"),
        *("lstm words condensed masked both", "gru series condensed"),
        *("gru early words", "rnn words masked again", "lstm series masked both averaged"),
    ],
)
def test_a_model_computes_what_it_does_in_keras(built, name):
    folder, model = built(name)
    content, x = onnx_bytes(folder), rows(name)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    [found] = run(content, x).values()
    expected = np.asarray(model(x))
    assert np.nanstd(expected, axis=0).max() > 1e-3  # it tells rows apart by far more than we allow
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert content == onnx_bytes(folder)
    if "masked" in name:  # a row needs no padding where it is alone
        [alone] = run(content, x[3:4, STEPS - 3 :]).values()
        np.testing.assert_allclose(alone, found[3:4], atol=1e-6)


def test_an_autoencoder_has_its_codes_as_an_output_and_parts(built):
    import keras
    from keras import layers

    encoder = [layers.Input((STEPS, FEATURES)), layers.LSTM(4), layers.Dense(2)]
    decoder = [layers.Input((2,)), layers.RepeatVector(STEPS), layers.LSTM(FEATURES)]
    parts = [
        keras.Sequential(encoder, name="encoder"),
        keras.Sequential(decoder, name="decoder"),
    ]
    folder, model = built("autoencoder", parts)
    write_json(folder / "task.json", {"task": "rebuild", "steps": STEPS})
    x = rows("series")
    found = run(onnx_bytes(folder), x)
    assert list(found) == ["code", "rebuilt"]
    np.testing.assert_allclose(found["rebuilt"], np.asarray(model(x)), atol=1e-5)
    np.testing.assert_allclose(found["code"], np.asarray(model.layers[0](x)), atol=1e-5)
    [code] = run(onnx_bytes(folder, "encoder"), x).values()
    [rebuilt] = run(onnx_bytes(folder, "decoder"), code).values()
    np.testing.assert_allclose(rebuilt, found["rebuilt"], atol=1e-6)


def test_the_command_writes_a_file_that_says_what_it_is(built, tmp_path):
    folder, _ = built("rnn words")
    task = {"task": "many classes", "classes": ["a", "b", "ü", "d"], "mask": False}
    vocabulary = {"vocabulary": ["good"], "skip_top": 0, "length": STEPS}
    write_json(folder / "task.json", task)
    write_json(folder / "vocabulary.json", vocabulary)
    path = tmp_path / "model.onnx"
    result = CliRunner().invoke(main, ["export", str(folder), str(path)])
    assert (result.exit_code, result.output) == (0, "")
    found = onnx.load(path)
    assert [output.name for output in found.graph.output] == ["probabilities"]
    said = {entry.key: json.loads(entry.value) for entry in found.metadata_props}
    assert said == {**task, "vocabulary": vocabulary}
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_what_has_no_operator_is_named(built, tmp_path):
    from keras import layers

    cases = {
        "convolution": ([layers.Conv1D(3, 2, name="narrow")], "narrow"),
        "hard": ([layers.LSTM(3, recurrent_activation="hard_sigmoid", name="firm")], "firm"),
        "late": ([layers.Masking(name="m"), layers.LSTM(3, return_sequences=True)], "after a mask"),
    }
    for name, (stacked, said) in cases.items():
        folder, _ = built(name, [layers.Input((STEPS, FEATURES)), *stacked])
        with pytest.raises(UserError, match=said) as mistake:
            export(folder, tmp_path / "model.onnx")
        assert "\n" not in str(mistake.value)
    folder, _ = built("rnn words")
    with pytest.raises(UserError, match=r"\.onnx"):
        export(folder, Path("model.txt"))
    assert not list(tmp_path.iterdir())
