import copy

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from unroll import schema
from unroll.errors import UserError
from unroll.params import declared, trained_models
from unroll.yaml import read_yaml

HONEST = read_yaml(ROOT / "params.yaml")


@pytest.fixture
def project(folder):
    """A folder with the project's pipeline; returns a function that writes its parameters."""
    (folder / "dvc.yaml").write_bytes((ROOT / "dvc.yaml").read_bytes())

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
        ({"sede": 3}, "params.yaml: sede is unknown; did you mean seed?"),
        ({"models.lstm.unit": 3}, "models.lstm.unit is unknown; did you mean units?"),
        ({"models.lsmt": {}}, "models.lsmt is unknown; did you mean lstm?"),
        ({"models.ae_lstm.latent": 0}, "models.ae_lstm.latent is 0, allowed: greater than"),
        ({"models.rnn": None}, "models.rnn is missing"),
        ({"preprocess.imdb.length": None}, "preprocess.imdb.length is missing"),
        ({"protocol": "test"}, "protocol is 'test', allowed: 'holdout' or 'book'"),
        ({"seed": True}, "seed is True, allowed: a valid integer"),
        ({"models.rnn.dropout_input": 1}, "models.rnn.dropout_input is 1, allowed: less than 1"),
        ({"preprocess.imdb.vocabulary": 24}, "skip_top 20 leaves none of them"),
        ({"train.backend": "numpy"}, "train.backend is 'numpy', allowed: 'tensorflow' or 'jax'"),
    ],
)
def test_a_mistake_is_told_in_a_line_with_key_value_and_what_is_allowed(project, changes, message):
    project(changes)
    assert message in mistakes()
    assert len(mistakes().splitlines()) == 1


def test_all_mistakes_are_told_at_once(project):
    project({"seed": -1, "models.lstm.units": "many", "extra": 1})
    assert len(mistakes().splitlines()) == 3


@pytest.mark.parametrize("body", ["", "- 1", "3", "a: [", "\x00", "a: 1\na: 2"])
def test_a_file_that_is_no_mapping_is_a_mistake_not_a_traceback(project, folder, body):
    (folder / "params.yaml").write_text(body)
    assert "params.yaml" in mistakes()


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
