"""An outlet that reuses its page for the next event does not hide the reports of that event."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import storage
from bot.model.feeds import Feed
from bot.pipeline.join import StoryUpdater
from tests.pipeline.newsroom import Item, Newsroom

WIRE, COURIER = Feed(url="https://wire.example/feed"), Feed(url="https://courier.example/feed")
SEARCH = "Storm closes the ferry of BlackBerry staff across Lake Aldmoor"
FOUND = "BlackBerry engineer arrested over theft of phones in Brixley"


@pytest.mark.parametrize("restarts", [False, True], ids=["runs on", "restarts"])
async def test_reports_of_the_next_event_do_not_join_the_page_that_announces_it_now(
    store: storage.Store, restarts: bool
) -> None:
    room = Newsroom(store, [WIRE, COURIER])
    await room.poll(WIRE, Item(id="1", title=SEARCH, text="Waves of four metres, the harbour master said."))
    room.now += timedelta(hours=6)
    await room.poll(WIRE, Item(id="1", title=FOUND, text="Waves of four metres, the harbour master said."))
    if restarts:
        room.updater = StoryUpdater()
    await room.poll(COURIER, Item(id="2", title=FOUND, text="Police searched a barn and found 300 boxes."))
    assert [[member.article.title for member in story.members] for story in await room.stories()] == [[FOUND], [FOUND]]
