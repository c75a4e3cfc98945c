"""The sender over the real outbox: in order, paced, once each, whatever breaks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import model, storage
from bot.pipeline.send import SETTLE, Drained, Sender
from bot.testing import messages
from testbed.fakes import START, FakeClock
from testbed.servers import slack
from tests.channels.context import Secrets, build
from tests.pipeline.outbox_rows import (
    REDUCED,
    FakeChannel,
    MemoryStore,
    add,
    edit,
    notices,
    reply,
    row,
    run_until,
    sender,
    state,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    opened = MemoryStore()
    yield opened
    await opened.close()


@pytest.fixture
def channel(clock: FakeClock) -> FakeChannel:
    return FakeChannel(clock)


async def test_a_thread_leaves_in_order_and_its_replies_stand_under_the_head(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    await add(store, row("head"), reply("one", "head"), edit("two", "head"), reply("three", "head"), row("other"))
    done = await sender(store, clock, channel).drain(MINUTE)
    assert done == Drained(sent=5, left=0, parked=0)
    assert [each for each in channel.ids if each != "other"] == ["head", "one", "three"]
    assert {thread for _, name, thread in channel.shown if name in ("one", "three")} == {"ref-1"}
    assert channel.faces["ref-1"] == "two"


async def test_two_messages_are_never_nearer_than_the_pace(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    await add(store, *(row(f"m{number}") for number in range(10)))
    await sender(store, clock, channel).drain(MINUTE)
    times = [when for when, _, _ in channel.shown]
    assert len(times) == 10
    assert all(later - earlier >= channel.pace for earlier, later in pairwise(times))
    # The process before us may have spoken just before it ended.
    assert times[0] - START >= channel.pace


async def test_channels_do_not_wait_for_each_other(store: MemoryStore, clock: FakeClock) -> None:
    slow, quick = FakeChannel(clock, name="slow", pace=20 * MINUTE), FakeChannel(clock, name="quick")
    await add(store, row("a", channel="slow"), row("b", channel="quick"))
    done = await sender(store, clock, slow, quick).drain(MINUTE)
    assert (quick.ids, slow.ids) == (["b"], [])
    assert done == Drained(sent=1, left=1, parked=0)


async def test_a_new_message_does_not_wait_with_one_that_is_tried_again_later(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.before.append(model.RetryLater("later", after=MINUTE, whole_channel=False))
    await add(store, row("a"))
    at = START + timedelta(seconds=10)

    async def add_another() -> None:
        while clock.now() < at:  # noqa: ASYNC110 - the clock has no event
            await asyncio.sleep(0)
        await add(store, row("b"))

    async with asyncio.TaskGroup() as group:
        group.create_task(add_another())
        group.create_task(run_until(sender(store, clock, channel), clock, START + 2 * MINUTE))
    assert channel.ids == ["b", "a"]
    assert channel.shown[0][0] - at <= timedelta(seconds=2)


async def test_retry_after_is_waited_for_within_the_deadline_and_holds_the_channel(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.before.append(model.RetryLater("too many", after=timedelta(seconds=30)))
    await add(store, row("a"), row("b"))
    assert (await sender(store, clock, channel).drain(MINUTE)).left == 0
    assert channel.ids == ["a", "b"]
    assert channel.shown[0][0] - START >= timedelta(seconds=30)


async def test_what_must_wait_longer_than_the_deadline_is_left(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.before.append(model.RetryLater("too many", after=HOUR))
    await add(store, row("a"), row("b"))
    done = await sender(store, clock, channel).drain(MINUTE)
    assert done == Drained(sent=0, left=2, parked=0, reasons={"desk": "too many"})
    assert clock.now() - START < MINUTE


@pytest.mark.parametrize("was_accepted", [True, False])
async def test_an_unknown_outcome_is_looked_up_before_anything_is_sent_again(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel, was_accepted: bool
) -> None:
    (channel.after if was_accepted else channel.before).append(model.OutcomeUnknown("reset"))
    await add(store, row("a"), reply("b", "a"))
    assert (await sender(store, clock, channel).drain(MINUTE)).left == 0
    assert channel.ids == ["a", "b"]
    assert channel.looks == 1
    assert channel.shown[1][2] == "ref-1"


@pytest.mark.parametrize(
    ("choice", "shown"),
    [(model.OnUnknown.SEND_AGAIN, ["a", "a", "b"]), (model.OnUnknown.LEAVE, ["a", "b"])],
)
async def test_where_nobody_can_look_the_operator_chooses(
    store: MemoryStore, clock: FakeClock, choice: model.OnUnknown, shown: list[str]
) -> None:
    channel = FakeChannel(clock, abilities=REDUCED)
    channel.after.append(model.OutcomeUnknown("reset"))
    await add(store, row("a"), row("b"))
    await sender(store, clock, channel, on_unknown=choice).drain(MINUTE)
    assert sorted(channel.ids) == shown


async def test_an_edit_of_unknown_outcome_is_sent_again_without_a_look(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    await add(store, row("a"))
    await sender(store, clock, channel).drain(MINUTE)
    channel.after.append(model.OutcomeUnknown("reset"))
    await add(store, edit("b", "a"))
    await sender(store, clock, channel).drain(MINUTE)
    assert (channel.faces, channel.looks) == ({"ref-1": "b"}, 0)


async def test_what_a_dead_process_was_sending_is_found_and_not_sent_twice(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    await add(store, row("arrived"), row("lost"))
    await store.write(
        lambda tx: tx.outbox.claim("desk", now=clock.now(), limit=2, token="dead", lease=timedelta(seconds=60))
    )
    await channel.send(model.Delivery(id=model.SendId("arrived"), message=messages.POST))
    await store.free_dead_leases()
    await sender(store, clock, channel).drain(MINUTE)
    assert channel.ids == ["arrived", "lost"]


async def test_a_lease_that_runs_out_is_taken_over_by_another_sender(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    await add(store, row("a"))
    await store.write(
        lambda tx: tx.outbox.claim("desk", now=clock.now(), limit=1, token="dead", lease=timedelta(seconds=60))
    )
    assert (await sender(store, clock, channel).drain(timedelta(seconds=30))).left == 1
    assert (await sender(store, clock, channel).drain(MINUTE)).left == 0
    assert channel.ids == ["a"]


async def test_an_edit_of_a_message_that_was_never_sent_is_needless_and_a_reply_goes_to_the_top_level(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.before.extend([model.FormRefused("x"), model.FormRefused("x")])
    await add(store, row("a"), edit("b", "a"), reply("c", "a"))
    await sender(store, clock, channel).drain(MINUTE)
    assert channel.ids == ["c"]
    assert (await state(store, "b")).state is model.SendState.DROPPED


async def test_a_channel_without_threads_shows_replies_and_drops_edits(store: MemoryStore, clock: FakeClock) -> None:
    channel = FakeChannel(clock, abilities=REDUCED)
    await add(store, row("a"), edit("b", "a"), reply("c", "a"))
    await sender(store, clock, channel).drain(MINUTE)
    assert [each[1:] for each in channel.shown] == [("a", ""), ("c", "")]


async def test_a_database_that_fails_under_a_channel_is_no_bug_of_the_channel_and_costs_a_retry(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.before.append(model.StoreUnavailable("the disk is full"))
    await add(store, row("a"))
    with capture_logs() as logs:
        done = await sender(store, clock, channel).drain(HOUR)
    assert (done.sent, channel.ids) == (1, ["a"])
    assert "channel raised an unexpected error" not in [entry["event"] for entry in logs]


async def test_a_stop_still_sends_what_is_due(store: MemoryStore, clock: FakeClock, channel: FakeChannel) -> None:
    stop = asyncio.Event()
    stop.set()
    await add(store, row("a"), row("b"))
    await sender(store, clock, channel).run(stop)
    assert channel.ids == ["a", "b"]


async def test_a_send_that_hangs_over_the_stop_is_of_unknown_outcome_and_found_at_the_next_start(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    stop = asyncio.Event()
    channel.hangs = asyncio.Event()
    await add(store, row("a"), row("b"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(sender(store, clock, channel, grace=timedelta(seconds=0.1)).run(stop))
        await channel.hangs.wait()
        stop.set()
    assert running.done()
    assert (await state(store, "a")).state is model.SendState.UNKNOWN
    channel.hangs = None
    await sender(store, clock, channel).drain(MINUTE)
    assert channel.ids == ["a", "b"]


async def test_a_channel_that_never_answers_is_of_unknown_outcome(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.hangs = asyncio.Event()
    await add(store, row("a"))
    quick = sender(store, clock, channel, attempt_timeout=timedelta(seconds=0.05))
    await quick.drain(timedelta(seconds=2))
    kept = await state(store, "a")
    assert kept.state is model.SendState.UNKNOWN
    assert "no answer within" in (kept.error or "")


async def test_an_absence_is_believed_only_when_a_late_message_would_have_arrived(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    await add(store, replace(row("a"), state=model.SendState.UNKNOWN, attempts=1, tried_at=START))
    await sender(store, clock, channel).drain(MINUTE)
    assert channel.looks == 2
    assert channel.shown[0][0] - START >= SETTLE


async def test_an_escalation_waits_a_minute_for_the_message_that_it_links_and_no_longer(
    store: MemoryStore, clock: FakeClock
) -> None:
    desk, duty = FakeChannel(clock), FakeChannel(clock, name="duty")
    desk.outage = lambda: model.RetryLater("busy") if clock.now() < START + 20 * SECOND else None
    call = model.Escalation(head=model.SendId("head"), channel="desk", after=5 * SECOND)
    await add(store, row("head"), _escalated(row("call", channel="duty"), call))
    await sender(store, clock, desk, duty).drain(MINUTE)
    (first, _, _), (second, _, _) = desk.shown[0], duty.shown[0]
    assert START + 20 * SECOND <= first <= second <= first + 5 * SECOND

    desk.outage = lambda: model.RetryLater("busy")
    begun, other = clock.now(), replace(call, head=model.SendId("head 2"))
    await add(store, row("head 2", at=begun), _escalated(row("call 2", channel="duty", at=begun), other))
    await sender(store, clock, desk, duty).drain(2 * MINUTE)
    assert (desk.ids, duty.ids) == (["head"], ["call", "call 2"])
    assert MINUTE <= duty.shown[1][0] - begun <= MINUTE + 20 * SECOND


def _escalated(call: model.Outgoing, about: model.Escalation) -> model.Outgoing:
    return replace(call, message=replace(call.message, escalation=about))


# -- what a sender does with messages and channels that fail, and what the operator hears of it


async def test_a_refused_form_is_sent_once_more_as_plain_text_then_given_up_and_told(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.before.extend(
        [model.FormRefused("invalid_blocks"), model.FormRefused("no_text"), model.FormRefused("invalid_blocks")]
    )
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
    channel.before.append(model.ThreadGone("locked"))
    await add(store, reply("b", "a"))
    await sender(store, clock, channel).drain(MINUTE)
    assert channel.shown[1][1:] == ("b", "")


async def test_a_closed_channel_keeps_its_messages_and_the_operator_hears_of_it_once(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    is_closed = True
    channel.outage = lambda: model.ChannelClosed("not_in_channel: invite the app") if is_closed else None
    await add(store, row("a"), row("b"))
    for _ in range(3):
        done = await sender(store, clock, channel, operator="ops").drain(MINUTE)
        assert done == Drained(sent=0, left=0, parked=2, reasons={"desk": "not_in_channel: invite the app"})
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
    one.outage = lambda: model.ChannelClosed("token_revoked", whole_workspace=True)
    two.outage = one.outage
    await add(store, row("a", channel="one"), row("b", channel="two"), row("c", channel="other"))
    done = await sender(store, clock, one, two, other, operator="other").drain(MINUTE)
    assert done.parked == 2
    assert other.ids[0] == "c"
    assert len(other.ids) == 2, "one notice for both"


async def test_the_operators_own_closed_channel_is_told_of_in_another(store: MemoryStore, clock: FakeClock) -> None:
    ops, desk = FakeChannel(clock, name="ops", account="x"), FakeChannel(clock, name="desk", account="y")
    ops.outage = lambda: model.ChannelClosed("is_archived")
    await add(store, row("a", channel="ops", message=messages.NOTICE))
    await sender(store, clock, ops, desk, operator="ops").drain(MINUTE)
    assert len(desk.ids) == 1


async def test_a_running_sender_finds_by_itself_that_a_channel_is_back(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    channel.outage = lambda: model.ChannelClosed("not_in_channel") if clock.now() < START + 20 * MINUTE else None
    await add(store, row("a"), row("b"))
    await run_until(sender(store, clock, channel), clock, START + HOUR)
    assert channel.ids == ["a", "b"]
    assert channel.shown[0][0] - START < 40 * MINUTE


async def test_an_hour_without_slack_loses_nothing_keeps_order_and_is_told_once(
    store: MemoryStore, clock: FakeClock
) -> None:
    desk, ops = FakeChannel(clock), FakeChannel(clock, name="ops", account="console")
    asked: list[object] = []

    def outage() -> model.SendError | None:
        if clock.now() >= START + HOUR:
            return None
        asked.append(clock.now())
        return (
            model.OutcomeUnknown("no answer in time")
            if len(asked) % 2
            else model.RetryLater("the connection is refused")
        )

    desk.outage = outage
    await add(store, *(row(f"m{number:02}") for number in range(20)))
    await add(store, *(reply(f"r{number:02}", f"m{number:02}") for number in range(20)))
    await run_until(sender(store, clock, desk, ops, operator="ops"), clock, START + 2 * HOUR)
    assert Counter(desk.ids).most_common(1)[0][1] == 1
    assert len(desk.ids) == 40
    assert all(desk.ids.index(f"m{n:02}") < desk.ids.index(f"r{n:02}") for n in range(20))
    times = [when for when, _, _ in desk.shown]
    assert all(later - earlier >= desk.pace for earlier, later in pairwise(times))
    assert times[0] - (START + HOUR) <= model.LONGEST_WAIT + timedelta(seconds=5)
    assert len(asked) < 80, "a channel that is down is not hammered"
    assert len(ops.ids) == 2, "that it fails, and that it is back"


async def test_a_poisoned_message_does_not_hold_up_the_others(
    store: MemoryStore, clock: FakeClock, channel: FakeChannel
) -> None:
    real_send = channel.send

    async def send(delivery: model.Delivery) -> model.Receipt:
        if delivery.id == "poison":
            raise model.OutcomeUnknown("500")
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

    async def send(delivery: model.Delivery) -> model.Receipt:
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


# -- the sender, a database file and a Slack that misbehaves: once each, in order


HEADS = 15


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))])
async def test_a_misbehaving_slack_gets_every_message_once_and_each_thread_in_order(tmp_path: Path, seed: int) -> None:
    clock = FakeClock()
    store = storage.open_store(f"sqlite:///{tmp_path}/wirewatch.db", clock=clock)
    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        server.hang_seconds = 0.05
        server.misbehave(0.35, seed=seed)
        channel = build(
            "slack",
            secrets=Secrets(TOKEN=slack.TOKEN),
            clock=clock,
            to="#policy-alerts",
            token="env:TOKEN",
            api_url=server.api_url,
        )
        rows = [
            each
            for head in (f"h{number}" for number in range(HEADS))
            for each in (row(head), reply(f"{head}-1", head), edit(f"{head}-2", head), reply(f"{head}-3", head))
        ]
        await store.write(lambda tx: tx.outbox.add(rows))
        done = await Sender(store, {"desk": channel}, clock).drain(timedelta(hours=2))
        taken = server.workspace.messages("policy-alerts")
    await store.close()

    assert done == Drained(sent=4 * HEADS, left=0, parked=0)
    ids = [message["metadata"]["event_payload"]["send_id"] for message in taken]
    heads = {m["ts"]: send for m, send in zip(taken, ids, strict=True) if "thread_ts" not in m}
    # The head shows its edit now.
    assert Counter(heads.values()) == Counter(f"h{number}-2" for number in range(HEADS))
    threads: dict[str, list[str]] = {}
    for message, send in zip(taken, ids, strict=True):
        if "thread_ts" in message:
            threads.setdefault(heads[message["thread_ts"]].removesuffix("-2"), []).append(send)
    assert threads == {f"h{n}": [f"h{n}-1", f"h{n}-3"] for n in range(HEADS)}
