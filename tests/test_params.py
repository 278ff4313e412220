"""What `params.yaml` may say, and what a stage reads of it."""

import copy
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from harness.stages import overlay
from harness.stages.run import declared
from unroll.preprocessing.splits import stratified
from unroll.schema import params as schema

COMMITTED = read_yaml(ROOT / "params.yaml")
ADAM = {"name": "adam", "learning_rate": 0.1, "weight_decay": 0.0}


@pytest.fixture
def project(folder):
    """A folder with the project's pipeline; returns a function that writes its parameters."""
    for name in ("dvc.yaml", "corpora.yaml", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())

    def write(changes: dict) -> None:
        body = copy.deepcopy(COMMITTED)
        assert overlay.assign(body, changes) == []
        YAML().dump(body, folder / "params.yaml")

    write({})
    return write


def mistakes() -> list[str]:
    with pytest.raises(UserError) as error:
        schema.check()
    return str(error.value).splitlines()


def without(place: str, key: str) -> dict:
    """The change that takes a key from a section."""
    section = COMMITTED
    for name in place.split("."):
        section = section[name]
    return {place: {name: value for name, value in section.items() if name != key}}


def test_the_committed_parameters_are_valid(project):
    schema.check(ROOT / "params.yaml")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seed": True}, "seed: Input should be a valid integer (is true)"),
        ({"seed": 13.0}, "seed: Input should be a valid integer (is 13.0)"),
        ({"train.backend": "numpy"}, "train.backend: Input should be 'tensorflow' or 'jax' (is 'n"),
        (
            {"models.lstm.units": 5000},
            "models.lstm.units: Input should be less than or equal to 4096 (is 5000)",
        ),
        (
            {"models.rnn.optimizer.learning_rate": float("nan")},
            "models.rnn.optimizer.learning_rate: Input should be a finite number (is nan)",
        ),
        (
            without("models.ae_lstm", "architecture"),
            "models.ae_lstm.architecture: Field required",
        ),
        (
            {"models.lstm.architecture": "transformer"},
            "models.lstm.architecture: Input should be 'bilstm_autoencoder', 'gated_ngrams', 'gru'",
        ),
        (without("models", "rnn"), "models.rnn: Field required"),
        (
            {"models": COMMITTED["models"] | {"lsmt": {}}},
            "models.lsmt: no stage trains it; did you mean lstm?; add a line for it to `vars`",
        ),
        (
            {"models.rnn": COMMITTED["models"]["rnn"] | {"latent_dim": 2}},
            "models.rnn.latent_dim: unknown key",
        ),
        (
            {"models.rnn.optimizer": COMMITTED["models"]["rnn"]["optimizer"] | {"name": "adam"}},
            "models.rnn.optimizer.adam_lr_ratio: unknown key for adam",
        ),
        (
            {"models.rnn.optimizer.name": "sgd"},
            "models.rnn.optimizer: Input tag 'sgd' found using 'name' does not match any",
        ),
        (
            {"models.rnn.vocabulary": 24},
            "models.rnn: skip_top should be less than the 20 words of the vocabulary",
        ),
    ],
)
def test_a_mistake_is_one_line_with_name_reason_and_value(project, changes, line):
    project(changes)
    [found] = mistakes()
    assert found.startswith(f"params.yaml: {line}")


def test_all_mistakes_are_reported_at_once(project):
    project({"seed": -1, "models.lstm.units": "many", "models.rnn.skip_top": 9996})
    assert len(mistakes()) == 3


def test_each_variant_of_optimizer_and_schedule_is_accepted(project):
    project(
        {
            "models.rnn.optimizer": ADAM,
            "models.rnn.schedule": {"name": "plateau", "patience": 3},
        }
    )
    schema.check()


@pytest.mark.parametrize("share", [0.0001, 0.9999])
@pytest.mark.parametrize("rows", [5421, 12_500])
def test_the_extreme_validation_parts_leave_no_class_empty(share, rows):
    # of the rarest digit, and of a kind of reviews
    labels = np.repeat([0, 1], rows)
    chosen = stratified(labels, np.arange(2 * rows), share, seed=0)
    assert 0 < len(chosen) < 2 * rows


def test_what_is_written_once_may_be_used_again(project, folder):
    text = (folder / "params.yaml").read_text()
    assert "rnn:\n" in text
    shared = text.replace("rnn:\n", "rnn: &rnn\n", 1)
    (folder / "params.yaml").write_text(shared.replace("lstm:\n", "lstm:\n    <<: *rnn\n", 1))
    schema.check()


@pytest.mark.parametrize("command", ["harness.stages train-rnn@rnn", "harness repro"])
def test_mistakes_end_a_command_before_anything_slow_is_imported(project, folder, command):
    project({"seed": -1, "models.lstm.units": "many"})
    before = {path.name for path in folder.iterdir()}
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
    assert "pydantic" in imported
    assert imported.isdisjoint({"tensorflow", "keras", "jax", "dvc.repo", "numpy"})
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if not line.startswith("import time:")] == [
        "error: params.yaml: models.lstm.units: Input should be a valid integer (is 'many')",
        "params.yaml: seed: Input should be greater than or equal to 0 (is -1)",
    ]
    assert {path.name for path in folder.iterdir()} == before


def test_numbers_are_read_as_dvc_reads_them(project, folder):
    text = (
        (folder / "params.yaml").read_text().replace("learning_rate: 0.02", "learning_rate: 2e-2")
    )
    assert "2e-2" in text
    (folder / "params.yaml").write_text(text)
    schema.check()
    assert declared("train-lstm@lstm").models.lstm["optimizer"]["learning_rate"] == 0.02


def test_a_stage_reads_what_it_declares_and_nothing_else(project):
    params = declared("train-lstm@lstm")
    assert params.models.lstm["units"] == COMMITTED["models"]["lstm"]["units"]
    assert params.models["lstm"]["units"] == COMMITTED["models"]["lstm"]["units"]
    with pytest.raises(UserError, match=r"train-lstm@lstm reads the parameter models\.rnn without"):
        _ = params.models.rnn
    with pytest.raises(UserError, match="reads the parameter evaluate without"):
        _ = params.evaluate
    assert params.read == {"models.lstm"}


def test_templates_of_dvc_are_filled_in(project):
    assert declared("evaluate@ae_lstm").evaluate == COMMITTED["evaluate"]
    assert schema.trained_models() == list(COMMITTED["models"])


def test_an_unknown_stage_is_named(project):
    with pytest.raises(UserError, match="there is no stage train-gru"):
        declared("train-gru")
