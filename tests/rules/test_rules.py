"""Whole rules: what is refused, warned of, explained, and when they apply."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import rules
from bot.model.rules import ArticleForm, Group, Rule, Where
from tests.rules.making import FEED, NOW, article, matched, rule, rule_set

BLACKBERRY = rule(
    name="BlackBerry backdoor demand in Pakistan",
    sets={"blackberry_server": ["BES", "BlackBerry Enterprise Serv*"]},
    all={
        "product": ["$blackberry_server", "BlackBerry"],
        "regulator": ["PTA", "Pakistan Telecommunication Authority"],
        "demand": ["backdoor*", "back door*", "lawful access", "unfettered access"],
    },
    none=["parent teacher association"],
    must_match=["BlackBerry quits Pakistan after PTA sought backdoor into BES"],
    must_not_match=["School PTA meeting: enter by the back door"],
)


LEAD = "The house passed a law today. The vote was close all night."


def problems(given: Rule) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(rules.RuleError) as raised:
        rules.compile_rule(given)
    return [(problem.place, problem.code) for problem in raised.value.problems]


def codes(given: Rule) -> list[tuple[tuple[str | int, ...], str]]:
    warnings = rules.find_warnings(rules.compile_rule(given))
    return [(problem.place, problem.code) for problem in warnings if problem.code != "no-examples"]


def test_all_problems_of_a_rule_come_at_once_each_with_its_place() -> None:
    wrong = rule(all={"x": ["ok", "ba*"], "y": ["$none"]}, none=["*x"])
    assert problems(wrong) == [
        (("all", "x", 1), "short-prefix"),
        (("all", "y", 0), "unknown-set"),
        (("none", "*x", 0), "leading-wildcard"),
    ]


def test_a_query_that_needs_no_word_is_refused() -> None:
    assert problems(rule(query="x OR (NOT y)")) == [(("query",), "only-negatives")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule(all={"x": ["the"], "y": ["law"]}), [(("all", "x", 0), "common-word"), (("all", "y", 0), "no-plural")]),
        (rule(all={"x": ["fine"], "y": ["law", "laws"]}), [(("all", "x", 0), "no-plural")]),
        (rule(all={"x": ["fine"], "y": ["law"]}, stem=True), []),
        (rule(any={"x": ["Acme", "Inc."]}), [(("any", "x", 1), "split-by-comma")]),
        (rule(query="PTA OR telecom"), [(("query",), "ambiguous-acronym")]),
        (rule(any={"x": ["eu", "Brussels"]}), [(("any", "x", 0), "short-word")]),
        (rule(query="PTA AND telecom"), []),
        (rule(any={"x": ["PTA"]}, none=["school"]), []),
        (BLACKBERRY, []),
    ],
)
def test_what_is_rarely_meant_is_warned_of(given: Rule, expected: list[tuple[tuple[str | int, ...], str]]) -> None:
    assert codes(given) == expected


def test_a_warning_about_a_term_of_a_set_points_at_the_set_in_the_query() -> None:
    values = rule(query="merger AND $fruit", sets={"fruit": ["Apple", "durian juice"]})
    warnings = {problem.code: problem for problem in rules.find_warnings(rules.compile_rule(values))}
    assert (warnings["word-and-name"].start, warnings["word-and-name"].end) == (11, 17)


def test_explain_says_what_was_found_what_is_missing_and_what_came_near() -> None:
    explained = rules.explain_rule(BLACKBERRY, article("pta wants backdoor into BES12", "BlackBerry"), FEED)
    assert not explained.matched
    assert explained.text() == (
        '  + product: "BlackBerry" in body (BlackBerry)\n'
        "  - regulator: not found\n"
        '      PTA found as "pta" in title\n'
        '  + demand: "backdoor" in title (backdoor*)\n'
        "  + excludes: parent teacher association: not found\n"
        "  = 2 of 3: no regulator"
    )


@pytest.mark.parametrize(
    ("query", "text", "note"),
    [
        ("a1 NEAR/10 b1", "a1" + " x" * 14 + " b1", 'NEAR/10, found at 14: "a1" and "b1" in body'),
        ("a1 NEAR/3f b1", "b1 a1", 'NEAR/3f, found at 0 in the other order: "a1" and "b1" in body'),
        ('"back door"', "backdoor", 'back door found as "backdoor" in body'),
        ("BES", "BES12", 'BES found inside "BES12" in body'),
        ("résumé", "resume", 'résumé found as "resume" in body'),
        ("title:x1", "x1", "title:x1 found in body only"),
        ("lead:x1", f"{LEAD} And x1 too.", "lead:x1 found after the lead only"),
        ("lead:(a1 NEAR/2 b1)", "a1 x x x b1", 'NEAR/2, found at 3: "a1" and "b1" in body'),
        ('"a1 b1"~0', "a1 x b1", '"a1 b1"~0: all words found, not within 0 other words'),
    ],
)
def test_a_near_miss_is_named(query: str, text: str, note: str) -> None:
    explained = rules.explain_rule(rule(query=query), article("", text), FEED)
    assert note in explained.text()


def test_explain_tells_weakness_pause_and_other_feeds() -> None:
    shouting = article("PTA MEETING AT SCHOOL TONIGHT")
    weak = rules.explain_rule(rule(any=["PTA"]), shouting, FEED)
    assert not weak.matched
    assert "only PTA was found" in weak.text()
    assert "paused" in rules.explain_rule(rule(any=["x"], paused=True), article("x"), FEED).text()
    for feed, note in ((FEED, "not for this feed: only for Dawn"), (None, "only for articles of Dawn")):
        other = rules.explain_rule(rule(any=["x"], feeds=("Dawn",)), article("x"), feed)
        assert not feed or not other.matched
        assert note in other.notes


def test_a_rule_on_the_lead_matches_the_headline_or_the_first_two_sentences() -> None:
    on_lead = rule(any=["house", "law"], where=Where.LEAD)
    (match,) = matched(on_lead, article("A house is sold", LEAD))
    assert [(item.field, item.text, item.start) for item in match.evidence] == [
        ("title", "house", 2),
        ("body", "house", 4),
        ("body", "law", 19),
    ]


def test_a_rule_leaves_out_the_forms_that_it_skips_and_explain_names_the_mark() -> None:
    skipping = rule(any=["law"], skip=(ArticleForm.OPINION, ArticleForm.LIVE))
    opinion = article("The law is wrong", link="https://news.example/opinion/law")
    video = article("Watch: The law is read")
    assert not matched(skipping, opinion)
    assert matched(skipping, video)
    assert matched(rule(any=["law"]), opinion)
    explained = rules.explain_rule(skipping, opinion)
    assert not explained.matched
    assert explained.notes == ('the rule skips the form opinion, which "/opinion/" shows',)
    assert "unless it is marked as opinion or live" in rules.describe_rule(skipping)
    (looser,) = [version for version in rules.loosen_rule(rules.compile_rule(skipping)) if "form" in version.what]
    assert rules.RuleSet([looser.compiled]).matching(opinion, FEED, now=NOW) == ("a rule",)


def test_explain_counts_the_required_lines_only_of_a_rule_that_has_several() -> None:
    story = article("The law is read")
    either = rule(any={"vessel": ["ferry"], "company": ["Northlink"]})
    both = rule(all={"subject": ["law"], "vessel": ["ferry"]})
    assert rules.explain_rule(either, story).notes == ("none of vessel, company",)
    assert rules.explain_rule(both, story).notes == ("1 of 2: no vessel",)


def test_a_rule_is_read_back_in_english() -> None:
    description = rules.describe_rule(BLACKBERRY)
    assert 'product: "BES" in capitals' in description
    assert 'unless it mentions "parent teacher association"' in description
    endings = rules.describe_rule(rule(any=["backdoor*", "back door*", "lawful access"]))
    assert '"backdoor" with any ending; or "back door" with any ending; or "lawful access"' in endings
    forms = rules.describe_rule(rule(all={"x": ["fine"], "y": ["Ofcom"]}, stem=True))
    assert '"fine", "fined" or "fines"' in forms
    for keys, pause in (({"quiet": timedelta(days=3)}, "3 days"), ({}, "the window of stories")):
        thread = rules.describe_rule(rule(any=["law"], group=Group.RULE, **keys))
        assert f"as one thread, until nothing has matched for {pause}" in thread


def test_paused_past_and_foreign_rules_do_not_match() -> None:
    plain = rule(any=["x1"])
    source = article("x1")
    assert matched(plain, source)
    assert not matched(replace(plain, paused=True), source)
    assert not matched(replace(plain, until=NOW), source)
    assert matched(replace(plain, until=NOW + timedelta(seconds=1)), source)
    assert not matched(replace(plain, feeds=("Dawn",)), source)
    for feeds in ((FEED.url,), ("example news",), ("pakistan",), ("Dawn", "Pakistan")):
        assert matched(replace(plain, feeds=feeds), source)


def test_full_text_is_wanted_where_part_of_a_rule_is_in_the_teaser() -> None:
    several = rule_set(BLACKBERRY, rule(name="one line", any=["telecom"]))

    def wants(title: str, *, is_full_text: bool = False) -> bool:
        return several.wants_full_text(article(title, is_full_text=is_full_text), FEED, now=NOW)

    assert wants("BlackBerry leaves")
    assert not wants("Weather")
    assert not wants("telecom")
    assert not wants("BlackBerry leaves", is_full_text=True)
    assert not wants("BlackBerry at the parent teacher association")
    assert not wants("BlackBerry quits Pakistan after PTA sought backdoor into BES")


def test_matches_come_in_the_order_of_the_rules() -> None:
    several = rule_set(rule(name="z", any=["x1"]), rule(name="a", any=["x1"]))
    assert [match.rule for match in several.match(article("x1"), FEED, now=NOW)] == ["z", "a"]
    assert list(several.rules) == ["z", "a"]


def test_an_example_that_the_rule_skips_or_that_is_beyond_its_lead_counts_as_not_matching() -> None:
    opinion = "Opinion: What bird flu teaches us about Novo Nordisk"
    rules.compile_rule(rule(any=["lead:Novo Nordisk"], skip=["opinion"], must_not_match=[opinion]))
    body = "It was a quiet day in the city. Nobody expected any news at all. Shares of Nordisk fell by a tenth."
    for term, where in (("lead:Nordisk", Where.ANYWHERE), ("Nordisk", Where.LEAD)):
        rules.compile_rule(rule(any=[term], where=where, must_not_match=[{"title": "Markets", "body": body}]))
