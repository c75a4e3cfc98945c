"""``stem: true``: the other English forms of a term's last word, and the truth of what is then explained."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import model, rules
from bot.rules import english
from tests.rules import making, slow
from tests.rules.making import article, rule


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("fine", ("fined", "fines")),
        ("fines", ("fine", "fined")),
        ("breach", ("breached", "breaches", "breaching")),
        ("ban", ("bans", "banned", "banning")),
        ("banned", ("ban", "bans", "banning")),
        ("policy", ("policies",)),
        ("law", ("laws",)),
        ("universities", ("university",)),
        ("bus", ("buses",)),
    ],
)
def test_the_forms_of_a_word_are_those_that_the_news_uses(word: str, forms: tuple[str, ...]) -> None:
    assert english.find_word_forms(word) == forms


@pytest.mark.parametrize("term", ["PTA", "{fine}", "regulat*", "wom?n", "Erdoğan", "eu", "5G"])
def test_a_term_that_says_its_own_forms_stays_as_it_is(term: str) -> None:
    tree = rules.parse_term(term)
    assert english.add_word_forms(tree) == tree


@pytest.mark.parametrize(
    ("given_rule", "text", "found"),
    [
        (rule(any={"x": ["data breach"]}, stem=True), "Two data breaches in a week", "data breaches"),
        (rule(any={"x": ["Court ruling"]}, stem=True), "COURT RULINGS ARE DUE", "COURT RULINGS"),
        (rule(query="fine NEAR/3 regulator", stem=True), "Regulators have fined it", "fined"),
        (rule(query="title:strike", stem=True), "Miners strike, striking teachers", "strike"),
    ],
)
def test_a_match_names_the_form_that_was_found(given_rule: model.Rule, text: str, found: str) -> None:
    (match,) = making.matched(given_rule, article(text))
    assert found in [evidence.text for evidence in match.evidence]
    for evidence in match.evidence:
        assert evidence.text.casefold() in evidence.term.casefold()


def test_without_it_nothing_else_is_found() -> None:
    assert not making.matched(rule(any={"x": ["data breach"]}), article("Two data breaches in a week"))


def test_an_exclusion_has_its_forms_too() -> None:
    excluding = rule(any={"x": ["Ofcom"]}, none=["parking fine"], stem=True)
    assert making.matched(excluding, article("Ofcom and parking"))
    assert not making.matched(excluding, article("Ofcom and parking fines"))


def test_the_rule_is_read_back_with_every_form_and_as_a_query_that_means_the_same() -> None:
    said = rules.describe_rule(rule(all={"x": ["fine"], "y": ["Ofcom"]}, stem=True))
    assert '"fine", "fined" or "fines"' in said
    assert "(fine OR fined OR fines) AND" in said


WORDS = st.sampled_from("fine fines fined law breach breaches ban banned policy policies striking the in of".split())


@given(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, max_size=12))
@settings(max_examples=200, deadline=None)
def test_engine_and_slow_evaluator_agree_on_widened_terms(term: list[str], text: list[str]) -> None:
    compiled = rules.compile_rule(rule(any={"x": [" ".join(term)]}, stem=True))
    found = article(" ".join(text) or "nothing")
    matched = rules.RuleSet([compiled]).matching(found, making.FEED, now=making.NOW)
    assert bool(matched) is slow.matches(compiled, found)
