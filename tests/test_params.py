import copy
import os
import subprocess
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from harness.stages.run import declared
from unroll.models import saving
from unroll.preprocessing.splits import stratified
from unroll.schema import params as schema
from unroll.schema.params import trained_models

HONEST = read_yaml(ROOT / "params.yaml")


@pytest.fixture
def project(folder):
    """A folder with the project's pipeline; returns a function that writes its parameters."""
    for name in ("dvc.yaml", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())

    def write(changes: dict | None = None):
        body = copy.deepcopy(HONEST)
        for place, value in (changes or {}).items():
            *parents, key = place.split(".")
            section = body
            for parent in parents:
                section = section[parent]
            if value is None:
                del section[key]
            else:
                section[key] = value
        YAML().dump(body, folder / "params.yaml")

    write()
    return write


def mistakes() -> str:
    with pytest.raises(UserError) as error:
        schema.check()
    return str(error.value)


def test_the_committed_parameters_and_those_of_the_chapter_are_valid(project, folder):
    schema.check(ROOT / "params.yaml")
    schema.check(ROOT / "params/chapter.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sede": 3}, "sede is unknown; did you mean seed?"),
        ({"seed": None, "sede": 3}, "sede is unknown; did you mean seed?"),
        ({"models.lstm.unit": 3}, "models.lstm.unit is unknown; did you mean models.lstm.units?"),
        ({"models.lsmt": {}}, "models.lsmt is unknown; did you mean models.lstm?"),
        ({"length": 64}, "length is unknown; did you mean preprocess.imdb.length?"),
        ({"a\nb": 3}, r"a\nb is unknown"),
        ({"models.rnn": None}, "models.rnn is missing, allowed: a section with the keys"),
        (
            {"preprocess.imdb.length": None},
            "preprocess.imdb.length is missing, allowed: a whole number",
        ),
        ({"train": 3}, "train is 3, allowed: a section with the keys backend, precision, threads"),
        ({"models.rnn.units": [3]}, "models.rnn.units is a list, allowed: a whole number from 1"),
        ({"models.ae_lstm.latent": 0}, "models.ae_lstm.latent is 0, allowed: a whole number from"),
        ({"models.rnn.units": 10**9}, "models.rnn.units is 1000000000, allowed: a whole number"),
        ({"seed": True}, "seed is true, allowed: a whole number from 0 to 2147483647"),
        ({"seed": 13.0}, "seed is 13.0, allowed: a whole number from 0 to 2147483647"),
        ({"seed": 2**3000}, f"seed is {str(2**3000)[:77]}..., allowed: a whole number from"),
        ({"models.rnn.units": float("inf")}, "models.rnn.units is inf, allowed: a whole number"),
        ({"models.ae_lstm.latnt": 2, "models.ae_lstm.latent": None}, "models.ae_lstm.latnt is un"),
        ({"models.rnn.warmup": 1}, "models.rnn.warmup is 1, allowed: a number from 0 to 0.99"),
        ({"seed": date(2020, 1, 1)}, "seed is 2020-01-01, allowed: a whole number"),
        ({"evaluate.mnist.sample": 10_001}, "evaluate.mnist.sample is 10001, allowed: a whole"),
        ({"evaluate.mnist.neighbours": 60_001}, "evaluate.mnist.neighbours is 60001, allowed: a"),
        ({"protocol": "two\nlines"}, r"protocol is 'two\nlines', allowed: holdout or book"),
        ({"protocol": "x" * 500}, f"protocol is '{'x' * 77}...', allowed: holdout or book"),
        ({"train.backend": "numpy"}, "train.backend is 'numpy', allowed: tensorflow or jax"),
        (
            {"preprocess.mnist.validation": 0.00001},
            "preprocess.mnist.validation is 1e-05, allowed: a number from 0.0001 to 0.9999",
        ),
        (
            {"preprocess.imdb.vocabulary": 24},
            "preprocess.imdb.skip_top is 20 and leaves none of the 20 words that "
            "preprocess.imdb.vocabulary holds beside 4 signs, allowed: at most 19",
        ),
        (
            {"models.rnn.batch": 22_501},
            "models.rnn.batch is 22501, more than the 22500 rows of imdb that are trained on, "
            "allowed: at most 22500",
        ),
        (
            {"models.rnn.units": 4096, "preprocess.imdb.length": 10_000, "models.rnn.batch": 4096},
            "models.rnn: a batch of 4096 sequences of 10000 steps of 4096 numbers takes 625 GiB, "
            "allowed: at most 64",
        ),
    ],
)
def test_a_mistake_is_told_in_a_line_with_key_value_and_what_is_allowed(project, changes, message):
    project(changes)
    [line] = mistakes().splitlines()
    assert line.startswith(f"params.yaml: {message}")


def test_all_mistakes_are_told_at_once(project):
    project({"seed": -1, "models.lstm.units": "many", "extra": 1, "preprocess.imdb.skip_top": 9996})
    assert len(mistakes().splitlines()) == 4


def test_the_book_protocol_trains_on_the_whole_split(project):
    project({"protocol": "book", "models.rnn.batch": 25_000})
    schema.check()


@pytest.mark.parametrize("share", [0.0001, 0.9999])
@pytest.mark.parametrize("rows", [5421, 12_500])
def test_the_extreme_validation_parts_leave_no_class_empty(share, rows):
    # of the rarest digit, and of a kind of reviews
    labels = np.repeat([0, 1], rows)
    chosen = stratified(labels, np.arange(2 * rows), share, seed=0)
    assert 0 < len(chosen) < 2 * rows


BOMB = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghi"))
# The same with mappings, each merged into the next.
MERGED = "a: &a {b: 1}\n" + "<<: [*a, *a]\n" * 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the file is empty, allowed: a section with the keys seed, protocol"),
        (b"- 1", "the file is a list, allowed: a section with the keys seed, protocol"),
        (b"a: [", "line 2: not YAML (did not find expected node content)"),
        (b"a: 1\n\tb: 2", "line 2: not YAML (found a tab character that violates indentation)"),
        (b"\na: \0", "line 2: not YAML (unacceptable character #x0000"),
        (b"\nseed: \xff", "line 2 is not UTF-8 text"),
        ("seed: 1".encode("utf-16"), "line 1 is not UTF-8 text"),
        (b"seed: 1\nseed: 2", 'line 2: not YAML (found duplicate key "seed"'),
        (MERGED.encode(), "line 3: not YAML (found duplicate merge key"),
        (b"seed: 1\n---\nseed: 2", "line 2: not YAML (but found another document)"),
        (b"seed: !!python/object:os.system x", "line 1 has the tag 'tag:yaml.org,2002:python/"),
        (b"seed: !!bool x", "line 1 has the tag 'tag:yaml.org,2002:bool', allowed: plain values"),
        (b"seed: " + b"9" * 5000, "line 1 is too long, allowed: 1000 characters a value"),
        (b"a: 1\nseed: 2020-99-99", "line 2 is '2020-99-99', which is no value (month must be"),
        (b"a: &a [*a]", "line 1 refers to 'a', which is not complete there"),
        (b"b: *a", "line 1 refers to 'a', which is not complete there"),
        (f"a: &a [1]\n{BOMB}".encode(), "line 5 is too much, allowed: at most 2000 keys and"),
        (b"[" * 60_000, "line 1 is too much, allowed: at most 2000 keys and values, nested 10"),
        (b"- 1\n" * 10_000, "line 2001 is too much, allowed: at most 2000 keys and values"),
        (b"[" * 100_000, "the file is too large, allowed: at most 65536 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_mistake_not_a_traceback(project, folder, body, message):
    (folder / "params.yaml").write_bytes(body)
    [line] = mistakes().splitlines()
    assert line.startswith(f"params.yaml: {message}")


@pytest.mark.parametrize(
    "make",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")],
    ids=["folder", "pipe", "device"],
)
def test_a_folder_a_pipe_or_a_device_in_its_place_is_a_mistake(project, folder, make):
    (folder / "params.yaml").unlink()
    make(folder / "params.yaml")
    assert mistakes() == "params.yaml: the file is no plain file"


def test_a_missing_file_is_a_mistake(project, folder):
    (folder / "params.yaml").unlink()
    assert mistakes() == "params.yaml: there is no such file; run from the project's root"


def test_the_memory_of_a_prediction_is_reckoned_with_the_batch_that_it_has():
    assert schema.PREDICTION_BATCH == saving.PREDICTION_BATCH


def test_what_is_written_once_may_be_used_again(project, folder):
    text = (folder / "params.yaml").read_text()
    assert "rnn:\n" in text
    shared = text.replace("rnn:\n", "rnn: &rnn\n", 1)
    (folder / "params.yaml").write_text(shared.replace("lstm:\n", "lstm:\n    <<: *rnn\n", 1))
    schema.check()


@pytest.mark.parametrize("command", ["harness.stages train-rnn", "harness repro"])
def test_mistakes_end_a_command_before_anything_slow_is_imported(project, folder, command):
    project({"seed": -1, "models.lstm.units": "many"})
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *command.split()],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    imported = {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "unroll.schema.params" in imported
    assert imported.isdisjoint({"tensorflow", "keras", "jax", "dvc", "numpy"})
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if not line.startswith("import time:")] == [
        "error: params.yaml: models.lstm.units is 'many', allowed: a whole number from 1 to 4096",
        "params.yaml: seed is -1, allowed: a whole number from 0 to 2147483647",
    ]
    assert {path.name for path in folder.iterdir()} == {"params.yaml", "dvc.yaml", "pyproject.toml"}


def test_numbers_are_read_as_dvc_reads_them(project, folder):
    text = (
        (folder / "params.yaml").read_text().replace("learning_rate: 0.02", "learning_rate: 2e-2")
    )
    assert "2e-2" in text
    (folder / "params.yaml").write_text(text)
    schema.check()
    assert declared("train-lstm").models.lstm["learning_rate"] == 0.02


def test_a_stage_reads_what_it_declares_and_nothing_else(project):
    params = declared("train-lstm")
    assert params.models.lstm["units"] == HONEST["models"]["lstm"]["units"]
    assert params.models["lstm"]["units"] == HONEST["models"]["lstm"]["units"]
    with pytest.raises(UserError, match=r"train-lstm reads the parameter models\.rnn without"):
        _ = params.models.rnn
    with pytest.raises(UserError, match="reads the parameter evaluate without"):
        _ = params.evaluate
    assert params.read == {"models.lstm"}


def test_templates_of_dvc_are_filled_in(project):
    assert declared("evaluate@ae_lstm").evaluate.mnist == HONEST["evaluate"]["mnist"]
    assert declared("preprocess@imdb").preprocess.imdb == HONEST["preprocess"]["imdb"]
    assert trained_models() == ["rnn", "lstm", "ae_lstm", "ae_bilstm"]


def test_an_unknown_stage_is_named(project):
    with pytest.raises(UserError, match="there is no stage train-gru"):
        declared("train-gru")
