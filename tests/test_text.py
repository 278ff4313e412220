import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from unroll.preprocessing.vocabulary import PAD, START, UNKNOWN, Encoder, count_words, words


def encoder(length: int = 6, skip_top: int = 1) -> Encoder:
    return Encoder(("the", "film", "good", "don't"), skip_top, length)


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
    assert encoder().encode("the film don't good") == [PAD, START, UNKNOWN, 5, 7, 6]


def test_longer_reviews_keep_their_end_and_the_start_sign_falls_off():
    assert encoder(length=3).encode("film film good don't") == [5, 6, 7]
    assert encoder(length=3).encode("good don't film") == [6, 7, 5]
    assert encoder(length=3).encode("don't film") == [START, 7, 5]


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
    assert encoder(length).encode(text) == [PAD] * (length - len(whole)) + whole


def test_an_empty_review_is_padding_and_the_start_sign():
    assert encoder(length=3).encode("") == [PAD, PAD, START]


def test_decoding_gives_the_words_back_with_signs_and_without_padding():
    row = encoder(length=9).encode("Good film: nonsense!")
    assert encoder(length=9).decode(row) == ["<START>", "good", "film", "<UNK>"]


def test_words_are_ranked_by_frequency_then_by_code_point():
    counts = count_words(["b a c", "c b", "c"])
    assert Encoder.fit(counts, size=4 + 2, skip_top=0, length=1).vocabulary == ("c", "b")
    assert Encoder.fit(counts, size=4 + 9, skip_top=0, length=1).vocabulary == ("c", "b", "a")


@pytest.mark.parametrize(("size", "dtype"), [(256, np.uint8), (257, np.uint16), (65537, np.uint32)])
def test_the_smallest_integer_type_is_chosen_that_holds_every_id(size, dtype):
    vocabulary = tuple(map(str, range(size - 4)))
    assert Encoder(vocabulary, 0, 1).dtype == dtype


def test_a_saved_encoder_encodes_the_same(folder):
    encoder().save(folder / "encoder.json")
    loaded = Encoder.load(folder / "encoder.json")
    assert loaded == encoder()
    assert loaded.encode("film good") == encoder().encode("film good")


@pytest.mark.parametrize("body", ["[]", "{}", '{"vocabulary": 3, "skip_top": 1, "length": 2}', "{"])
def test_a_file_that_is_no_encoder_is_refused_by_name(folder, body):
    (folder / "encoder.json").write_text(body)
    with pytest.raises(UserError, match=r"encoder\.json"):
        Encoder.load(folder / "encoder.json")
