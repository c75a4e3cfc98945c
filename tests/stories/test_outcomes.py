"""Join, open, unsure or round-up, decided under the rule that matched; and what people decided."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model.rules import Group
from bot.model.stories import JoinReason
from bot.stories.index import Index
from tests.stories import examples
from tests.stories.examples import START, arrival, article, join_batch, put

WINDOW = timedelta(days=200)
HOUR = timedelta(hours=1)

PTA_EXIT = article(
    "BlackBerry quits Pakistan after PTA sought backdoor into BES",
    "BlackBerry will leave Pakistan rather than give the regulator PTA access to its BES servers, the company said.",
)
SINDH = article(
    "Pakistan lifts ban on BlackBerry Messenger in Sindh after police get backdoor access to chat logs",
    "Sindh has lifted its ban on BlackBerry Messenger, the PTA said, after police were given access to chat logs of "
    "suspected kidnappers in Karachi.",
    at=START + 5 * HOUR,
    outlet="Courier",
)


def test_an_unsure_article_opens_a_story_and_names_the_nearest() -> None:
    index = Index(window=WINDOW)

    opened = put(index, examples.EXIT, "rule", "PTA")
    near = put(index, examples.AFFECTED, "rule", "PTA", mode=Group.OFF)

    assert opened.near is None
    assert near.reason is JoinReason.UNSURE
    assert near.near == opened.story != near.story
    assert near.detail.startswith("nearest open story: ")


def test_what_follows_an_unsure_article_joins_it_and_not_the_other() -> None:
    index = Index(window=WINDOW)
    terms = ("BlackBerry",)
    first = join_batch(index, (arrival(PTA_EXIT, "rule", *terms), arrival(SINDH, "rule", *terms)))
    follow_up = article(
        "BlackBerry Messenger ban lifted in Sindh as police read chat logs",
        "Police in Karachi can read chat logs of suspects, so Sindh lifted its ban on BlackBerry Messenger.",
        at=START + 6 * HOUR,
        outlet="Echo",
    )

    (join,) = join_batch(index, (arrival(follow_up, "rule", *terms),))

    assert join.story == first[1].story


FINES = tuple(
    article(f"Ofcom fines {name} over {matter}", f"Ofcom has fined {name} for {matter}, it said.", outlet=f"Wire{at}")
    for at, (name, matter) in enumerate(
        (("Northlink", "emergency calls"), ("Calder", "missing contracts"), ("Kekchan", "age checks"))
    )
)
ROUNDUP = article(
    "The week in penalties: Northlink, Calder, Kekchan",
    "Ofcom fined Northlink over emergency calls, Calder over missing contracts and Kekchan over age checks.",
    at=START + 20 * HOUR,
    outlet="Weekly",
)


def test_a_round_up_is_a_story_of_its_own_that_nothing_joins_but_its_copies() -> None:
    index = Index(window=WINDOW)
    join_batch(index, [arrival(fine, "fines", "Ofcom", "fines") for fine in FINES])
    (join,) = join_batch(index, (arrival(ROUNDUP, "fines", "Ofcom", "fined"),))
    later = article(
        "Penalties of the week: Calder, Kekchan and Northlink",
        "Fined this week: Northlink over emergency calls, Calder over contracts, Kekchan over age checks.",
        at=START + 21 * HOUR,
        outlet="Echo",
    )
    copy = article(ROUNDUP.title, ROUNDUP.text, at=START + 22 * HOUR, outlet="Mirror")

    second, third = join_batch(index, (arrival(later, "fines", "Fined"), arrival(copy, "fines", "Ofcom", "fined")))

    assert join.reason is JoinReason.ROUNDUP
    assert second.story != join.story
    assert (third.story, third.reason) == (join.story, JoinReason.COPY)


@pytest.mark.parametrize(
    ("mode", "is_copy", "joins"),
    [(Group.NORMAL, False, True), (Group.OFF, False, False), (Group.OFF, True, True)],
)
def test_a_rule_that_groups_nothing_gives_each_article_its_story_except_copies(
    mode: Group, *, is_copy: bool, joins: bool
) -> None:
    index = Index(window=WINDOW)
    copy = article(examples.EXIT.title, examples.EXIT.text, at=START + HOUR, outlet="Mirror")
    both = (examples.EXIT, copy if is_copy else examples.AFFECTED)

    first, other = (put(index, item, "rule", "BlackBerry", mode=mode) for item in both)

    assert (first.story == other.story) is joins


def test_what_people_split_is_never_joined_there_again_nor_what_is_nearer_to_it() -> None:
    kept, apart = examples.story(examples.EXIT, examples.MOVED), examples.story(examples.AFFECTED)
    index = Index(window=WINDOW)
    index.load([examples.story(examples.EXIT, examples.MOVED, examples.AFFECTED)])
    source = article(examples.AFFECTED.title, examples.AFFECTED.text, at=START + 9 * HOUR, outlet="Echo")

    index.split(kept, apart)
    join = put(index, source)

    assert put(index, examples.AFFECTED).story == apart.id
    assert (join.story, join.merges) == (apart.id, ())
    restarted = Index(window=WINDOW)
    restarted.load([kept], [(kept.id, examples.AFFECTED)])
    assert kept.id not in (put(restarted, source).story, put(restarted, examples.AFFECTED).story)


def test_a_live_blog_is_a_story_of_its_own_and_nothing_joins_it() -> None:
    index = Index(window=WINDOW)
    fined = article("Northlink fined £20m over failed calls", "Ofcom fined Northlink £20m.")
    title = "Business live blog: Northlink fined £20m over failed calls, markets fall"
    live = article(title, "Ofcom fined Northlink £20m. Shares fell in London.", outlet="Post")
    fall = article("Markets fall in London after Northlink is fined", "Shares fell in London.", outlet="Sun")

    first, blog, later = (put(index, value, "watched", "fined") for value in (fined, live, fall))

    assert blog.reason is JoinReason.ROUNDUP
    assert blog.story not in (first.story, later.story)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Vanta Holdings denies insolvency", "There is no truth in what was reported, Vanta Holdings said."),
        ("Correction: Vanta Holdings", "A figure was wrong."),
        ("Vanta Holdings dementiert", "Vanta Holdings hat das nicht vor und ist nicht zahlungsunfähig."),
    ],
)
def test_a_denial_or_correction_that_stays_alone_names_the_story_that_shares_its_names(title: str, text: str) -> None:
    index = Index(window=WINDOW)
    terms = ("insolvency", "figure", "zahlungsunfähig")
    fire = article("Fire in Leeds cinema", "A fire broke out; no insolvency.", outlet="Sun")
    claim = article(
        "Vanta Holdings close to insolvency, lenders warn",
        "Lenders in Zurich warned that Vanta Holdings cannot repay a bond that falls due next week; insolvency looms.",
    )
    report, other = put(index, claim, "insolvencies", *terms), put(index, fire, "insolvencies", *terms)

    later = put(index, article(title, text, at=START + 30 * HOUR, outlet="Mirror"), "insolvencies", *terms)

    assert report.story in (later.near, later.story)
    assert other.story not in (later.near, later.story)


def test_a_denial_names_the_report_of_a_company_although_it_shares_only_the_name_on_which_the_rule_matched() -> None:
    index = Index(window=WINDOW)
    claim = article(
        "Lenders fear for Vanta", "A bond of Vanta falls due next week, and nobody in Zurich will extend it."
    )
    report = put(index, claim, "companies", "Vanta", "Calder")
    put(index, article("Calder opens a mine", "Calder digs for copper.", outlet="Sun"), "companies", "Vanta", "Calder")

    denial = article("Vanta denies rumours", "All is well, its chief said.", at=START + 30 * HOUR, outlet="Mirror")
    later = put(index, denial, "companies", "Vanta", "Calder")

    assert later.probability is not None
    assert later.probability < 0.1
    assert later.near == report.story


def test_a_denial_that_shares_no_name_with_a_story_points_nowhere() -> None:
    index = Index(window=WINDOW)
    put(index, article("Northlink fined", "Ofcom fined Northlink for failed calls."), "watched", "fined")

    later = put(index, article("Calder denies claims", "Calder was not fined.", outlet="Sun"), "watched", "fined")

    assert later.near is None


@pytest.mark.parametrize("words", ["Morning Report podcast", "Replay: full episode"])
def test_the_name_of_a_programme_or_of_its_form_is_no_evidence(words: str) -> None:
    index = Index(window=WINDOW)
    one = article(f"{words}: storm nears Quetta", "Wind of 120 km/h.")
    other = article(f"{words}: bank in Lahore robbed", "Two men fled.", outlet="Sun")

    first, second = (put(index, each, "watched", "storm", "bank") for each in (one, other))

    assert first.story != second.story
    assert second.near is None


def test_a_live_page_on_one_event_joins_its_twin() -> None:
    index = Index(window=WINDOW)
    title, text = "Ferry Shahbaz sinks off Manora with 40 aboard", "The ferry Shahbaz sank off Manora in a storm."
    first = put(index, article(title, text), "ferries", "ferry")
    live = article(
        "Ferry Shahbaz sinks off Manora, 40 were aboard: live",
        "The ferry Shahbaz sank in a storm off Manora.",
        outlet="Sun",
        link="https://sun.example/live/ferry",
    )

    assert put(index, live, "ferries", "ferry").story == first.story
