"""Where stories go: the routes of a rule without channels, mentions, and a channel that was closed for a day."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import storage
from bot.model.channels import ChannelFeatures
from bot.model.errors import ChannelClosed
from bot.model.messages import Mention, MessageKind, SendState
from bot.model.rules import Severity
from bot.model.settings import QuietHours, Route, RouteMatch
from bot.pipeline.dispatch import Dispatcher
from bot.pipeline.send import Sender
from bot.pipeline.turn import Turn
from tests.pipeline.newsroom import DAWN, DAY, WIRE, Item, Newsroom
from tests.pipeline.outbox_rows import FakeChannel
from tests.testbed.fakes import START, FakeClock
from tests.testbed.shown import lead_of, story_post

NIGHT = QuietHours(start=time(18), end=time(8), zone=ZoneInfo("UTC"))
KARACHI = Route(to=("karachi",), match=RouteMatch(tag=("pakistan",)))
DESK = Route(to=("desk",))
TITLE = "BlackBerry Messenger returns to Sindh after a ban of two months"


@pytest.fixture
def room(store: storage.Store) -> Newsroom:
    routes = (Route(to=("night",), match=RouteMatch(hours=NIGHT)), KARACHI, DESK)
    return Newsroom(store, [DAWN, WIRE], rule_keys={"notify": ()}, bot_keys={"routes": routes})


async def sent(room: Newsroom) -> list[tuple[str, str]]:
    return [(row.channel, row.message.kind.value) for row in await room.unsent()]


def item(name: str, *, hours: int = 0) -> Item:
    return Item(id=name, title=TITLE, text=f"The ban was lifted, says {name}.", at=START + timedelta(hours=hours))


async def test_a_story_goes_where_its_feed_leads_and_later_outlets_and_hours_leave_it_there(room: Newsroom) -> None:
    await room.poll(DAWN, item("a"))
    assert await sent(room) == [("karachi", "post")]
    room.now += timedelta(hours=12)
    await room.poll(WIRE, item("b", hours=12))
    (story,) = await room.stories()
    assert len(story.members) == 2
    assert await sent(room) == [("karachi", "post"), ("karachi", "edit")]


async def test_a_story_whose_channel_is_no_longer_of_its_routes_is_routed_anew(room: Newsroom) -> None:
    await room.poll(DAWN, item("a"))
    room.bot_keys = {"routes": (DESK,)}
    await room.poll(WIRE, item("b"))
    assert await sent(room) == [("karachi", "post"), ("desk", "post")]


async def test_a_route_that_continues_posts_in_both_places_and_each_goes_on(room: Newsroom) -> None:
    room.bot_keys = {"routes": (Route(to=KARACHI.to, match=KARACHI.match, continue_=True), DESK)}
    await room.poll(DAWN, item("a"))
    assert await sent(room) == [("karachi", "post"), ("desk", "post")]
    await room.poll(WIRE, item("b"))
    assert sorted((await sent(room))[2:]) == [("desk", "edit"), ("karachi", "edit")]


@pytest.mark.parametrize(
    ("by_rule", "expected"),
    [
        ((), {"desk": [("duty", "S1"), ("ann", "")], "second": [("duty", ""), ("ann", "")]}),
        (("bob",), {"desk": [("bob", "")], "second": [("bob", "")]}),
    ],
    ids=["of the severity", "of the rule"],
)
async def test_a_first_message_mentions_people_with_the_ids_of_its_channel(
    room: Newsroom, by_rule: tuple[str, ...], expected: dict[str, list[tuple[str, str]]]
) -> None:
    room.rule_keys = {"notify": ("desk", "second"), "severity": Severity.HIGH, "mention": by_rule}
    channels = {"desk": ChannelFeatures(people={"duty": "S1"})}
    room.bot_keys = {"mention": {Severity.HIGH: ("duty", "ann")}, "channels": channels}
    await room.poll(DAWN, item("a"))
    mentions = {row.channel: story_post(row.message).mentions for row in await room.unsent()}
    assert mentions == {
        channel: tuple(Mention(name=name, id=person_id) for name, person_id in people)
        for channel, people in expected.items()
    }


OLD = (
    "BlackBerry sues a rival over its keyboard patents in Delaware",
    "Thousands of BlackBerry Passports stolen from a warehouse near Lahore",
    "Chief executive of BlackBerry resigns after losses in Ontario",
)
YOUNG = "Students build a satellite receiver out of old BlackBerry phones"


async def release(room: Newsroom) -> None:
    def work(tx: storage.Transaction) -> None:
        turn = Turn(tx, room.settings, room.now)
        Dispatcher(turn).gather_stale()
        turn.changes.write(tx)

    await room.store.write(work)


async def test_after_a_day_the_waiting_stories_of_a_closed_channel_are_one_message(store: storage.Store) -> None:
    room = Newsroom(store, [DAWN])
    await room.poll(DAWN, *(Item(id=title[:9], title=title) for title in OLD))
    channel = FakeChannel(FakeClock(room.now))
    channel.outage = lambda _: ChannelClosed("the channel is archived")
    await Sender(store, {"desk": channel}, channel.clock, settings=lambda: room.settings).drain(timedelta(seconds=5))
    room.now += DAY - timedelta(minutes=5)
    await room.poll(DAWN, Item(id="young", title=YOUNG))
    await release(room)
    assert len(await room.unsent()) == 4, "a day has not passed"
    room.now += timedelta(minutes=10)
    for _ in range(2):
        await release(room)
    rows = await room.unsent()
    [gathered] = [row for row in rows if row.message.kind is MessageKind.LISTING]
    assert lead_of(gathered.message) == "3 older stories: this channel could not be reached"
    assert {brief.title.text for brief in gathered.message.stories} == set(OLD)
    assert [row.message.stories[0].title.text for row in rows if row is not gathered] == [YOUNG]
    [story] = [story for story in await room.stories() if story.title == OLD[0]]
    states = await store.read(lambda tx: [row.state for row in tx.outbox.of_story(story.id)])
    assert states == [SendState.DROPPED, SendState.PENDING]
