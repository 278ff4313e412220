"""What words contribute to a score, and how that is shown."""

import sys
from typing import Any

import click
import numpy as np
import pytest

from harness.core.errors import UserError
from unroll.predicting import explained
from unroll.predicting.explaining import MOST, contributions

WEIGHTS = {"good": 2.0, "dull": -1.5, "film": 0.25}


def odds(texts):
    return np.array([sum(WEIGHTS.get(word, 0) for word in text.split()) for text in texts])


def scores(texts):
    """A linear model of words, whose contributions are its weights."""
    return 1 / (1 + np.exp(-odds(texts)))


def test_contributions_to_a_linear_model_are_its_weights():
    found = contributions(scores, "A <b>Good</b> film, not dull!")
    assert [word for word, _ in found] == ["a", "good", "film", ",", "not", "dull", "!"]
    assert [value for _, value in found] == pytest.approx([0, 2, 0.25, 0, 0, -1.5, 0])


def test_a_model_that_knows_its_contributions_is_asked_for_them():
    class Exact:
        def contributions(self, text):
            return [(text, 3.0)]

    model: Any = Exact()
    assert contributions(model, "good") == [("good", 3.0)]


def test_of_more_classes_the_most_probable_one_is_explained():
    def three(texts):
        first = scores(texts)
        return np.stack([first, (1 - first) * 0.9, (1 - first) * 0.1], axis=1)

    [(_, value)] = contributions(three, "good")
    assert value == pytest.approx(2)
    [(_, value)] = contributions(three, "dull")
    assert value > 0  # it speaks for the second class


def test_of_a_long_text_the_last_words_are_looked_at():
    asked = []

    def counted(texts):
        asked.append(len(texts))
        return scores(texts)

    found = contributions(counted, "good " * (MOST + 5))
    assert len(found) == MOST + 5
    assert asked == [MOST + 1]
    assert [value for _, value in found[:5]] == [0] * 5


FOUND = [("a", 0.0), ("<good>", 2.0), ("film", 0.7), ("dull", -1.4)]


def test_what_is_printed_has_color_on_a_terminal_alone(monkeypatch):
    plain = "       +2.00 <good>  -1.40 dull  +0.70 film"
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert explained.printed(FOUND) == plain
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    colored = explained.printed(FOUND)
    assert click.unstyle(colored) == f"a <good> film dull\n{plain}"
    assert colored.startswith("a \x1b[")
    monkeypatch.setenv("NO_COLOR", "1")
    assert explained.printed(FOUND) == plain
    assert explained.printed([("a", 0.0)]) == ""


def test_the_page_holds_the_words_as_text():
    page = explained.page("lstm & others", [("0.9 <x>", FOUND)])
    assert '<mark class="for-3" title="+2.000">&lt;good&gt;</mark>' in page
    assert '<mark class="against-2" title="-1.400">dull</mark>' in page
    assert "<h2>0.9 &lt;x&gt;</h2>" in page
    assert "lstm &amp; others" in page
    assert "http" not in page
    for number in (1, 2, 3):
        assert f".for-{number} {{" in page


@pytest.mark.parametrize("name", ["good film", "none/page.html"])
def test_a_file_that_cannot_be_a_page_is_one_line(name, tmp_path):
    with pytest.raises(UserError, match=r"--explain at the end"):
        explained.check_name(tmp_path / name)
