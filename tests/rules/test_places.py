"""NEAR is decided on numbers and their places: the same words, counted alike, as a look at the whole text finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.rules.article_text import FieldText
from bot.rules.vocabulary import PHRASE_BREAK, Vocabulary
from tests.rules import making, strategies
from tests.rules.test_engine_equals_slow import EXAMPLES

PIECES = [word for words in strategies.SCRIPTS.values() for word in words] + list(strategies.SEPARATORS)
TEXTS = st.text() | st.lists(st.sampled_from(PIECES) | st.characters(), max_size=20).map("".join)


@given(TEXTS, TEXTS)
@settings(max_examples=3 * EXAMPLES, deadline=None)
def test_a_text_has_as_many_words_in_chunks_as_read_whole(title: str, text: str) -> None:
    words = [word for word in Vocabulary().find(title, text).words if word is not PHRASE_BREAK]
    assert len(words) == len(FieldText("title", title).tokens) + len(FieldText("body", text).tokens)


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("door NEAR/3 order", True),
        ("door NEAR/2 order", False),
        ("order NEAR/3f door", False),
        ('"back door" NEAR/2f "an order"', True),
        ('"back door" NEAR/0 telecom', True),
        ('"back door" NEAR/0f telecom', False),
        ('("back door" OR minister) NEAR/2 (court OR talks)', True),
        ("telecom NEAR/1000 talks", False),
        ("title:door NEAR/3 order", True),
        ("body:door NEAR/3 order", False),
        ("talks NOT (minister NEAR/2 talks)", False),
        ("talks NOT (minister NEAR/1 talks)", True),
        ("1.5 NEAR/0f door", False),
        ("U.S.'s NEAR/6f order", True),
        ("res* NEAR/5 {BES}", True),
        ("door NEAR/9 door", False),
    ],
)
def test_near_counts_words_within_one_field(query: str, is_found: bool) -> None:
    title = "U.S.'s telecom back door: 1.5 years, an order"
    assert making.has(query, title, "The minister, he said, talks. BES-10 is (re-)sold, or resold") is is_found


def test_what_shows_nothing_separates_no_words_of_a_phrase() -> None:
    assert making.has('"back door"', "A back \u00ad door")
    assert making.has('"back door" NEAR/0 order', "A back \u00ad door order")
