"""A channel that was closed for a day: its readers get lists of the old stories, not one message after the other."""

from __future__ import annotations

from datetime import timedelta

from bot import storage
from bot.model.errors import ChannelClosed
from bot.model.messages import MessageKind, SendState
from bot.pipeline.dispatch import Dispatcher
from bot.pipeline.send import Sender
from bot.pipeline.turn import Turn
from tests.pipeline.newsroom import DAWN, DAY, Item, Newsroom
from tests.pipeline.outbox_rows import FakeChannel
from tests.testbed.fakes import FakeClock
from tests.testbed.shown import lead_of

OLD = (
    "BlackBerry sues a rival over its keyboard patents in Delaware",
    "Thousands of BlackBerry Passports stolen from a warehouse near Lahore",
    "Chief executive of BlackBerry resigns after losses in Ontario",
)
YOUNG = "Students build a satellite receiver out of old BlackBerry phones"


def item(title: str) -> Item:
    return Item(id=title[:9], title=title, text=f"{title}. More is to follow.")


async def release(room: Newsroom) -> None:
    def work(tx: storage.Transaction) -> None:
        turn = Turn(tx, room.settings, room.now)
        Dispatcher(turn).gather_stale()
        turn.changes.write(tx)

    await room.store.write(work)


async def test_after_a_day_the_waiting_stories_of_a_closed_channel_are_one_message(store: storage.Store) -> None:
    room = Newsroom(store, [DAWN])
    await room.poll(DAWN, *map(item, OLD))
    channel = FakeChannel(FakeClock(room.now))
    channel.outage = lambda _: ChannelClosed("the channel is archived")
    await Sender(store, {"desk": channel}, channel.clock, settings=lambda: room.settings).drain(timedelta(seconds=5))
    room.now += DAY - timedelta(minutes=5)
    await room.poll(DAWN, item(YOUNG))
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
