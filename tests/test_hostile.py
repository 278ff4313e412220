"""Files made to do harm: refused by name, with nothing in them run or believed.

These are models from elsewhere, arrays and JSON. Archives of corpora are opened only after their
digest was checked.
"""

import json
import os
import shutil
import tracemalloc
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from harness.core import files
from harness.core.errors import UserError
from unroll.core import arrays, paths
from unroll.models import saving
from unroll.models.architectures import lstm_autoencoder
from unroll.models.stacks import Data
from unroll.predicting import images

# Objects that would leave a file behind if they were ever loaded; written out by hand.
EVIL = b"cos\nsystem\n(S'touch evil'\ntR."


@pytest.fixture(autouse=True)
def project(folder, monkeypatch):
    """A folder inside another, in which the tests work."""
    (folder / "project").mkdir()
    monkeypatch.chdir(folder / "project")


@contextmanager
def refused(name: str, why: str | None = None) -> Iterator[None]:
    """What is done inside ends in one line on the file, and writes nothing."""
    before = sorted(Path("..").rglob("*"))
    with pytest.raises(UserError, match=why) as refusal:
        yield
    [line] = str(refusal.value).splitlines()
    assert name in line
    assert len(line) < 600
    assert sorted(Path("..").rglob("*")) == before


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """What is done inside takes at most `size` bytes of Python and NumPy at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def npy(head: str, body: bytes = b"") -> bytes:
    """A .npy file with a head of any text."""
    text = head.encode()
    return b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text + body


def head(shape: str, descr: str = "'|u1'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n"


HEADS = {
    "more than follows": npy(head("(60000, 28, 28)"), bytes(5)),
    "more than any memory": npy(head(f"({2**62}, {2**62})")),
    "less than nothing": npy(head("(-1, -1, 784)"), bytes(784)),
    "a number that Python cannot write": npy(head(f"(0x{'f' * 5000},)")),
    "objects": npy(head("(1,)", "'|O'"), EVIL),
    "an object in a record": npy(head("(1,)", "[('a', 'O')]"), EVIL),
    "code": npy("__import__('os').system('touch evil')\n"),
    "open brackets": npy("(" * 5000),
    "signs": npy("-" * 9000 + "1"),
    "a list for a key": npy("{[]: 1}"),
    "bare objects": EVIL,
    "nothing": b"",
}


@pytest.mark.parametrize("read", [arrays.read_array, images.read_array])
@pytest.mark.parametrize("body", HEADS.values(), ids=HEADS)
def test_an_array_that_is_not_what_it_says_is_refused(body, read):
    Path("evil.npy").write_bytes(body)
    with at_most(8_000_000), refused("evil.npy"):
        read(Path("evil.npy"))


def test_an_archive_in_place_of_an_array_is_refused():
    with Path("evil.npy").open("wb") as file:
        np.savez(file, np.zeros(3))
    with refused("evil.npy"):
        arrays.read_array(Path("evil.npy"))


@pytest.mark.parametrize("sign", ["[", '{"a":'])
def test_json_nested_beyond_reason_is_refused(sign):
    Path("evil.json").write_text(sign * 100_000)
    with refused("evil.json"):
        files.read_json(Path("evil.json"))


def test_json_of_absurd_size_is_refused_unread():
    Path("evil.json").touch()
    os.truncate("evil.json", 100_000_000)
    with at_most(8_000_000), refused("evil.json", "more than"):
        files.read_json(Path("evil.json"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a saved model."""
    with chdir(tmp_path_factory.mktemp("saved")):
        parameters = lstm_autoencoder.Parameters(architecture="lstm_autoencoder", units=28)
        model = lstm_autoencoder.build(parameters, Data(28, 28, 0, 10, True), "model")
        saving.save(model, Path("model"))
        return Path("model").absolute()


@pytest.fixture
def configuration(saved):
    """The configuration of a saved model; its weights lie in the folder `model`."""
    shutil.copytree(saved, "model")
    return json.loads((Path("model") / paths.CONFIGURATION).read_text())


def load(configuration: object, why: str | None = None) -> None:
    path = Path("model") / paths.CONFIGURATION
    path.write_text(json.dumps(configuration))
    with refused(str(path), why):
        saving.load(Path("model"))


FOREIGN = {
    "lambda": {"class_name": "__lambda__", "config": {"value": "evil"}},
    "lambda layer": {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"function": {"class_name": "__lambda__", "config": {"value": "evil"}}},
    },
    "function": {"module": "os", "class_name": "function", "config": "system"},
    "class": {"module": "subprocess", "class_name": "Popen", "config": {"args": "touch evil"}},
    "namesake": {"module": "keras_evil", "class_name": "Dense", "config": {}},
    "inside": {"module": "keras.src.layers", "class_name": "Dense", "config": {}},
    "registered": {"registered_name": "evil>Evil", "config": {}},
    "tensor": {"class_name": "__numpy__", "config": {"value": [0] * 9, "dtype": "O"}},
}
PLACES = {
    "model": lambda model, part: part,
    "layer": lambda model, part: model["config"]["layers"].append(part) or model,
    "activation": lambda model, part: change(model, "activation", part),
    "initializer": lambda model, part: change(model, "kernel_initializer", part),
    "compilation": lambda model, part: model | {"compile_config": {"loss": part}},
    "list": lambda model, part: model | {"build_config": {"input_shape": [None, [[part]]]}},
}


def change(model: dict, key: str, value: object) -> dict:
    """The same configuration with an entry of its very last layer changed."""
    model["config"]["layers"][-1]["config"]["layers"][-1]["config"][key] = value
    return model


@pytest.mark.parametrize("part", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("put", PLACES.values(), ids=PLACES)
def test_a_configuration_that_names_what_is_not_ours_never_reaches_keras(
    configuration, monkeypatch, put, part
):
    monkeypatch.delattr(keras.saving, "deserialize_keras_object")
    load(put(configuration, part), "refused, it names")


@pytest.mark.parametrize(
    "value",
    [
        *(3, "keras", [], {}, None),
        {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}},
        {"module": "keras", "class_name": "Sequential", "config": {"layers": 3}},
    ],
)
def test_a_configuration_of_no_model_is_refused(configuration, value):
    load(value)


def test_a_configuration_of_a_model_larger_than_its_weights_is_refused_unbuilt(configuration):
    # 1.6 GB for the recurrent weights of either layer
    text = json.dumps(configuration).replace('"units": 28', f'"units": {10**4}')
    with at_most(100_000_000):
        load(json.loads(text.replace("28]", f"{10**4}]")))


def test_a_configuration_nested_beyond_reason_is_refused(configuration):
    (Path("model") / paths.CONFIGURATION).write_text('{"config":' * 100_000)
    with refused("model.json"):
        saving.load(Path("model"))


def one_more(group: h5py.Group, name: str) -> None:
    group.create_dataset("extra", (3, 3), "f4")
    group.create_dataset(name, (28, 2), "f4")


def of_another_shape(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (2, 28), "f4")


def linked_within(group: h5py.Group, name: str) -> None:
    group[name] = h5py.SoftLink("/")


def larger(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (1_000_000, 100), "f4", chunks=(1000, 100))


def linked_away(group: h5py.Group, name: str) -> None:
    group[name] = h5py.ExternalLink("other.h5", "/array")


def stored_away(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (28, 2), "f4", external=[("other.h5", 0, h5py.h5f.UNLIMITED)])


def of_objects(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (28, 2), h5py.string_dtype())


@pytest.mark.parametrize(
    "put",
    [
        *(larger, one_more, of_another_shape, linked_within, linked_away, stored_away, of_objects),
        h5py.Group.__delitem__,
    ],
)
def test_weights_that_are_not_what_they_say_are_refused(configuration, put):
    path = Path("model") / paths.WEIGHTS
    with h5py.File("other.h5", "w") as other:
        other["array"] = np.zeros((28, 2), np.float32)
    with h5py.File(path, "r+") as file:
        places: list[str] = []
        file.visititems(
            lambda name, item: places.append(name) if isinstance(item, h5py.Dataset) else None
        )
        place = next(name for name in places if file[name].shape == (28, 2))
        group, _, name = place.rpartition("/")
        if put is not h5py.Group.__delitem__:
            del file[place]
        put(file[group], name)
    with refused(str(path)):
        saving.load(Path("model"))
