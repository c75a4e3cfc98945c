"""The cost of a rule is bounded, also on a text made to be expensive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import rules
from bot.model.feeds import Feed
from bot.model.rules import Example, Rule
from bot.rules import article_text, evaluate, expression
from bot.rules.compile import make_article
from bot.rules.errors import QueryError
from bot.text import tokens

PIECES = ["監", "視", "* ", " ", "監*", "視* ", "ab", "abc* "]


def nested(levels: int) -> str:
    query = "(aaa* OR bbb*)"
    for _ in range(levels):
        query = f"({query} NEAR/50 (aaa* OR bbb*))"
    return query


def rule(query: str, example: str) -> Rule:
    return Rule(name="Mine", notify=("desk",), query=query, must_match=(Example(title=example, body=""),))


def test_work_under_nested_nears_grows_with_their_number_and_not_by_its_powers() -> None:
    # Ten levels take 131,157 steps.
    for levels in (10, 20):
        rules.compile_rule(rule(nested(levels), "aaa bbb " * 500), steps=rules.Steps(levels * 20_000))


def test_an_example_that_takes_too_many_steps_is_a_problem_at_its_place() -> None:
    with pytest.raises(rules.RuleError) as refused:
        rules.compile_rule(rule(nested(20), "aaa bbb " * 500), steps=rules.Steps(10_000))
    (problem,) = refused.value.problems
    assert (problem.code, problem.place, problem.end) == ("too-many-steps", ("must_match", 0), 4_000)


def test_an_article_that_takes_too_many_steps_ends_the_evaluation() -> None:
    compiled = rules.compile_rule(rule("aaa NEAR bbb", "aaa bbb"))
    long = make_article(Example(title="", body="aaa bbb " * 5_000))
    with pytest.raises(rules.TooManySteps):
        rules.RuleSet([compiled], most_steps=1_000).match(long, Feed(url=""), now=long.first_seen)
    assert rules.RuleSet([compiled]).match(long, Feed(url=""), now=long.first_seen)


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5), st.text("監視督 ab", max_size=12))
def test_a_term_with_runs_ends_where_a_search_of_every_way_says(pieces: list[str], written: str) -> None:
    try:
        pattern = expression.read_pattern(tokens.normalise("".join(pieces).strip()), is_exact=False)
    except QueryError:
        return
    text = article_text.FieldText("title", written)
    starts = [
        first
        for first in range(len(text.raw))
        if text.fits(pattern.elements[0], first) and text.gaps[first].endswith(pattern.elements[0].gap)
    ]
    ends = [(first, _every_way(text, pattern, first)) for first in starts]
    expected = [(first, last) for first, last in ends if last is not None]
    expected = [place for place in expected if text.gaps[place[1] + 1].startswith(pattern.tail)]
    assert text.find(pattern) == expected


def _every_way(text: article_text.FieldText, pattern: expression.Pattern, first: int) -> int | None:
    ends = {first}
    for before, element in zip(pattern.elements, pattern.elements[1:], strict=False):
        if before.runs_on:
            for end in sorted(ends):
                while end + 1 < len(text.raw) and text.gaps[end + 1] == "" and tokens.is_unspaced(text.raw[end + 1]):
                    end += 1
                    ends.add(end)
        following = {end + 1 for end in ends if end + 1 < len(text.raw)}
        ends = {end for end in following if text.gaps[end] == element.gap and text.fits(element, end)}
    return min(ends, default=None)


def test_a_regular_expression_is_counted_before_it_runs_by_its_size_and_the_length_of_the_text() -> None:
    article = make_article(Example(title="", body="the quick brown fox " * 10_000))
    for query, steps in ((r"/(?i:[a-z\s]{1,190}[0-9])/", 382_000), ("/fox/", 2_000)):
        expected = rules.parse_query(query)
        with pytest.raises(rules.TooManySteps):
            evaluate.holds(expected, article_text.ArticleText(article, rules.Steps(steps - 2_000)))
        evaluate.holds(expected, article_text.ArticleText(article, rules.Steps(steps + 2_000)))
