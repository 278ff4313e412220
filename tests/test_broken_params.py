"""A thousand broken parameter files: each gets its lines, none a traceback, none writes a file."""

import copy
import json
import math
import re
import tracemalloc
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.yaml import read_yaml
from unroll.schema import params as schema
from unroll.schema.params import trained_models

TEXT = (ROOT / "params.yaml").read_bytes()
HONEST = read_yaml(ROOT / "params.yaml")
# What the check may take at once, in bytes; the honest file takes a twentieth.
MOST_MEMORY = 20_000_000


def places(section: dict, above: tuple = ()) -> list[tuple]:
    """The paths of all keys, of sections too."""
    found = []
    for key, value in section.items():
        found += [(*above, key), *(places(value, (*above, key)) if isinstance(value, dict) else [])]
    return found


PLACES = places(HONEST)
# A line speaks of a key, of a line of the file, or of the file as a whole.
KEYS = {key for place in PLACES for key in place}
PLACE = re.compile(r"params\.yaml: (the file |line \d+[ :]|.* is unknown|([\w.]+)( is |:))")

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1, 2**31, 10**9, 10**40, 10**400, 0.5, 1.0, -0.0, 1e-320, 1e308]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "book", "cosine", "\n", "\x85", "\u2028", "\u202e", "\x1b[2J", "x" * 999]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
# What YAML reads as something of its own, or trips over.
SNIPPETS = [
    *(b".nan", b"-.inf", b"1e999", b"0x" + b"f" * 5000, b"9" * 5000, b"0o9", b"1_0", b"~", b"true"),
    *(b"2020-01-01", b"2020-99-99", b"!!int x", b"!!bool x", b"!!float ''", b"!!set {a}", b"!!map"),
    *(b"!!binary =", b"!!python/object/apply:os.system [x]", b"!!timestamp x", b"!x y", b"&a 1"),
    *(b"*a", b"&a [*a]", b"<<: {seed: 1}", b"? [a]", b"'", b'"', b"[", b"{", b"}", b"[" * 2000),
    *(
        b"|",
        b">",
        b"%YAML 1.1",
        b"---",
        b"...",
        b"\t",
        b"\r",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"@",
    ),
    *(b'"\\ud800"', b'"\\0"', b'"\\U00110000"', b"\xe2\x80\xa8", b"- a", b"a: b: c", b"# x", b":"),
]
LAUGHS = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghij"))


@st.composite
def changed_entries(draw) -> bytes:
    """The committed parameters with keys dropped, renamed, added and values replaced, as JSON."""
    body = copy.deepcopy(HONEST)
    for _ in range(draw(st.integers(1, 4))):
        *above, key = draw(st.sampled_from(PLACES))
        section = body
        for name in above:
            section = section.get(name) if isinstance(section, dict) else None
        if not isinstance(section, dict):
            continue  # an earlier change took it away
        change = draw(st.sampled_from(["drop", "rename", "replace", "replace", "nest", "add"]))
        old = section.pop(key, None) if change in ("drop", "rename") else None
        if change == "rename":
            at = draw(st.integers(0, len(key)))
            section[key[:at] + draw(st.text(max_size=3)) + key[at + 1 :]] = old
        elif change == "replace":
            section[key] = draw(VALUES)
        elif change == "nest":
            section[key] = json.loads("[" * (depth := draw(st.integers(1, 900))) + "]" * depth)
        elif change == "add":
            section[draw(st.text(max_size=9))] = draw(VALUES)
    text = json.dumps(body, ensure_ascii=False).replace("Infinity", ".inf").replace("NaN", ".nan")
    return text.encode("utf-8", "surrogatepass")


@st.composite
def changed_lines(draw) -> bytes:
    """The committed text with a value, a key or a whole line replaced by a snippet, or repeated."""
    lines = TEXT.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        key, colon, value = lines[at].partition(b":")
        snippet = draw(st.sampled_from(SNIPPETS))
        changes = [
            *(key + colon + b" " + snippet, snippet + colon + value, snippet, b""),
            *(b"  " + lines[at], lines[at] + b"\n" + lines[at]),
        ]
        lines[at] = draw(st.sampled_from(changes))
    return b"\n".join(lines)


@st.composite
def changed_bytes(draw) -> bytes:
    """The committed bytes, some of them overwritten, left out or put in, or cut off."""
    text = bytearray(TEXT)
    for _ in range(draw(st.integers(1, 5))):
        at, size = draw(st.integers(0, len(text))), draw(st.integers(0, 20))
        text[at : at + size] = draw(st.binary(max_size=20))
    return bytes(text[: draw(st.sampled_from([len(text), draw(st.integers(0, len(text)))]))])


WHOLE = [
    *(b"", b"\n", b"\xef\xbb\xbf", b"---\n---\n", b"\0" * 100, "seed: 1".encode("utf-16")),
    *(
        b"[" * 100_000,
        b"{" * 100_000,
        b"a: " * 100_000,
        b"- " * 30_000,
        b"[" * 60_000,
        b"{a: " * 999,
    ),
    *(f"a: &a [1]\n{LAUGHS}".encode(), f"a: &a [1]\n{LAUGHS}<<: *j".encode(), b"&a {? *a : *a}"),
    *(b"seed: '" + b"x" * 60_000 + b"'", b"a: 1\n" * 9000, b"? " * 5000, bytes(10_000_000)),
]


def is_valid(value: Any, honest: Any) -> bool:
    """Whether a value is of the kind of the committed one, and could be computed with."""
    if isinstance(honest, dict):
        keys = isinstance(value, dict) and value.keys() == honest.keys()
        return keys and all(is_valid(value[key], honest[key]) for key in honest)
    if isinstance(honest, str):
        return isinstance(value, str) and 0 < len(value) <= 1000 and value.isprintable()
    numbers = type(value) in (int, float) and math.isfinite(value)
    return numbers and 0 <= value < 2**31


def contents() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def names_a_place(line: str) -> bool:
    match = PLACE.match(line)
    return match is not None and (not match[2] or KEYS.issuperset(match[2].split(".")))


@pytest.fixture
def outcomes() -> Counter[str]:
    """How many files were refused and accepted."""
    return Counter()


@pytest.fixture
def throw(folder, monkeypatch, outcomes):
    """A function that checks a parameter file of any bytes."""
    for name in ("dvc.yaml", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    models = trained_models()
    monkeypatch.setattr(schema, "trained_models", lambda: models)  # the pipeline stays the same
    path = Path("params.yaml")

    def throw(text: bytes) -> None:
        path.write_bytes(text)
        before = contents()
        try:
            schema.check()
        except UserError as error:
            outcomes["refused"] += 1
            for line in str(error).splitlines():
                assert names_a_place(line)
                assert line.isprintable()
                assert len(line) < 400
        else:
            outcomes["accepted"] += 1
            assert is_valid(read_yaml(path), HONEST)
        assert contents() == before

    return throw


def test_a_thousand_broken_files_get_their_lines_and_nothing_else(throw, outcomes):
    quickly = settings(
        max_examples=400,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    for strategy in (changed_entries(), changed_lines(), changed_bytes()):
        quickly(given(strategy)(throw))()
    assert outcomes["refused"] >= 1000, outcomes


@pytest.mark.parametrize("text", WHOLE, ids=lambda text: ascii(text[:9]))
def test_a_file_that_grows_when_it_is_read_takes_little_memory(throw, outcomes, text):
    tracemalloc.start()
    try:
        throw(text)
        assert tracemalloc.get_traced_memory()[1] - 2 * len(text) < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert outcomes["refused"] == 1
