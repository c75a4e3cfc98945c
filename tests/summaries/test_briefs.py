"""One story in short: its best headline, why it matched, who carries it."""

from __future__ import annotations

from dataclasses import replace

from bot import model, summaries
from tests.summaries.stories import article, match, member, rule, story

TEXT = "BlackBerry will leave Pakistan after the PTA asked for a backdoor. The order covers 5,000 companies there."


def marked(sentence: model.Sentence) -> str:
    return "".join(f"*{span.text}*" if span.is_marked else span.text for span in sentence.spans)


def test_the_headline_is_of_the_article_that_matches_most_of_the_rule() -> None:
    first = article("Phone maker quits market", "BlackBerry will leave Pakistan, it said on Monday.", outlet="Echo")
    second = article("BlackBerry leaves Pakistan after PTA demand", TEXT, outlet="Post", minutes=5)
    told = summaries.brief(
        story(
            member(first, match(first, "R", ("product", "body", "BlackBerry"))),
            member(
                second,
                match(
                    second,
                    "R",
                    ("product", "title", "BlackBerry"),
                    ("regulator", "title", "PTA"),
                    ("demand", "body", "backdoor"),
                ),
            ),
        ),
        {"R": rule("R")},
    )
    assert marked(told.title) == "*BlackBerry* leaves Pakistan after *PTA* demand"
    assert told.title.outlet == "Post"
    assert marked(told.summary[0]) == "*BlackBerry* will leave Pakistan after the *PTA* asked for a *backdoor*."


def test_of_equal_articles_the_earliest_tells_so_that_a_message_keeps_its_headline() -> None:
    first = article("BlackBerry leaves Pakistan", TEXT, outlet="Echo")
    second = article("BlackBerry to quit Pakistan", TEXT, outlet="Post", minutes=5)
    found = [member(each, match(each, "R", ("product", "title", "BlackBerry"))) for each in (first, second)]
    assert summaries.headline(story(*found), {"R": rule("R")}).text == "BlackBerry leaves Pakistan"


def test_a_cut_headline_gives_way_to_a_whole_one() -> None:
    first = article("BlackBerry leaves Pakistan after the regulator…", TEXT, outlet="Echo")
    second = article("BlackBerry leaves Pakistan", TEXT, outlet="Post", minutes=5)
    found = [member(each, match(each, "R", ("product", "title", "BlackBerry"))) for each in (first, second)]
    assert summaries.headline(story(*found), {"R": rule("R")}).text == "BlackBerry leaves Pakistan"


def test_the_outlets_name_behind_a_headline_is_left_out() -> None:
    only = article("BlackBerry leaves Pakistan | Gazette", TEXT)
    assert summaries.headline(story(member(only)), {}).text == "BlackBerry leaves Pakistan"


def test_a_story_without_any_headline_still_has_a_title() -> None:
    only = article("", TEXT)
    assert summaries.headline(story(member(only)), {}).text


def test_a_teaser_that_is_cut_leaves_the_headline_alone() -> None:
    only = article("BlackBerry leaves Pakistan", "BlackBerry will leave Pakistan after the regulator asked for […]")
    told = summaries.brief(story(member(only)), {})
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
    told = summaries.brief(story(*both), {"High": rule("High", model.Severity.HIGH), "Low": rule("Low")})
    assert [(why.rule, why.severity, [each.text for each in why.evidence]) for why in told.why] == [
        ("High", model.Severity.HIGH, ["BlackBerry", "PTA"]),
        ("Low", model.Severity.NORMAL, ["Pakistan"]),
    ]


def test_a_rule_that_does_not_speak_here_is_neither_named_nor_marked() -> None:
    only = article("BlackBerry leaves Pakistan", TEXT)
    told = summaries.brief(
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


def test_outlets_stand_in_order_of_arrival_once_each_and_copies_are_flagged() -> None:
    first = article("One", TEXT, outlet="Echo")
    copy = article("One", TEXT, outlet="Post", minutes=5)
    again = article("One, updated", TEXT + " More.", outlet="Echo", minutes=9)
    sister = article("Two", TEXT, outlet="Echo on Sunday", owner="Echo", minutes=12)
    told = summaries.brief(story(member(first), member(copy, copy_of=first.id), member(again), member(sister)), {})
    assert [(line.outlet, line.link, line.is_copy) for line in told.outlets] == [
        ("Echo", first.link, False),
        ("Post", copy.link, True),
        ("Echo on Sunday", sister.link, False),
    ]
    assert told.owner_count == 1


def test_evidence_with_offsets_beyond_the_text_marks_nothing_and_breaks_nothing() -> None:
    only = article("BlackBerry leaves Pakistan", TEXT)
    good = match(only, "R", ("product", "title", "BlackBerry"))
    wild = replace(good, evidence=(replace(good.evidence[0], text="zebra", start=900, end=950),))
    told = summaries.brief(story(member(only, wild)), {"R": rule("R")})
    assert marked(told.title) == "BlackBerry leaves Pakistan"


def test_a_story_that_is_told_twice_reads_the_same() -> None:
    only = article("BlackBerry leaves Pakistan", TEXT)
    one = story(member(only, match(only, "R", ("product", "title", "BlackBerry"))))
    assert summaries.brief(one, {"R": rule("R")}) == summaries.brief(one, {"R": rule("R")})


def test_a_story_of_thousands_names_its_first_outlets_and_the_newest_and_counts_all() -> None:
    many = [member(article(f"BlackBerry leaves {n}", TEXT, outlet=f"Outlet {n}", minutes=n)) for n in range(2_000)]
    told = summaries.brief(story(*many), {"R": rule("R")})
    assert len(told.outlets) == 30
    assert [told.outlets[0].outlet, told.outlets[-1].outlet] == ["Outlet 0", "Outlet 1999"]
    assert told.outlet_count == 2_000
