"""Join, open, unsure or round-up, decided under the rule that matched; and what people decided."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import stories
from bot.model.rules import Group
from bot.model.stories import JoinReason
from tests.stories import examples
from tests.stories.examples import GOOGLE, SHEIN, START, arrival, article

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
    grouping = stories.Grouping(window=WINDOW, join_from=1.0)

    opened, near = grouping.join_batch(arrival(one, "rule", "PTA") for one in (examples.EXIT, examples.AFFECTED))

    assert opened.near is None
    assert near.reason is JoinReason.UNSURE
    assert near.near == opened.story != near.story
    assert near.detail.startswith("nearest open story: ")


def test_what_follows_an_unsure_article_joins_it_and_not_the_other() -> None:
    grouping = stories.Grouping(window=WINDOW)
    terms = ("BlackBerry",)
    first = grouping.join_batch((arrival(PTA_EXIT, "rule", *terms), arrival(SINDH, "rule", *terms)))
    follow_up = article(
        "BlackBerry Messenger ban lifted in Sindh as police read chat logs",
        "Police in Karachi can read chat logs of suspects, so Sindh lifted its ban on BlackBerry Messenger.",
        at=START + 6 * HOUR,
        outlet="Echo",
    )

    (join,) = grouping.join_batch((arrival(follow_up, "rule", *terms),))

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
    grouping = stories.Grouping(window=WINDOW)
    grouping.join_batch(arrival(one, "fines", "Ofcom", "fines") for one in FINES)
    (join,) = grouping.join_batch((arrival(ROUNDUP, "fines", "Ofcom", "fined"),))
    later = article(
        "Penalties of the week: Calder, Kekchan and Northlink",
        "Fined this week: Northlink over emergency calls, Calder over contracts, Kekchan over age checks.",
        at=START + 21 * HOUR,
        outlet="Echo",
    )
    copy = article(ROUNDUP.title, ROUNDUP.text, at=START + 22 * HOUR, outlet="Mirror")

    second, third = grouping.join_batch((arrival(later, "fines", "Fined"), arrival(copy, "fines", "Ofcom", "fined")))

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
    grouping = stories.Grouping(window=WINDOW)
    copy = article(examples.EXIT.title, examples.EXIT.text, at=START + HOUR, outlet="Mirror")
    both = (examples.EXIT, copy if is_copy else examples.AFFECTED)

    one, other = grouping.join_batch([arrival(each, "rule", "BlackBerry") for each in both], {"rule": mode})

    assert (one.story == other.story) is joins


def test_what_people_split_is_never_joined_there_again_nor_what_is_nearer_to_it() -> None:
    kept, apart = examples.story(examples.EXIT, examples.MOVED), examples.story(examples.AFFECTED)
    grouping = stories.Grouping(window=WINDOW)
    grouping.load([examples.story(examples.EXIT, examples.MOVED, examples.AFFECTED)])
    again = article(examples.AFFECTED.title, examples.AFFECTED.text, at=START + 9 * HOUR, outlet="Echo")

    grouping.split(kept, apart)
    join = grouping.join(again)

    assert grouping.join(examples.AFFECTED).story == apart.id
    assert join.story == apart.id
    assert join.merges == ()


def test_what_was_split_is_obeyed_after_a_restart() -> None:
    kept = examples.story(examples.EXIT, examples.MOVED)
    grouping = stories.Grouping(window=WINDOW)
    grouping.load([kept], [(kept.id, examples.AFFECTED)])
    again = article(examples.AFFECTED.title, examples.AFFECTED.text, at=START + 9 * HOUR, outlet="Echo")

    assert grouping.join(again).story != kept.id
    assert grouping.join(examples.AFFECTED).story != kept.id


def test_what_people_merge_is_one_story_from_then_on() -> None:
    grouping = stories.Grouping(window=WINDOW)
    one, other = grouping.join_batch(arrival(each, "rule", "CNIL", "fines", "fined") for each in (GOOGLE, SHEIN))
    assert one.story != other.story

    grouping.merge(other.story, into=one.story)

    assert grouping.join(SHEIN).story == one.story
    assert grouping.join(SHEIN).reason is JoinReason.MERGED


def test_a_live_blog_is_a_story_of_its_own_and_nothing_joins_it() -> None:
    grouping = stories.Grouping(window=WINDOW)
    fined = article("Northlink fined £20m over failed calls", "Ofcom fined Northlink £20m.")
    title = "Business live blog: Northlink fined £20m over failed calls, markets fall"
    live = article(title, "Ofcom fined Northlink £20m. Shares fell in London.", outlet="Post")
    fall = article("Markets fall in London after Northlink is fined", "Shares fell in London.", outlet="Sun")

    first, blog, later = (examples.join(grouping, each, "watched", "fined") for each in (fined, live, fall))

    assert blog.reason is JoinReason.ROUNDUP
    assert blog.story not in (first.story, later.story)
