"""What a story is remembered by: bounded, written to JSON and back, at a cost that its size does not change."""

from __future__ import annotations

import json
import time
from datetime import date, timedelta

import pytest

from bot import facts
from bot.facts import claims as claims_of
from testbed.updates import article

FIRST = article(
    "Ofcom fines Northlink £20m over failed 999 calls",
    "The regulator has fined Northlink £20 million. Some 14,000 calls failed. It has until 30 December to pay.",
    name="first",
)
MOVED = article("Northlink gets a month", "The deadline moved from 30 December to 30 January 2016.", name="moved")


def test_claims_survive_json() -> None:
    claims = facts.claims_of([FIRST, MOVED])
    text = json.dumps(facts.to_json(claims))
    again = facts.from_json(json.loads(text))
    assert again is not None
    assert json.dumps(facts.to_json(again)) == text
    assert [each.day for each in facts.deadlines(again)] == [date(2016, 1, 30)]
    later = facts.read(article("Northlink: 11,400 calls failed, not 14,000", "Ofcom corrects its count.", name="c"))
    assert facts.news(again, later) == facts.news(claims, later)


def test_claims_of_another_version_are_made_anew() -> None:
    assert facts.from_json({**facts.to_json(facts.claims_of([FIRST])), "version": 0}) is None


@pytest.mark.long
def test_a_story_of_thousands_of_articles_costs_an_article_no_more_than_a_small_one() -> None:
    claims = facts.StoryClaims()
    spent = []
    for number in range(1_200):
        one = article(
            f"Northlink fault {number}: {number + 3} towns hit",
            f"Town {number} has {7 * number} homes without service. Engineer Tom{number} of unit {number} was sent.",
            name=str(number),
            day=date(2015, 12, 2) + timedelta(hours=number),
        )
        began = time.perf_counter()
        reading = facts.read(one)
        claims.add(reading, facts.news(claims, reading))
        spent.append(time.perf_counter() - began)
    assert len(claims.words) <= claims_of.WORDS
    assert len(claims.stated) <= claims_of.NUMBERS
    assert len(claims.statements) <= claims_of.STATEMENTS
    early, late = (sorted(part)[len(part) // 2] for part in (spent[200:400], spent[-200:]))
    assert late < 2 * early + 0.002
    assert len(json.dumps(facts.to_json(claims))) < 300_000
