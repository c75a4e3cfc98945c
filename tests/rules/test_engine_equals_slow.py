"""The engine says what the slow, obvious evaluator says."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, event, given, settings

from bot import rules
from bot.model.rules import Rule
from bot.model.stories import Article
from tests.rules import making, slow

#: 500 in make test-long, 10,000 in make test-examples.
EXAMPLES = int(os.environ.get("WIREWATCH_EXAMPLES", "25"))
#: A number of examples in the environment makes them a part of the long suite.
pytestmark = [pytest.mark.long] if "WIREWATCH_EXAMPLES" in os.environ else []


@given(making.cases())
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
def test_engine_and_slow_evaluator_agree_in_eight_scripts(case: tuple[list[Rule], Article]) -> None:
    given_rules, article = case
    compiled = []
    for rule in given_rules:
        try:
            compiled.append(rules.compile_rule(rule))
        except rules.RuleError:
            event("refused")
    expected = tuple(item.rule.name for item in compiled if slow.matches(item, article))
    rule_set = rules.RuleSet(compiled)
    event("matched" if expected else "nothing matched")
    assert rule_set.matching(article, making.FEED, now=making.NOW) == expected
    result = rule_set.match(article, making.FEED, now=making.NOW)
    assert tuple(match.rule for match in result) == expected
    for match in result:
        for evidence in match.evidence:
            string = {"title": article.title, "body": article.text, "url": article.link}.get(evidence.field)
            if string is not None:
                assert string[evidence.start : evidence.end] == evidence.text
