"""The cost of a rule is bounded, also on a text made to be expensive."""

from __future__ import annotations

import pytest

from bot import rules
from bot.rules import article_text, evaluate
from tests.rules.making import FEED, NOW, article, rule


def nested(levels: int) -> str:
    query = "(aaa* OR bbb*)"
    for _ in range(levels):
        query = f"({query} NEAR/50 (aaa* OR bbb*))"
    return query


def test_work_under_nested_nears_grows_with_their_number_and_not_by_its_powers() -> None:
    # Ten levels take 131,157 steps.
    for levels in (10, 20):
        rules.compile_rule(
            rule(query=nested(levels), must_match=["aaa bbb " * 500]), steps=rules.Steps(levels * 20_000)
        )


def test_an_example_that_takes_too_many_steps_is_a_problem_at_its_place() -> None:
    with pytest.raises(rules.RuleError) as refused:
        rules.compile_rule(rule(query=nested(20), must_match=["aaa bbb " * 500]), steps=rules.Steps(10_000))
    (problem,) = refused.value.problems
    assert (problem.code, problem.place, problem.end) == ("too-many-steps", ("must_match", 0), 4_000)


def test_an_article_that_takes_too_many_steps_ends_the_evaluation() -> None:
    compiled = rules.compile_rule(rule(query="aaa NEAR bbb"))
    long = article("", "aaa bbb " * 5_000)
    with pytest.raises(rules.TooManySteps):
        rules.RuleSet([compiled], most_steps=1_000).match(long, FEED, now=NOW)
    assert rules.RuleSet([compiled]).match(long, FEED, now=NOW)


def test_a_regular_expression_is_counted_before_it_runs_by_its_size_and_the_length_of_the_text() -> None:
    fox = article("", "the quick brown fox " * 10_000)
    for query, steps in ((r"/(?i:[a-z\s]{1,190}[0-9])/", 382_000), ("/fox/", 2_000)):
        expected = rules.parse_query(query)
        with pytest.raises(rules.TooManySteps):
            evaluate.holds(expected, article_text.ArticleText(fox, rules.Steps(steps - 2_000)))
        evaluate.holds(expected, article_text.ArticleText(fox, rules.Steps(steps + 2_000)))
