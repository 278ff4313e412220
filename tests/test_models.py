import itertools
from typing import Any

import keras
import numpy as np
import pytest
from conftest import ROOT
from keras import layers

from harness.core.errors import UserError
from harness.core.files import read_json
from harness.core.yaml import read_yaml
from unroll.core import paths
from unroll.models import architectures, saving
from unroll.models.stacks import MASKED, Data

MODELS = read_yaml(ROOT / "params.yaml")["models"]
# The architectures of the chapter; what is tuned for speed, such as the rate, is not counted.
CHAPTER = {
    "rnn": {"embedding": 64, "units": 32},
    "lstm": {"embedding": 64, "units": 32},
    "ae_lstm": {"latent": 2, "units": 28},
    "ae_bilstm": {"latent": 100, "units": 28},
}

# What the classes of Keras 3.4 take, from its source. Those four models loaded, and gave the same
# numbers, in 3.4, 3.5 and so on to 3.15.
LAYER = {"activity_regularizer", "dtype", "name", "trainable"}
DENSE = {
    *("units", "activation", "use_bias", "kernel_initializer", "kernel_regularizer"),
    *("kernel_constraint", "bias_initializer", "bias_regularizer", "bias_constraint"),
}
RECURRENT = DENSE | {
    *("recurrent_initializer", "recurrent_regularizer", "recurrent_constraint", "dropout"),
    *("recurrent_dropout", "seed", "return_sequences", "return_state", "go_backwards", "stateful"),
    *("unroll", "zero_output_for_mask"),
}
KERAS_3_4 = {
    "BatchNormalization": LAYER
    | {"axis", "momentum", "epsilon", "center", "scale", "synchronized"}
    | {"moving_mean_initializer", "moving_variance_initializer"}
    | {
        f"{weight}_{kind}"
        for weight in ("beta", "gamma")
        for kind in ("initializer", "regularizer", "constraint")
    },
    "Bidirectional": LAYER | {"layer", "backward_layer", "merge_mode", "weights"},
    "DTypePolicy": {"name"},
    "Dense": LAYER | DENSE,
    "Dropout": LAYER | {"rate", "noise_shape", "seed"},
    "Embedding": LAYER
    | {"input_dim", "output_dim", "mask_zero", "embeddings_initializer"}
    | {"embeddings_regularizer", "embeddings_constraint"},
    "GlorotUniform": {"seed"},
    "InputLayer": {"batch_shape", "dtype", "name", "optional", "ragged", "sparse"},
    "LSTM": LAYER | RECURRENT | {"recurrent_activation", "unit_forget_bias"},
    "Ones": set(),
    "Orthogonal": {"gain", "seed"},
    "RandomUniform": {"minval", "maxval", "seed"},
    "RepeatVector": LAYER | {"n"},
    "Sequential": {"build_input_shape", "dtype", "layers", "name", "trainable"},
    "SimpleRNN": LAYER | RECURRENT,
    "Zeros": set(),
}


# That of n-grams reads texts alone, see tests/test_ngrams.py.
GENERAL = [name for name in architectures.names() if name != "gated_ngrams"]
TEXTS = Data(steps=128, features=None, vocabulary=10_000, classes=2, bounded=False)
IMAGES = Data(steps=28, features=28, vocabulary=0, classes=10, bounded=True)
SERIES = Data(steps=12, features=3, vocabulary=0, classes=4, bounded=False)


def build(name: str) -> keras.Model:
    return built(MODELS[name] | CHAPTER[name], IMAGES if "ae_" in name else TEXTS, name)


def built(block: dict, data: Data, name: str = "model") -> keras.Model:
    architecture = architectures.find(block["architecture"])
    return architecture.build(architecture.Parameters.model_validate(block), data, name)


def trainable(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize(
    ("name", "parameters", "trainable_parameters"),
    [
        ("rnn", 643_265, 643_201),
        ("lstm", 652_577, 652_513),
        ("ae_lstm", 10_950, 10_838),
        ("ae_bilstm", 49_408, 49_184),
    ],
)
def test_parameters_are_those_of_the_chapter(name, parameters, trainable_parameters):
    model = build(name)
    assert model.count_params() == parameters
    assert trainable(model) == trainable_parameters


def test_the_bilstm_autoencoder_has_two_models_of_the_chapters_sizes():
    model = build("ae_bilstm")
    assert model.get_layer("encoder").count_params() == 18_692
    assert model.get_layer("decoder").count_params() == 30_716


@pytest.mark.parametrize(
    ("layer", "shape", "parameters"),
    [(layers.SimpleRNN(10), (5, 2), 130), (layers.Embedding(30, 10), (5,), 300)],
)
def test_the_chapters_warm_ups_have_their_parameters(layer, shape, parameters):
    assert keras.Sequential([layers.Input(shape), layer]).count_params() == parameters


@pytest.mark.parametrize("name", CHAPTER)
def test_a_saved_model_predicts_the_same(folder, name):
    model = build(name)
    shape = (3, 28, 28) if name.startswith("ae_") else (3, 128)
    x = np.random.default_rng(0).integers(0, 2, shape).astype(np.float32)
    saving.save(model, folder / "model")
    loaded = saving.load(folder / "model")
    # To the last bits: the loaded model has Keras's own recurrent layers.
    np.testing.assert_allclose(saving.predict(loaded, x), saving.predict(model, x), atol=1e-6)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]


@pytest.mark.parametrize("name", CHAPTER)
def test_a_saved_model_names_nothing_that_keras_3_4_does_not_know(folder, name):
    saving.save(build(name), folder)
    for part in saving._parts(read_json(folder / paths.CONFIGURATION)):
        assert set(part["config"]) <= KERAS_3_4[part["class_name"]]


KINDS: dict[str, Any] = {"texts": TEXTS, "images": IMAGES, "series": SERIES}
AUTOENCODERS = [name for name in GENERAL if "autoencoder" in name]
CLASSIFIERS = [name for name in GENERAL if name not in AUTOENCODERS]
OPTIONS: list[dict[str, Any]] = [
    {"bidirectional": True, "layers": 2},
    {"mask": True},
    {"mask": True, "pooling": "mean_max"},
]
# Each architecture with each kind that it can read, and each option with each of both.
READING = [
    *itertools.product(CLASSIFIERS, KINDS, [{}]),
    *itertools.product(AUTOENCODERS, ["images", "series"], [{}]),
    *(
        (architecture, [*KINDS][(i + j) % len(KINDS)], more)
        for i, architecture in enumerate(CLASSIFIERS)
        for j, more in enumerate(OPTIONS)
    ),
]


@pytest.mark.parametrize(("architecture", "kind", "more"), READING)
def test_every_architecture_reads_every_kind_and_can_be_saved(folder, architecture, kind, more):
    data, block = KINDS[kind], {"architecture": architecture, "units": 4}
    if architecture in CLASSIFIERS:
        block |= more | {"embedding": 4}
    model = built(block, data)
    shape = (2, data.steps) if data is TEXTS else (2, data.steps, data.features)
    x = np.random.default_rng(0).integers(1, 3, shape).astype(np.float32)
    if "mask" in more:
        x[1, :5] = 0 if data is TEXTS else MASKED
    found = saving.predict(model, x)
    if architecture in AUTOENCODERS:
        assert found.shape == x.shape
    else:
        assert found.shape == (2, 1 if data.classes == 2 else data.classes)
    saving.save(model, folder)
    np.testing.assert_allclose(saving.predict(saving.load(folder), x), found, atol=1e-6)


def test_a_newer_option_that_a_model_uses_is_saved(folder):
    normalization = layers.BatchNormalization(renorm=True)
    saving.save(keras.Sequential([layers.Input((3,)), normalization]), folder)
    assert saving.load(folder).layers[0].renorm


def test_saving_twice_writes_the_same_bytes(folder):
    model = build("ae_lstm")
    for name in ("one", "two"):
        saving.save(model, folder / name)
    for file in (paths.CONFIGURATION, paths.WEIGHTS):
        assert (folder / "one" / file).read_bytes() == (folder / "two" / file).read_bytes()


def test_numbers_that_dvc_takes_for_equal_give_equal_files(folder):
    for name, rate in (("whole", 0), ("point", 0.0)):
        keras.utils.clear_session()  # names of layers count up within a process
        settings = MODELS["ae_lstm"] | CHAPTER["ae_lstm"] | {"dropout_latent": rate}
        saving.save(built(settings, IMAGES, "ae_lstm"), folder / name)
    texts = [(folder / name / paths.CONFIGURATION).read_text() for name in ("whole", "point")]
    assert texts[0] == texts[1]


def test_a_damaged_weights_file_is_refused_by_name(folder):
    saving.save(build("ae_lstm"), folder)
    path = folder / paths.WEIGHTS
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match=r"model\.weights\.h5"):
        saving.load(folder)
