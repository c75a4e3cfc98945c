"""A live page is about everything: of what it adds, a reader is told what concerns the rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import model, storage
from tests.pipeline.newsroom import Item, Newsroom

WIRE = model.Feed(url="https://feeds.wire.example/world.xml", name="The Wire")
PAGE = Item(
    id="w1",
    link="https://www.wire.example/pakistan",
    title="Pakistan updates LIVE: BlackBerry to leave over access to servers",
    text="BlackBerry will leave Pakistan because the regulator asked for access to its servers.",
)
OF_RULE = "BlackBerry has put off its exit from Pakistan to 30 December after talks with the regulator in Islamabad."
OTHER = "Heavy rain has killed 12 people in Karachi and closed the airport, the disaster agency said on Monday."


@pytest.fixture
def room(store: storage.Store) -> Newsroom:
    return Newsroom(store, [WIRE])


async def _told(room: Newsroom) -> str:
    [story] = await room.stories()
    decisions = await room.store.read(lambda tx: tx.stories.decisions(story.id))
    return "\n".join(each.detail for each in decisions if each.reason is model.Reason.NEW_FACT)


async def test_of_what_a_live_page_adds_the_sentence_of_the_rule_is_told(room: Newsroom) -> None:
    await room.poll(WIRE, PAGE)
    await room.poll(WIRE, replace(PAGE, text=f"{OTHER} {OF_RULE} {PAGE.text}"))
    said = await _told(room)
    assert OF_RULE in said
    assert OTHER not in said
