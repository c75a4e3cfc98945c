"""What a sender does with messages and channels that fail, and what the operator hears of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise

from bot import model, outbox, ports
from bot.testing import messages
from testbed.fakes import START, FakeClock
from tests.outbox.rows import FakeChannel, reply, row
from tests.outbox.senders import add, notices, run_until, sender, state
from tests.outbox.store import MemoryStore

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def test_a_refused_form_is_sent_once_more_as_plain_text_then_given_up_and_told(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.before.extend([ports.TooMuch("invalid_blocks"), ports.TooMuch("no_text"), ports.TooMuch("invalid_blocks")])
    await add(store, row("a"), row("b"))
    await sender(store, clock, channel, operator="ops").drain(MINUTE)
    assert (await state(store, "a")).state is model.SendState.DROPPED
    assert (await state(store, "b")).is_plain
    assert channel.ids[0] == "b"


async def test_a_thread_that_is_gone_is_answered_at_the_top_level(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    await add(store, row("a"))
    await sender(store, clock, channel).drain(MINUTE)
    channel.before.append(ports.ThreadGone("locked"))
    await add(store, reply("b", "a"))
    await sender(store, clock, channel).drain(MINUTE)
    assert channel.shown[1][1:] == ("b", "")


async def test_a_closed_channel_keeps_its_messages_and_the_operator_hears_of_it_once(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    is_closed = True
    channel.outage = lambda: ports.Parked("not_in_channel: invite the app") if is_closed else None
    await add(store, row("a"), row("b"))
    for _ in range(3):
        done = await sender(store, clock, channel, operator="ops").drain(MINUTE)
        assert done == outbox.Drained(sent=0, left=0, parked=2, reasons={"desk": "not_in_channel: invite the app"})
    assert len(await notices(store)) == 1
    is_closed = False
    assert (await sender(store, clock, channel, operator="ops").drain(MINUTE)).sent == 2
    assert channel.ids == ["a", "b"]
    assert [lead.split(".")[0] for lead in await notices(store)] == [
        "Channel desk is closed to Wirewatch",
        "Channel desk works again",
    ]


async def test_a_revoked_token_closes_every_channel_with_it_and_no_other(store: MemoryStore, clock: FakeClock) -> None:
    one, two = FakeChannel(clock, name="one", account="x"), FakeChannel(clock, name="two", account="x")
    other = FakeChannel(clock, name="other", account="y")
    one.outage = lambda: ports.Parked("token_revoked", whole_workspace=True)
    two.outage = one.outage
    await add(store, row("a", channel="one"), row("b", channel="two"), row("c", channel="other"))
    done = await sender(store, clock, one, two, other, operator="other").drain(MINUTE)
    assert done.parked == 2
    assert other.ids[0] == "c"
    assert len(other.ids) == 2, "one notice for both"


async def test_the_operators_own_closed_channel_is_told_of_in_another(store: MemoryStore, clock: FakeClock) -> None:
    ops, desk = FakeChannel(clock, name="ops", account="x"), FakeChannel(clock, name="desk", account="y")
    ops.outage = lambda: ports.Parked("is_archived")
    await add(store, row("a", channel="ops", message=messages.NOTICE))
    await sender(store, clock, ops, desk, operator="ops").drain(MINUTE)
    assert len(desk.ids) == 1


async def test_a_running_sender_finds_by_itself_that_a_channel_is_back(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.outage = lambda: ports.Parked("not_in_channel") if clock.now() < START + 20 * MINUTE else None
    await add(store, row("a"), row("b"))
    await run_until(sender(store, clock, channel), clock, START + HOUR)
    assert channel.ids == ["a", "b"]
    assert channel.shown[0][0] - START < 40 * MINUTE


async def test_an_hour_without_slack_loses_nothing_keeps_order_and_is_told_once(
    store: MemoryStore, clock: FakeClock
) -> None:
    desk, ops = FakeChannel(clock), FakeChannel(clock, name="ops", account="console")
    asked: list[object] = []

    def outage() -> ports.SendError | None:
        if clock.now() >= START + HOUR:
            return None
        asked.append(clock.now())
        return ports.Unknown("no answer in time") if len(asked) % 2 else ports.Wait("the connection is refused")

    desk.outage = outage
    await add(store, *(row(f"m{number:02}") for number in range(40)))
    await add(store, *(reply(f"r{number:02}", f"m{number:02}") for number in range(40)))
    await run_until(sender(store, clock, desk, ops, operator="ops"), clock, START + 2 * HOUR)
    assert Counter(desk.ids).most_common(1)[0][1] == 1
    assert len(desk.ids) == 80
    assert all(desk.ids.index(f"m{n:02}") < desk.ids.index(f"r{n:02}") for n in range(40))
    times = [when for when, _, _ in desk.shown]
    assert all(later - earlier >= desk.pace for earlier, later in pairwise(times))
    assert times[0] - (START + HOUR) <= model.LONGEST_WAIT + timedelta(seconds=5)
    assert len(asked) < 80, "a channel that is down is not hammered"
    assert len(ops.ids) == 2, "that it fails, and that it is back"


async def test_a_poisoned_message_does_not_hold_up_the_others(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    real_send = channel.send

    async def send(delivery: ports.Delivery) -> model.Receipt:
        if delivery.id == "poison":
            raise ports.Unknown("500")
        return await real_send(delivery)

    channel.send = send  # type: ignore[method-assign]
    await add(store, row("poison"), *(row(f"m{number}") for number in range(5)))
    done = await sender(store, clock, channel).drain(MINUTE)
    assert (done.sent, done.left) == (5, 1)


async def test_a_bug_in_a_channel_costs_that_message_its_form_and_nothing_else(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.before.append(KeyError("briefs"))
    await add(store, row("a"), row("b"))
    assert (await sender(store, clock, channel).drain(MINUTE)).sent == 2
    assert (await state(store, "a")).is_plain


async def test_a_full_disk_stops_the_sender_and_nothing_is_lost_or_doubled_when_it_is_mended(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    real_send = channel.send

    async def send(delivery: ports.Delivery) -> model.Receipt:
        store.broken = "the disk is full"
        return await real_send(delivery)

    channel.send = send  # type: ignore[method-assign]
    await add(store, row("a"), row("b"))

    async def mend() -> None:
        while True:
            await asyncio.sleep(0)
            if store.broken and clock.now() > START + timedelta(seconds=10 + 10 * len(channel.ids)):
                store.broken = None

    async with asyncio.TaskGroup() as group:
        mending = group.create_task(mend())
        await sender(store, clock, channel).drain(HOUR)
        mending.cancel()
    assert channel.ids == ["a", "b"]
