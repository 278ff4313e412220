"""A file against a model of it, whatever the fields are."""

from datetime import date
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, model_validator

from harness.core.errors import UserError
from harness.core.sections import Section
from harness.core.yaml import read_yaml
from harness.stages import validation


class Color(Enum):
    RED = "red"


class Circle(Section):
    name: Literal["circle"]
    radius: float


class Square(Section):
    name: Literal["square"]
    side: float


class Pair(Section):
    low: int
    high: int

    @model_validator(mode="after")
    def _in_order(self):
        if self.low > self.high:
            raise ValueError("low should be at most high")
        return self


class Every(Section):
    """A field of each kind."""

    above: int = Field(gt=0)
    below: float = Field(lt=1)
    least: int = Field(ge=1)
    most: float = Field(le=1)
    tens: int = Field(multiple_of=10)
    switch: bool
    word: str = Field(max_length=5)
    code: str = Field(pattern="^[a-z]+$")
    choice: Literal["a", "b"]
    color: Color
    day: date
    maybe: int | None
    numbers: list[int]
    by_name: dict[str, Pair]
    pairs: list[Pair]
    pair: Pair
    either: int | bool
    shape: Annotated[Circle | Square, Field(discriminator="name")]
    left_out: Pair = None  # type: ignore[assignment]


PAIR = {"low": 1, "high": 2}
RIGHT: dict[str, Any] = {
    **{"above": 1, "below": 0.5, "least": 1, "most": 1, "tens": 10, "switch": True, "word": "x"},
    **{"code": "x", "choice": "a", "color": Color.RED, "day": date(2020, 1, 1), "maybe": None},
    **{"numbers": [1], "by_name": {"x": PAIR}, "pairs": [PAIR], "pair": PAIR, "either": 1},
    "shape": {"name": "circle", "radius": 1.0},
}
WRONG = [None, True, 0, -1, 7, 1.5, float("nan"), "", "long text", [], ["x"], {}, {"x": 1}, {1: 2}]


def test_a_file_that_fits_has_no_mistakes():
    assert validation.mistakes(Every, RIGHT) == []


@pytest.mark.parametrize("name", RIGHT)
def test_a_mistake_in_a_field_of_any_kind_is_a_line_with_its_name(name):
    found = [validation.mistakes(Every, RIGHT | {name: value}) for value in WRONG]
    found.append(validation.mistakes(Every, {k: v for k, v in RIGHT.items() if k != name}))
    assert any(found)
    for line in chain.from_iterable(found):
        assert line.startswith((f"{name}:", f"{name}."))
        assert line.isprintable()


UNKNOWN = "{}.hihg: unknown key; did you mean high?"
SQUARE = "shape.radius: unknown key for square"
CIRCLE = "shape.radius: Input should be a valid number (is 'x')"


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"above": 0}, ["above: Input should be greater than 0 (is 0)"]),
        ({"above": True}, ["above: Input should be a valid integer (is true)"]),
        ({"above": 1.0}, ["above: Input should be a valid integer (is 1.0)"]),
        ({"above": None}, ["above: Input should be a valid integer (is empty)"]),
        ({"above": PAIR}, ["above: Input should be a valid integer (is a section)"]),
        ({"choice": "x\ny"}, [r"choice: Input should be 'a' or 'b' (is 'x\ny')"]),
        ({"numbers": [1, "x"]}, ["numbers.1: Input should be a valid integer (is 'x')"]),
        ({"pair": {"low": 3, "high": 2}}, ["pair: low should be at most high"]),
        ({"pair": {"low": 3, "hihg": 4}}, ["pair.high: Field required", UNKNOWN.format("pair")]),
        (
            {"by_name": {"x": PAIR, "y": {"low": 1, "hihg": 2}}},
            ["by_name.y.high: Field required", UNKNOWN.format("by_name.y")],
        ),
        (
            {"pairs": [PAIR, {"low": 1, "hihg": 2}]},
            ["pairs.1.high: Field required", UNKNOWN.format("pairs.1")],
        ),
        ({"letf_out": PAIR}, ["letf_out: unknown key; did you mean left_out?"]),
        ({"a\nb": 1}, [r"a\nb: unknown key"]),
        ({"shape": {"name": "square", "side": 1, "radius": 1}}, [SQUARE]),
        ({"shape": {"name": "circle", "radius": "x"}}, [CIRCLE]),
    ],
)
def test_a_line_has_the_place_the_reason_and_the_value(changes, lines):
    assert validation.mistakes(Every, RIGHT | changes) == lines


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", "the file: Input should be a valid dictionary or instance of Pair (is empty)"),
        (b"- 1", "the file: Input should be a valid dictionary or instance of Pair (is a list)"),
        (b"low: &a [*a]\nhigh: 1", "low: Input should be a valid integer (is a list)"),
        (b"low: on\nhigh: 1", "low: Input should be a valid integer (is 'on')"),  # as DVC reads it
        (b"low: 1e3\nhigh: 1", "low: Input should be a valid integer (is 1000.0)"),
        (b"low: 1\nhigh: [", "line 3: not YAML (did not find expected node content)"),
        (b"low: 1\n\thigh: 2", "line 2: not YAML (found a tab character that violates"),
        (b"low: 1\nlow: 2", 'line 2: not YAML (found duplicate key "low" with value "2"'),
        (b"low: 1\n---\nhigh: 2", "line 2: not YAML (but found another document)"),
        (
            b"low: !!python/object:os.system x",
            "line 1: not YAML (could not determine a constructor",
        ),
        (b"low: !!bool x", "not YAML ('x')"),
        (b"low: !!float ''", "not YAML (string index out of range)"),
        (b"low: 2020-99-99", "not YAML (month must be in 1..12)"),
        (b"low: \0", "not YAML (unacceptable character #x0000"),
        (b"low: \xff", "not YAML (unacceptable character #x00ff"),
        (b"low: 1\nhigh: *b", "line 2: not YAML (found undefined alias)"),
    ],
)
def test_a_file_that_is_no_yaml_or_no_mapping_is_one_line_and_no_traceback(folder, body, line):
    Path("file.yaml").write_bytes(body)
    with pytest.raises(UserError) as error:
        validation.check(Path("file.yaml"), Pair)
    [found] = str(error.value).splitlines()
    assert found.startswith(f"file.yaml: {line}")


def test_a_missing_file_is_one_line(folder):
    with pytest.raises(UserError, match=r"^file\.yaml: there is no such file; run from"):
        read_yaml(Path("file.yaml"))
