"""A glance before a search evaluates an article: never wrong about what is near, right about most that is far."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from bot import rules
from bot.rules import evaluate, expression
from bot.rules.article_text import ArticleText
from bot.rules.search import find_glances
from tests.rules import making, strategies
from tests.rules.test_engine_equals_slow import EXAMPLES


def may_be_near(query: str, text: str) -> bool:
    [glance] = find_glances(rules.parse_query(query))
    return glance.may_be_near("", text)


#: Words that fold, possessives, marks, numbers and scripts that run without spaces, so that they meet in every way.
WORDS = [*strategies.SCRIPTS["Latin"][:16], "x's", "1.2.3", "(x)", "–", "a/b", "한국", "国", "ﬁve", "٥"]
TERMS = ["back", "BES", "back door", "5,000", "res*", "fin*", "{bes}", "résumé", "strasse", "x", "5", "PTA", "O'Brien"]


@st.composite
def cases(draw: st.DrawFn) -> tuple[expression.Near, str]:
    """A NEAR of two sides, and a text that has both with some words and marks between."""
    sides = [draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=2)) for _ in range(2)]
    parts = [tuple(rules.parse_term(term) for term in side) for side in sides]
    left, right = (part[0] if len(part) == 1 else expression.Any(part) for part in parts)
    pieces = st.sampled_from(WORDS) | st.sampled_from(TERMS) | st.sampled_from(strategies.SEPARATORS)
    text = draw(st.lists(pieces, max_size=12)) + sides[0] + draw(st.lists(pieces, max_size=14)) + sides[1]
    near = expression.Near(left, right, draw(st.integers(0, 4)), draw(st.booleans()))
    return near, draw(st.sampled_from([" ", "", "-"])).join(text)


@given(cases())
@settings(max_examples=3 * EXAMPLES, deadline=None)
def test_what_the_rules_find_near_each_other_passes(case: tuple[expression.Near, str]) -> None:
    near, text = case
    seen = find_glances(near)
    assume(seen)
    article = making.article(text=text)
    is_near = evaluate.holds(near, ArticleText(article))
    event("near" if is_near else "not near")
    assert not is_near or seen[0].may_be_near(article.title, article.text)


@pytest.mark.parametrize("query", ["order NEAR/2 keys", "(order OR demand) NEAR/2 key*", '"the order" NEAR/2f keys'])
def test_words_far_apart_or_missing_are_seen_at_a_glance(query: str) -> None:
    assert may_be_near(query, "The order for, he said, keys")
    assert not may_be_near(query, "The order of a very long text – and of a minister – for keys")
    assert not may_be_near(query, "The border of a very long, reordered text with keys")
    assert not may_be_near(query, "The order")


@pytest.mark.parametrize("query", ["a1", "закон NEAR b1", "b?t NEAR b1", "a1 NEAR (b1 NEAR c1)", "tag:a1 NEAR tag:b1"])
def test_what_a_glance_cannot_tell_is_left_to_the_rules(query: str) -> None:
    assert find_glances(rules.parse_query(query)) == ()


def test_every_near_that_must_hold_is_glanced_at() -> None:
    assert len(find_glances(rules.parse_query("(a1 NEAR b1) AND c1 AND (d1 NEAR e1)"))) == 2
    assert find_glances(rules.parse_query("(a1 NEAR b1) OR c1")) == ()
