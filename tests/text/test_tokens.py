"""Words, offsets and folding."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.text import tokens

ALPHABET = st.text(
    st.sampled_from("aBéßİŉs'’.,-5 0\u00ad\u200b\u200d\u0301\u3099\uff9eかﾊ中กุ한\u1112\u1161\u11ab½…ﬁ\u0645\ufe0f\n"),
    max_size=20,
) | st.text(max_size=20)


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        ("snake_case #tag @name a/b", ["snake", "case", "tag", "name", "a", "b"]),
        ("5,000 of 5,000,000; 3.5.", ["5,000", "of", "5,000,000", "3.5"]),
        ("the U.S.’s AT&T", ["the", "U", "S", "AT", "T"]),
        ("companies' servers, boss's car", ["companies", "servers", "boss", "car"]),
        ("rock 'n' roll", ["rock", "n", "roll"]),
        ("back\u00addoor Pak\u200distan", ["backdoor", "Pakistan"]),
        ("用BES服务", ["用", "BES", "服", "务"]),
        ("ﾊﾞﾂｸ", ["バ", "ツ", "ク"]),
        ("หลังบ้าน", ["ห", "ลั", "ง", "บ้", "า", "น"]),
        ("हिन्दी", ["हिन्दी"]),
        ("한국어", ["한국어"]),
        ("ไ\u200bทย a\u200bb", ["ไ", "ท", "ย", "a", "b"]),
        ("\u0301 alone", ["alone"]),
        ("", []),
    ],
)
def test_a_word_is_a_maximal_run_of_letters_digits_and_marks(string: str, expected: list[str]) -> None:
    assert [word.text for word in tokens.words(string)] == expected


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        ("Straße", "strasse"),
        ("ΝΈΟΣ", "νεοσ"),
        ("İstanbul", "istanbul"),
        ("Łódź", "łodz"),
        ("Й", "й"),
        ("ﬁne", "fine"),
        ("“curly”", '"curly"'),
    ],
)
def test_folding_makes_one_of_strings_that_read_alike(string: str, expected: str) -> None:
    assert tokens.fold(string) == expected


@given(ALPHABET)
def test_normalising_with_offsets_gives_the_same_text_and_offsets_into_the_original(string: str) -> None:
    normal = tokens.normalise_with_offsets(string)
    assert normal.text == tokens.normalise(string)
    for index in range(len(normal.text)):
        start, end = normal.place(index, index + 1)
        assert 0 <= start < end <= len(string)


@given(ALPHABET)
def test_the_words_of_a_string_stand_in_order_and_read_as_their_place_does(string: str) -> None:
    before = 0
    for word in tokens.words(string):
        assert before <= word.end <= len(string)
        assert word.start < word.end
        # Han letters that this Python does not know yet count too.
        assert any(letter.isalnum() or unicodedata.category(letter) == "Cn" for letter in word.text)
        source = tokens.normalise(string[word.start : word.end])
        assert word.text in source
        before = word.start


@given(ALPHABET)
@settings(max_examples=50)
def test_folding_twice_is_folding_once(string: str) -> None:
    once = tokens.fold(string)
    assert unicodedata.is_normalized("NFC", once) or not once.isascii()
    assert tokens.fold(once) == once


def test_every_combining_mark_of_the_first_two_planes_is_part_of_its_word() -> None:
    marks = [chr(code) for code in range(0x300, 0x20000) if unicodedata.category(chr(code))[0] == "M"]
    # Variation selectors and other invisible ones are dropped before.
    visible = [mark for mark in marks if tokens.normalise(f"a{mark}") != "a"]
    assert [mark for mark in visible if len(list(tokens.tokens(tokens.normalise(f"ab{mark}cd")))) != 1] == []
