"""Changes to `params.yaml` by dotted name: `unroll set FILE`."""

import re
from pathlib import Path

import pytest
from conftest import ROOT

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from harness.stages import overlay
from unroll.schema import params as schema


@pytest.fixture
def change(folder):
    """A function that applies the text of a file of changes to the project's parameters."""
    for name in ("corpora.yaml", "dvc.yaml", "params.yaml", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())

    def apply(text: str) -> None:
        Path("changes.yaml").write_text(text)
        overlay.main(Path("changes.yaml"))

    return apply


def test_the_chapters_values_replace_the_committed_ones_and_nothing_else(change):
    before = read_yaml(Path("params.yaml"))
    changes = read_yaml(ROOT / "params/chapter.yaml")
    overlay.main(ROOT / "params/chapter.yaml")
    after = read_yaml(Path("params.yaml"))
    schema.check()
    assert overlay.assign(before, changes) == []
    assert after == before
    assert after["models"]["lstm"]["optimizer"] == changes["models.lstm.optimizer"]


def test_every_other_line_stays_as_it_is_comments_and_all(change):
    before = Path("params.yaml").read_text()
    change("seed: 14\nmodels.rnn.schedule: {name: plateau, patience: 3}")
    expected = re.sub("^seed: 13 ", "seed: 14 ", before, flags=re.MULTILINE)
    expected = re.sub(
        "name: cosine\n +warmup: .*", "name: plateau\n      patience: 3", expected, count=1
    )
    assert Path("params.yaml").read_text() == expected != before


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("sede: 3", ["sede: params.yaml has no such parameter; did you mean seed?"]),
        (
            "models.rnn.unit: 3\nmodels.rnn.schedule.patience: 3",
            [
                "models.rnn.unit: params.yaml has no such parameter; did you mean models.rnn.unit",
                "models.rnn.schedule.patience: params.yaml has no such parameter; did you mean",
            ],
        ),
        ("1: 3", ["1: params.yaml has no such parameter"]),
        ("seed: -1", ["seed: Input should be greater than or equal to 0 (is -1)"]),
        ("models.rnn.optimizer.name: adam", ["models.rnn.optimizer.adam_lr_ratio: unknown key"]),
        ("[seed, 3]", ["expected parameters to change, such as `seed: 14`"]),
        ("seed: [", ["line 2: not YAML"]),
    ],
)
def test_a_mistake_in_the_changes_leaves_the_file_as_it_was(change, text, lines):
    before = Path("params.yaml").read_bytes()
    with pytest.raises(UserError) as error:
        change(text)
    for found, line in zip(str(error.value).splitlines(), lines, strict=True):
        assert found.startswith(f"changes.yaml: {line}")
    assert Path("params.yaml").read_bytes() == before
