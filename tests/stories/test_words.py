"""Words and names as grouping sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.stories import profile
from bot.text import words
from tests.stories.examples import arrival, article


@pytest.mark.parametrize(
    ("one", "other"),
    [("Orders", "order"), ("company’s", "company"), ("companies", "company"), ("5,000", "5000"), ("U.S.", "us")],
)
def test_forms_of_one_word_meet(one: str, other: str) -> None:
    assert words.stem(one) == words.stem(other)


def test_words_of_scripts_without_spaces_are_pairs() -> None:
    assert [token.stem for token in words.words_of("退出巴基")] == ["退出", "出巴", "巴基"]


@given(st.text())
def test_no_word_is_empty(text: str) -> None:
    assert all(token.stem for token in words.words_of(text))


def test_names_are_told_by_capitals_inside_sentences() -> None:
    read = profile.profile_of(
        arrival(article("Regulator moves deadline", "Today the regulator met BlackBerry in Karachi. It was short."))
    )

    assert {"blackberry", "karachi"} <= read.names.keys()
    assert not {"regulator", "today", "deadline"} & read.names.keys()


def test_a_headline_in_capitals_is_read_by_the_habit_of_the_news() -> None:
    read = profile.profile_of(arrival(article("Police Say Deadline For Pakistan Was Moved")))

    assert "pakistan" in read.names
    assert not {"police", "deadline", "moved"} & read.names.keys()
