"""One story in short: its headline, why it matched, and the headlines of all who carry it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import model
from bot.stories import summaries
from tests.stories.members import article, match, member, rule, story

TEXT = "BlackBerry will leave Pakistan after the PTA asked for a backdoor. The order covers 5,000 companies there."


def marked(sentence: model.Sentence) -> str:
    return "".join(f"*{span.text}*" if span.is_marked else span.text for span in sentence.spans)


def both() -> tuple[model.Member, model.Member]:
    """Two articles under one rule, of which the second matches more of it, and in its title."""
    first = article("Phone maker quits market", "BlackBerry will leave Pakistan, it said on Monday.", outlet="Echo")
    second = article("BlackBerry leaves Pakistan after PTA demand", TEXT, outlet="Post", minutes=5)
    return (
        member(first, match(first, "R", ("product", "body", "BlackBerry"))),
        member(
            second,
            match(second, "R", ("product", "title", "BlackBerry"), ("regulator", "title", "PTA")),
            match(second, "Law", ("regulator", "title", "PTA")),
        ),
    )


def test_the_headline_is_that_of_the_first_article_however_well_a_later_one_fits() -> None:
    told = summaries.make_brief(story(*both()), {"R": rule("R")})
    assert (told.title.text, told.title.outlet) == ("Phone maker quits market", "Echo")
    assert marked(told.summary[0]) == "*BlackBerry* will leave Pakistan, it said on Monday."


def test_a_channel_whose_rule_matches_a_later_article_only_has_that_ones_headline() -> None:
    told = summaries.make_brief(story(*both()), {"Law": rule("Law")})
    assert marked(told.title) == "BlackBerry leaves Pakistan after *PTA* demand"
    assert [line.title for line in told.coverage] == ["Phone maker quits market"]


def test_a_message_keeps_the_headline_that_it_was_posted_with() -> None:
    first, second = both()
    told = summaries.make_brief(story(first, second), {"R": rule("R")}, headline=second.article.id)
    assert told.title.outlet == "Post"
    corrected = replace(second, article=replace(second.article, title="BlackBerry delays exit"))
    told = summaries.make_brief(story(first, corrected), {"R": rule("R")}, headline=second.article.id)
    assert told.title.text == "BlackBerry delays exit", "its own outlet corrected it"


def test_a_story_keeps_its_headline_where_another_article_comes_to_be_its_first() -> None:
    first, second = both()
    turned = replace(story(second, first), headline=first.article.id)
    assert summaries.story_headline(turned) == "Phone maker quits market"
    assert summaries.make_brief(turned, {"R": rule("R")}).title.text == "Phone maker quits market"


def test_a_cut_headline_gives_way_to_a_whole_one() -> None:
    first = article("BlackBerry leaves Pakistan after the regulator…", TEXT, outlet="Echo")
    second = article("BlackBerry leaves Pakistan", TEXT, outlet="Post", minutes=5)
    found = [member(each, match(each, "R", ("product", "title", "BlackBerry"))) for each in (first, second)]
    assert summaries.message_headline(story(*found), {"R": rule("R")}).text == "BlackBerry leaves Pakistan"


def test_a_teaser_that_is_cut_leaves_the_headline_alone() -> None:
    only = article("BlackBerry leaves Pakistan", "BlackBerry will leave Pakistan after the regulator asked for […]")
    told = summaries.make_brief(story(member(only)), {})
    assert told.summary == ()
    assert told.title.text == "BlackBerry leaves Pakistan"


def test_why_has_one_entry_a_rule_with_its_severity_and_each_evidence_once() -> None:
    first = article("BlackBerry leaves", TEXT, outlet="Echo")
    second = article("BlackBerry leaves", TEXT, outlet="Post", minutes=5)
    both = [
        member(
            each,
            match(each, "High", ("product", "body", "BlackBerry"), ("regulator", "body", "PTA")),
            match(each, "Low", ("place", "body", "Pakistan")),
        )
        for each in (first, second)
    ]
    told = summaries.make_brief(story(*both), {"High": rule("High", model.Severity.HIGH), "Low": rule("Low")})
    assert [(why.rule, why.severity, [each.text for each in why.evidence]) for why in told.why] == [
        ("High", model.Severity.HIGH, ["BlackBerry", "PTA"]),
        ("Low", model.Severity.NORMAL, ["Pakistan"]),
    ]


def test_a_rule_that_does_not_speak_here_is_neither_named_nor_marked() -> None:
    only = article("BlackBerry leaves Pakistan", TEXT)
    told = summaries.make_brief(
        story(
            member(
                only,
                match(only, "Ours", ("product", "title", "BlackBerry")),
                match(only, "Other channel", ("place", "title", "Pakistan")),
            )
        ),
        {"Ours": rule("Ours")},
    )
    assert [why.rule for why in told.why] == ["Ours"]
    assert marked(told.title) == "*BlackBerry* leaves Pakistan"


def listed(*members: model.Member) -> list[tuple[str, str, int]]:
    told = summaries.make_brief(story(*members), {})
    return [(line.title, line.outlet, line.more) for line in told.coverage]


def test_each_headline_is_listed_with_its_outlet_the_newest_first() -> None:
    first = article("BlackBerry leaves Pakistan", TEXT, outlet="Echo")
    other = article("Regulator defends order", TEXT, outlet="Post", minutes=5)
    again = article("BlackBerry shares fall", TEXT, outlet="Echo", minutes=9)
    told = summaries.make_brief(story(member(first), member(other), member(again)), {})
    assert told.byline is not None
    assert (told.byline.outlet, told.byline.link, told.byline.more) == ("Echo", first.link, 0)
    assert [(line.title, line.outlet, line.link) for line in told.coverage] == [
        ("BlackBerry shares fall", "Echo", again.link),
        ("Regulator defends order", "Post", other.link),
    ]
    assert (told.owner_count, told.coverage_count) == (2, 2)


@pytest.mark.parametrize(
    "title",
    [
        "BLACKBERRY leaves Pakistan over PTA’s order",
        "UPDATE 2: BlackBerry leaves Pakistan over PTA's order",
        "BlackBerry leaves Pakistan over PTA's order - Post",
        "BlackBerry leaves Pakistan over the PTA's order",
        "BlackBerry leaves Pakistan over PTA's…",
        "BlackBerry leaves Pakistan over PT…",
    ],
)
def test_nearly_equal_headlines_are_one_line_that_counts_them(title: str) -> None:
    opener = member(article("Phone maker quits", TEXT, outlet="Wire"))
    first = member(article("BlackBerry leaves Pakistan over PTA's order", TEXT, outlet="Echo", minutes=1))
    second = member(article(title, TEXT, outlet="Post", minutes=2))
    assert listed(opener, first, second) == [("BlackBerry leaves Pakistan over PTA's order", "Echo", 1)]


@pytest.mark.parametrize(
    "title",
    [
        "31 dead in Multan fire",
        "12 not dead in Multan fire",
        "12 dead in Lahore fire",
        "12 dead in Multan fire, police deny",
        "Multan fire: 12 dead",
    ],
)
def test_a_headline_that_says_something_else_has_its_own_line(title: str) -> None:
    opener = member(article("Fire in Multan", TEXT, outlet="Wire"))
    first = member(article("12 dead in Multan fire", TEXT, outlet="Echo", minutes=1))
    assert len(listed(opener, first, member(article(title, TEXT, outlet="Post", minutes=2)))) == 2


def test_outlets_with_the_storys_own_headline_are_counted_beside_the_first() -> None:
    one, two, three = (
        member(article("BlackBerry leaves", TEXT, outlet=name, minutes=at)) for at, name in enumerate("ABC")
    )
    told = summaries.make_brief(story(one, two, three), {})
    assert told.byline is not None
    assert (told.byline.outlet, told.byline.more, told.coverage) == ("A", 2, ())


def test_copies_are_counted_and_have_no_line() -> None:
    first = article("One", TEXT, outlet="Echo")
    copy = article("Another headline", TEXT, outlet="Post", minutes=5)
    told = summaries.make_brief(story(member(first), member(copy, copy_of=first.id)), {})
    assert (told.coverage, told.copy_count, told.owner_count) == ((), 1, 1)


def test_what_joined_with_less_than_full_certainty_is_marked() -> None:
    first, likely, sure = (article(f"Headline {at}", TEXT, outlet=f"Outlet {at}", minutes=at) for at in range(3))
    doubtful = member(likely)
    doubtful = replace(doubtful, join=replace(doubtful.join, confidence=model.SURE_FROM - 0.01))
    known = member(sure)
    known = replace(known, join=replace(known.join, confidence=model.SURE_FROM))
    told = summaries.make_brief(story(member(first), doubtful, known), {})
    assert [(line.title, line.is_probable) for line in told.coverage] == [("Headline 2", False), ("Headline 1", True)]


def test_a_story_of_thousands_lists_its_newest_headlines_and_counts_all() -> None:
    many = [member(article(f"BlackBerry leaves {n}", TEXT, outlet=f"Outlet {n}", minutes=n)) for n in range(2_000)]
    told = summaries.make_brief(story(*many), {"R": rule("R")})
    assert [line.outlet for line in told.coverage] == [f"Outlet {n}" for n in range(1_999, 1_979, -1)]
    assert (told.coverage_count, told.owner_count) == (1_999, 2_000)
