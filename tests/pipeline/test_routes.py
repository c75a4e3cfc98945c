"""A story of a rule without channels goes where the routes lead, and stays there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import rules, storage
from bot.config.settings import Settings
from bot.model.feeds import Feed
from bot.model.settings import QuietHours, Route, RouteMatch
from tests.pipeline.newsroom import Item, Newsroom, rule
from tests.testbed.fakes import START

DAWN = Feed(url="https://dawn.example/feed", name="Dawn", owner="Dawn", tags=("pakistan",))
WIRE = Feed(url="https://wire.example/feed", name="Wire", owner="Wire")
NIGHT = QuietHours(start=time(18), end=time(8), zone=ZoneInfo("UTC"))
ROUTES = (
    Route(to=("night",), match=RouteMatch(hours=NIGHT)),
    Route(to=("karachi",), match=RouteMatch(tag=("pakistan",))),
    Route(to=("desk",)),
)
TITLE = "BlackBerry Messenger returns to Sindh after a ban of two months"


@dataclass(slots=True)
class Routed(Newsroom):
    routes: tuple[Route, ...] = ROUTES

    @property
    def settings(self) -> Settings:
        whole = Newsroom.settings.fget(self)  # type: ignore[attr-defined]  # the property of the class below
        assert isinstance(whole, Settings)
        unnamed = replace(rule().rule, notify=())
        return replace(whole, rules=(rules.compile_rule(unnamed),), bot=replace(whole.bot, routes=self.routes))


@pytest.fixture
def room(store: storage.Store) -> Routed:
    return Routed(store, [DAWN, WIRE])


async def sent(room: Newsroom) -> list[tuple[str, str]]:
    rows = await room.store.read(lambda tx: tx.outbox.unsent())
    return [(row.channel, row.message.kind.value) for row in rows]


def item(name: str, *, hours: int = 0) -> Item:
    at = START + timedelta(hours=hours)
    return Item(id=name, link=f"https://{name}.example/1", title=TITLE, text=f"The ban was lifted, says {name}.", at=at)


async def test_a_story_goes_where_its_feed_leads_and_later_outlets_and_hours_leave_it_there(room: Routed) -> None:
    await room.poll(DAWN, item("a"))
    assert await sent(room) == [("karachi", "post")]
    room.now += timedelta(hours=12)
    await room.poll(WIRE, item("b", hours=12))
    (story,) = await room.stories()
    assert len(story.members) == 2
    assert await sent(room) == [("karachi", "post"), ("karachi", "edit")]


async def test_a_story_whose_channel_is_no_longer_of_its_routes_is_routed_anew(room: Routed) -> None:
    await room.poll(DAWN, item("a"))
    room.routes = (Route(to=("desk",)),)
    await room.poll(WIRE, item("b"))
    assert await sent(room) == [("karachi", "post"), ("desk", "post")]


async def test_a_route_that_continues_posts_in_both_places_and_each_goes_on(room: Routed) -> None:
    room.routes = (
        Route(to=("karachi",), match=RouteMatch(tag=("pakistan",)), continue_=True),
        Route(to=("desk",)),
    )
    await room.poll(DAWN, item("a"))
    assert await sent(room) == [("karachi", "post"), ("desk", "post")]
    await room.poll(WIRE, item("b"))
    assert sorted((await sent(room))[2:]) == [("desk", "edit"), ("karachi", "edit")]
