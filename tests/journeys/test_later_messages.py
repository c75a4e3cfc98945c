"""Messages that leave later: what a full hour held back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.journeys.world import BOT, Item, World, world
from tests.testbed.fakes import START

CITY_RULES = """\
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


def head_texts(desk: World) -> list[str]:
    return [json.dumps(head["blocks"], ensure_ascii=False) for head in desk.heads()]


async def test_what_comes_later_is_added_to_the_same_message_which_lives_on_with_high_severity_first(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as setup:
        setup.configure("wire", "echo", rules=CITY_RULES, bot=f"{BOT}posts_per_hour: 2\n")
        await setup.once()
        setup.publish("wire", *[event(number) for number in range(4)])
        await setup.once()
        assert len(setup.heads()) == 3
        for story in await setup.stories():
            explained = await setup.call("explain", "--url", story.members[0].article.link, "--json")
            assert json.loads(explained.stdout)[0]["story"]["decisions"][-1]["action"] == "post"

        later = timedelta(minutes=10)
        setup.publish("wire", *[event(number, word="alarm", at=later) for number in range(20, 23)], event(4, at=later))
        await setup.once()
        heads = head_texts(setup)
        assert len(heads) == 5, "two posts, two of severity high, which are counted apart, and one for the rest"
        [gathered] = [text for text in heads if "More stories" in text]
        titles = [title for title in (event(n).title for n in range(5)) if title in gathered]
        alarms = [title for title in (event(n, word="alarm").title for n in range(20, 23)) if title in gathered]
        assert (len(titles), len(alarms)) == (3, 1)
        assert all(gathered.index(alarms[0]) < gathered.index(title) for title in titles)

        # It is edited as its stories grow.
        grown = next(number for number in range(5) if event(number).title in gathered)
        before = gathered
        repeated = replace(event(grown), id="again", at=START + later, title=f"{event(grown).title}, says the mayor")
        setup.publish("echo", repeated)
        await setup.once()
        [gathered] = [text for text in head_texts(setup) if "More stories" in text]
        assert gathered != before
        assert repeated.title in gathered
        assert len(setup.heads()) == 5
        assert all(title in gathered for title in (*titles, *alarms))
