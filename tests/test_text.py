import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from stages.preprocess import Rows
from unroll.preprocessing.vocabulary import PAD, START, UNKNOWN, Vocabulary, count_words, words


def vocabulary(max_length: int = 6, skip_top: int = 1) -> Vocabulary:
    return Vocabulary(("the", "film", "good", "don't"), skip_top, max_length)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A film.<br /><br />Good!", ["a", "film", "good"]),
        ("<i>Well-made</i>, isn't it?", ["well", "made", "isn't", "it"]),
        ("1 < 2 and I <3 it", ["1", "2", "and", "i", "3", "it"]),
        ("Café\x96déjà vu…“yes”", ["café", "déjà", "vu", "yes"]),
        (" \n\t", []),
    ],
)
def test_words_are_lower_case_without_markup_and_punctuation(text, expected):
    assert words(text) == expected


def test_the_word_of_rank_r_has_the_id_r_plus_3():
    # ranks: the 1, film 2, good 3, don't 4; the top one is left out
    assert vocabulary().encode("the film don't good") == [PAD, START, UNKNOWN, 5, 7, 6]


def test_longer_reviews_keep_their_end_and_the_start_token_falls_off():
    assert vocabulary(max_length=3).encode("film film good don't") == [5, 6, 7]
    assert vocabulary(max_length=3).encode("good don't film") == [6, 7, 5]
    assert vocabulary(max_length=3).encode("don't film") == [START, 7, 5]


@given(
    st.lists(
        st.sampled_from(
            [
                "film",
                "good",
                "don't",
                "the",
                "<br />",
                "<i",
                "a>b",
                "<",
                ">",
                "...",
                "é",
                "\n",
                "x" * 40,
            ]
        ),
        max_size=60,
    ).map(" ".join),
    st.integers(1, 8),
)
def test_reading_only_the_end_of_a_review_changes_nothing(text, length):
    ids = {"film": 5, "good": 6, "don't": 7}
    whole = [START, *(ids.get(word, UNKNOWN) for word in words(text))][-length:]
    assert vocabulary(length).encode(text) == [PAD] * (length - len(whole)) + whole


def test_an_empty_review_is_padding_and_the_start_token():
    assert vocabulary(max_length=3).encode("") == [PAD, PAD, START]


def test_decoding_gives_the_words_back_with_special_tokens_and_without_padding():
    row = vocabulary(max_length=9).encode("Good film: nonsense!")
    assert vocabulary(max_length=9).decode(row) == ["<START>", "good", "film", "<UNK>"]


def test_words_are_ranked_by_frequency_then_by_code_point():
    counts = count_words(["b a c", "c b", "c"])
    assert Vocabulary.fit(counts, size=4 + 2, skip_top=0, max_length=1).words == ("c", "b")
    assert Vocabulary.fit(counts, size=4 + 9, skip_top=0, max_length=1).words == ("c", "b", "a")


@pytest.mark.parametrize(("size", "dtype"), [(256, np.uint8), (257, np.uint16), (65537, np.uint32)])
def test_the_smallest_integer_type_is_chosen_that_holds_every_id(size, dtype):
    words = tuple(map(str, range(size - 4)))
    assert Vocabulary(words, 0, 1).dtype == dtype


def test_a_saved_vocabulary_encodes_the_same(folder):
    vocabulary().save(folder / "encoder.json")
    loaded = Vocabulary.load(folder / "encoder.json")
    assert loaded == vocabulary()
    assert loaded.encode("film good") == vocabulary().encode("film good")


@pytest.mark.parametrize("body", ["[]", "{}", '{"vocabulary": 3, "skip_top": 1, "length": 2}', "{"])
def test_a_file_that_is_no_vocabulary_is_refused_by_name(folder, body):
    (folder / "encoder.json").write_text(body)
    with pytest.raises(UserError, match=r"encoder\.json"):
        Vocabulary.load(folder / "encoder.json")


def test_texts_that_differ_are_no_copies_though_their_checksums_are_equal():
    rows = np.random.default_rng(0).integers(0, 9999, (200_000, 8), np.uint16)
    first: dict[int, int] = {}
    pairs = [(first.setdefault(zlib.crc32(row), i), i) for i, row in enumerate(rows)]
    alike = next(rows[[one, other]] for one, other in pairs if one != other)
    digested = Rows([np.concatenate([alike, alike])])
    list(digested)
    one, other, *copies = digested.digests()
    assert one != other
    assert copies == [one, other]
