# ruff: noqa: RUF001 (apostrophes and letters of other forms)
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unroll.preprocessing.words
from harness.core.errors import UserError
from unroll.core.tokens import PAD, START, UNKNOWN
from unroll.preprocessing.vocabulary import Vocabulary
from unroll.preprocessing.words import is_mark, tokens, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A film.<br /><br />Good!", ["a", "film", "good"]),
        ("<i>Well-made</i>, isn't it?", ["well", "made", "isn't", "it"]),
        ("1 < 2 and I <3 it", ["1", "2", "and", "i", "3", "it"]),
        ("Café\x96déjà vu…“yes”", ["café", "déjà", "vu", "yes"]),
        (" \n\t", []),
        ("caf&eacute; R&amp;B It&#39;s don&#146;t", ["café", "r", "b", "it's", "don't"]),
        ("don’t don‘t don´t donʼt don\x92t", ["don't"] * 5),
        ("co\u00adop\u200be\ufeffra&shy;te", ["cooperate"]),
        ("Ｆｕｌｌ－ｗｉｄｔｈ １２ don＇t ﬁlm x²", ["full", "width", "12", "don't", "film", "x2"]),
        ("cafe\u0301 ΟΔΟΣ, ½", ["café", "οδος", "1", "2"]),
        ("हिन्दी में।", ["हिन्दी", "में"]),
        ("我愛 Tokyo東京。かﾞﾋﾞﾙ", ["我", "愛", "tokyo", "東", "京", "が", "ビ", "ル"]),
        ("I ❤\ufe0f it ¨ok¨ 1\ufe0f\u20e3", ["i", "it", "ok", "1"]),
        # of Unicode 14, and of 15 and later, the second one with a letter as its plain form
        ("\u0870a", ["\u0870a"]),
        ("a\U0001e4d0b\U0001e030c", ["a", "b", "c"]),
        ("a\ud800b", ["a", "b"]),
    ],
)
def test_words_are_lower_case_without_markup_and_punctuation(text, expected):
    assert words(text) == expected


# Ignorable by Unicode's `DerivedCoreProperties.txt`, and no format characters.
IGNORABLE = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0} | {
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="made with Python 3.11")
def test_the_tables_are_those_of_unicode_14():
    def invisible(c: str) -> bool:
        return ord(c) in IGNORABLE or unicodedata.category(c) == "Cf"

    def letter(c: str) -> bool:
        return (c.isalnum() or unicodedata.category(c) in ("Mn", "Mc")) and not invisible(c)

    def symbol(c: str) -> bool:
        form = unicodedata.normalize("NFKC", c)
        plain = form[0] != " " and any(map(letter, form))
        return plain and not letter(c) and not invisible(c)

    characters = [chr(code) for code in range(0x110000)]
    tables = []
    for kind in (letter, symbol, invisible):
        flags = [False, *map(kind, characters), False]
        tables.append([i for i, (last, now) in enumerate(pairwise(flags)) if last != now])
    text = Path(unroll.preprocessing.words.__file__).with_name("letters.txt").read_text()
    assert tables == [[int(e, 16) for e in table.split()] for table in text.split("\n\n")[1:]]


@given(st.text())
def test_words_stay_the_same_when_they_are_split_again(text):
    found = words(text)
    assert words(" ".join(found)) == found


@given(st.text() | st.text("ab'7/!.?() <>&é、"))
def test_without_its_marks_a_text_has_the_same_words(text):
    found = tokens(text)
    assert [token for token in found if not is_mark(token)] == words(text)
    assert all(len(token) <= 2 for token in found if is_mark(token))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not bad!!!! 7/10.", ["not", "bad", "!!", "7", "/", "10", "."]),
        ("(it&#39;s)<br />No...?", ["(", "it's", ")", "no", ".."]),
    ],
)
def test_marks_are_tokens_of_one_or_two_characters(text, expected):
    assert tokens(text) == expected


# The words have the ids 4 to 7; the first one is left out.
@pytest.mark.parametrize(
    ("text", "length", "row"),
    [
        ("the film don't good", 6, [PAD, START, UNKNOWN, 5, 7, 6]),
        ("don't film", 3, [START, 7, 5]),
        ("film film good don't", 3, [5, 6, 7]),
        ("", 3, [PAD, PAD, START]),
    ],
)
def test_a_text_becomes_the_ids_of_its_last_words_with_start_and_padding_in_front(
    text, length, row
):
    assert Vocabulary(("the", "film", "good", "don't"), 1, length).encode(text) == row


@pytest.mark.parametrize(("size", "dtype"), [(256, np.uint8), (257, np.uint16), (65537, np.uint32)])
def test_the_smallest_integer_type_is_chosen_that_holds_every_id(size, dtype):
    assert Vocabulary(tuple(map(str, range(size - 4))), 0, 1).dtype == dtype


@pytest.mark.parametrize("body", ["[]", "{}", '{"vocabulary": 3, "skip_top": 1, "length": 2}', "{"])
def test_a_file_that_is_no_vocabulary_is_refused_by_name(folder, body):
    (folder / "vocabulary.json").write_text(body)
    with pytest.raises(UserError, match=r"vocabulary\.json"):
        Vocabulary.load(folder / "vocabulary.json")
