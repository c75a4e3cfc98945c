"""What a story is remembered by: bounded, however many articles join."""

from __future__ import annotations

from datetime import date, timedelta

from bot.stories import facts
from bot.stories.facts import claims as claims_of
from testbed.updates import article

FIRST = article(
    "Ofcom fines Northlink £20m over failed 999 calls",
    "The regulator has fined Northlink £20 million. Some 14,000 calls failed. It has until 30 December to pay.",
    name="first",
)
MOVED = article("Northlink gets a month", "The deadline moved from 30 December to 30 January 2016.", name="moved")


def test_a_deadline_that_moved_counts_with_its_new_day() -> None:
    claims = facts.claims_of([FIRST, MOVED])

    assert [each.day for each in facts.deadlines(claims)] == [date(2016, 1, 30)]


def test_what_is_kept_of_a_story_is_bounded_however_many_articles_join() -> None:
    claims = facts.StoryClaims()
    for number in range(600):
        one = article(
            f"Northlink fault {number}: {number + 3} towns hit",
            f"Town {number} has {7 * number} homes without service. Engineer Tom{number} of unit {number} was sent.",
            name=str(number),
            day=date(2015, 12, 2) + timedelta(hours=number),
        )
        reading = facts.read(one)
        claims.add(reading)
    assert len(claims.words) <= claims_of.WORDS
    assert len(claims.stated) <= claims_of.NUMBERS
    assert len(claims.statements) <= claims_of.STATEMENTS
