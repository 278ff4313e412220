"""The stage `behavior`: small sentences, and where a model fails with them."""

import json
import re
from collections import Counter
from pathlib import Path

import made_up
import numpy as np
import pytest
from conftest import ROOT

from harness.core.errors import UserError
from unroll.behavior import cases
from unroll.behavior.cases import Case
from unroll.core import paths
from unroll.core.arrays import read_array
from unroll.core.datasets import read
from unroll.predicting.scoring import Scorer
from unroll.reporting import judged

CLASSES = ["negative", "positive"]
FILE = """\
slots: {a: [x, y], b: [z], c: word}
capabilities:
  one:
  - {text: "{a} {b}.", answer: positive}
  - {rise: ["{b}", "{a} {c}"], times: 2}
sentences: [good]
"""


def measure(tests: list[Case]) -> dict:
    """Of a model that answers with the number that a text is."""
    return cases.measure(
        tests,
        lambda texts: np.array([float(text) for text in texts]),
        classes=CLASSES,
        threshold=0.5,
        unsure=(0.3, 0.7),
    )


def test_each_capability_has_enough_cases_that_differ():
    found, sentences = cases.read(ROOT / cases.PATH)
    assert len(set(found)) == len(found)
    counts = Counter(case.capability for case in found)
    assert len(counts) == 10
    assert all(15 <= count <= 40 for count in counts.values())
    lengths = [len(text.split()) for case in found for text in case.texts]
    assert (min(lengths), max(lengths)) == (1, 1000)
    assert len(sentences) == 8


def test_slots_take_all_their_values_together(tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(FILE)
    found, _ = cases.read(path)
    assert found[:2] == [
        Case("one", "positive", ("x z.",)),
        Case("one", "positive", ("y z.",)),
    ]
    assert found[2] == Case("one", "rise", ("z z", "x word x word"))
    assert len(found) == 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{b}.", "{d}.", "has a slot that `slots` has not"),
        (", answer: positive", "", "text and answer together"),
        ("rise: [", "same: [z], rise: [", "at least 2 items|should have at least 2"),
        ("times: 2", "time: 2", "time"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(tmp_path, old, new, message):
    path = tmp_path / "cases.yaml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(UserError, match=message) as caught:
        cases.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "scores", "failed"),
    [
        ("positive", [0.6], False),
        ("positive", [0.4], True),
        ("negative", [0.4], False),
        ("negative", [0.6], True),
        ("unsure", [0.7], False),
        ("unsure", [0.9], True),
        ("unsure", [0.1], True),
        ("rise", [0.1, 0.2, 0.3], False),
        ("rise", [0.1, 0.3, 0.2], True),
        ("rise", [0.2, 0.2], True),
        ("same", [0.62, 0.7], False),
        ("same", [0.62, 0.8], True),
        ("same", [0.49, 0.51], True),
    ],
)
def test_a_case_fails_if_its_answer_or_direction_does_not_hold(kind, scores, failed):
    tests = [
        Case("this", kind, tuple(map(str, scores))),
        Case("other", "rise", ("0.1", "0.2")),
    ]
    assert measure(tests) == {
        "cases": 2,
        "failures": 0.5 * failed,
        "capabilities": {"this": float(failed), "other": 0.0},
    }


def test_an_answer_that_is_no_class_is_one_line():
    with pytest.raises(UserError, match="the answer 'good' is not one of negative, positive"):
        measure([Case("this", "good", ("0.5",))])


def test_what_a_model_is_asked_it_scores_as_evaluate_does(clone, monkeypatch):
    from stages.bias import Tokens

    monkeypatch.chdir(clone.folder)
    test, scores = read("imdb", "test"), Scorer(paths.model("lstm"))
    tokens = Tokens("imdb", test)
    found = scores([" ".join(tokens.of(row)) for row in range(len(test))])
    assert np.allclose(found, read_array(paths.evaluated("lstm") / "scores.npy"), atol=1e-5)
    metrics = json.loads(Path(paths.behavior("ngru")).read_text())
    assert len(metrics["capabilities"]) == 10
    assert 0 < metrics["failures"] < 1


def test_the_pages_follow_from_what_was_measured(folder):
    made_up.results(folder)
    judged.main()
    behavior, bias, mistakes = (
        " ".join(Path(f"docs/{name}.md").read_text().split())
        for name in ("behavior", "bias", "mistakes")
    )
    assert "(70 cases;" in behavior
    assert "| but | **10%** | 20% |" in behavior
    assert "| not good | 0.600 | 0.600 |" in behavior
    assert "- `lstm`: the group moves the mean score beyond chance in 1 of 1 comparisons" in bias
    assert "most with age: old (-0.040)" in bias
    assert 'associations beyond chance in its word vectors: "men with good".' in bias
    assert "| man | guy, boy | guy, boy |" in bias
    assert "- `ae_lstm`: 4 as 9 20%, 3 as 5 10%" in bias
    assert "Wrong, 0.900; review 3 is negative: > so **good** (+2.00)" in mistakes
    for name in ("behavior", "bias"):
        assert Path(f"docs/{name}.png").read_bytes()[:4] == b"\x89PNG"
    pipeline = Path("dvc.yaml")
    text = pipeline.read_text()
    pipeline.write_text(re.sub(r"(- judged: &judged|- with_baselines:)(\n    .*)+", r"\1 {}", text))
    assert judged.pages() == {}
