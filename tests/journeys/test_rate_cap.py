"""A burst: a channel gets its posts of the hour, and one message that lists the rest and lives on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot import model
from testbed.fakes import START
from tests.journeys.world import BOT, Item, World, world

RULES = """\
rules:
  - {name: Permits, any: [permit*], notify: desk}
  - {name: Alarms, any: [alarm*], notify: desk, severity: high}
"""
_SYLLABLES = ("ba", "do", "fi", "gu", "ke", "lo", "mi", "nu", "ra", "zo")
_DEEDS = ("buys {} a bridge", "names {} its mayor", "closes {} for repairs", "sues {} over rent", "floods near {}")


def name(number: int, end: str) -> str:
    return (_SYLLABLES[number // 10 % 10] + _SYLLABLES[number % 10] * 2 + end).capitalize()


def event(number: int, *, word: str = "permit", at: timedelta = timedelta()) -> Item:
    """A different event for each number."""
    town, other = name(number, "ville"), name(number * 7 + 3, "stan")
    deed = _DEEDS[number % len(_DEEDS)].format(other)
    return Item(
        id=f"{word}{number}",
        title=f"{town} {deed} {word}",
        text=f"In {town} a {word} about {name(number, 'ium')} of {other} was signed by {name(number, 'sky')}.",
        at=START + at,
    )


def shown(made: World) -> list[str]:
    return [json.dumps(head["blocks"], ensure_ascii=False) for head in made.heads()]


async def test_a_hundred_events_of_one_poll_are_twenty_posts_and_one_message_with_the_rest(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        made.configure("wire", "echo", rules=RULES)
        await made.once()
        events = [event(number) for number in range(100)]
        made.publish("wire", *events)
        await made.once()

        heads = shown(made)
        assert len(heads) == 21
        [gathered] = [text for text in heads if "More stories" in text]
        listed = [each for each in events if any(each.title in text for text in heads)]
        counted = re.search(r"and (\d+) more", gathered)
        assert len(listed) + int(counted[1] if counted else 0) == 100
        assert len(listed) >= 50
        stories = await made.stories()
        states = [decision.action for story in stories for decision in await made.decisions(story)]
        assert len(stories) == 100
        assert states.count(model.Action.POST) == 100


async def test_what_comes_later_is_added_to_the_same_message_which_lives_on_with_high_severity_first(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as made:
        made.configure("wire", "echo", rules=RULES, bot=f"{BOT}posts_per_hour: 2\n")
        await made.once()
        made.publish("wire", *[event(number) for number in range(4)])
        await made.once()
        assert len(made.heads()) == 3

        later = timedelta(minutes=10)
        made.publish("wire", *[event(number, word="alarm", at=later) for number in range(20, 23)], event(4, at=later))
        await made.once()
        heads = shown(made)
        assert len(heads) == 5, "two posts, two of severity high, which are counted apart, and one for the rest"
        [gathered] = [text for text in heads if "More stories" in text]
        titles = [title for title in (event(n).title for n in range(5)) if title in gathered]
        alarms = [title for title in (event(n, word="alarm").title for n in range(20, 23)) if title in gathered]
        assert (len(titles), len(alarms)) == (3, 1)
        assert all(gathered.index(alarms[0]) < gathered.index(title) for title in titles)

        # It is edited as its stories grow.
        grown = next(number for number in range(5) if event(number).title in gathered)
        before = gathered
        again = replace(event(grown), id="again", at=START + later, title=f"{event(grown).title}, says the mayor")
        made.publish("echo", again)
        await made.once()
        [gathered] = [text for text in shown(made) if "More stories" in text]
        assert gathered != before
        assert again.title in gathered
        assert len(made.heads()) == 5
        assert all(title in gathered for title in (*titles, *alarms))


async def test_after_an_hour_stories_are_posted_again(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        made.configure("wire", rules=RULES, bot=f"{BOT}posts_per_hour: 2\n")
        await made.once()
        made.publish("wire", *[event(number) for number in range(4)])
        await made.once()
        assert len(made.heads()) == 3
        made.publish("wire", *[event(number, at=timedelta(minutes=60)) for number in range(30, 34)])
        await made.once(minutes=61)

        assert len(made.heads()) == 6
        assert sum("More stories" in text for text in shown(made)) == 2
