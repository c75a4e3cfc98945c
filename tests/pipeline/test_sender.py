"""The sender over the real outbox, in order, paced, once each, whatever breaks; and the pure core of sending."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot import storage
from bot.durations import LONGEST_WAIT
from bot.model.channels import Delivery
from bot.model.errors import (
    ChannelClosed,
    FormRefused,
    NotEditable,
    OutcomeUnknown,
    RetryLater,
    SendError,
    StoreUnavailable,
    ThreadGone,
)
from bot.model.messages import Receipt, SendState
from bot.model.settings import OnUnknown
from bot.pipeline import send_policy
from bot.pipeline.send import SETTLE, Drained
from bot.testing import messages
from tests.pipeline.outbox_rows import FULL, REDUCED, FakeChannel, Stage, edit, reply, row
from tests.testbed.fakes import START, FakeClock
from tests.testbed.shown import story_post

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
async def stage(clock: FakeClock) -> AsyncIterator[Stage]:
    prepared = Stage(clock)
    yield prepared
    await prepared.store.close()


async def test_a_thread_is_sent_in_order_at_the_channels_pace_with_its_replies_under_the_head(stage: Stage) -> None:
    await stage.add(row("head"), reply("one", "head"), edit("two", "head"), reply("three", "head"), row("other"))
    done = await stage.sender().drain(MINUTE)
    assert done == Drained(sent=5, left_count=0, parked=0)
    # The previous process may have sent a message just before it ended.
    times = [START, *(when for when, _, _ in stage.channel.shown)]
    assert all(later - earlier >= stage.channel.pace for earlier, later in pairwise(times))
    assert [item for item in stage.channel.ids if item != "other"] == ["head", "one", "three"]
    assert {thread for _, name, thread in stage.channel.shown if name in ("one", "three")} == {"ref-1"}
    assert stage.channel.faces["ref-1"] == "two"


async def test_channels_do_not_wait_for_each_other(stage: Stage) -> None:
    slow, quick = FakeChannel(stage.clock, name="slow", pace=20 * MINUTE), FakeChannel(stage.clock, name="quick")
    await stage.add(row("a", channel="slow"), row("b", channel="quick"))
    done = await stage.sender(slow, quick).drain(MINUTE)
    assert (quick.ids, slow.ids) == (["b"], [])
    assert done == Drained(sent=1, left_count=1, parked=0)


async def test_a_new_message_does_not_wait_with_one_that_is_tried_again_later(stage: Stage) -> None:
    stage.channel.before.append(RetryLater("later", retry_after=MINUTE, whole_channel=False))
    await stage.add(row("a"))
    at = START + timedelta(seconds=10)

    async def add_another() -> None:
        while stage.clock.now() < at:  # noqa: ASYNC110 - the clock has no event
            await asyncio.sleep(0)
        await stage.add(row("b"))

    async with asyncio.TaskGroup() as group:
        group.create_task(add_another())
        group.create_task(stage.run_until(stage.sender(), START + 2 * MINUTE))
    assert stage.channel.ids == ["b", "a"]
    assert stage.channel.shown[0][0] - at <= timedelta(seconds=2)


@pytest.mark.parametrize(
    ("retry_after", "shown", "done"),
    [
        (MINUTE / 2, ["a", "b"], Drained(sent=2, left_count=0, parked=0)),
        (HOUR, [], Drained(sent=0, left_count=2, parked=0, reasons={"desk": "too many"})),
    ],
)
async def test_retry_after_holds_the_channel_and_is_waited_for_within_the_deadline(
    stage: Stage, retry_after: timedelta, shown: list[str], done: Drained
) -> None:
    stage.channel.before.append(RetryLater("too many", retry_after=retry_after))
    await stage.add(row("a"), row("b"))
    assert await stage.sender().drain(MINUTE) == done
    assert stage.channel.ids == shown
    assert all(when - START >= retry_after for when, _, _ in stage.channel.shown)
    assert stage.clock.now() - START < MINUTE


@pytest.mark.parametrize("error", [OutcomeUnknown("reset"), SendError("an answer of no known form")])
@pytest.mark.parametrize("was_accepted", [True, False])
async def test_an_unknown_outcome_is_looked_up_before_anything_is_sent_again(
    stage: Stage, was_accepted: bool, error: SendError
) -> None:
    (stage.channel.after if was_accepted else stage.channel.before).append(error)
    await stage.add(row("a"), reply("b", "a"))
    assert (await stage.sender().drain(MINUTE)).left_count == 0
    assert stage.channel.ids == ["a", "b"]
    assert stage.channel.looks == 1
    assert stage.channel.shown[1][2] == "ref-1"


@pytest.mark.parametrize(
    ("choice", "shown"),
    [(OnUnknown.SEND_AGAIN, ["a", "a", "b"]), (OnUnknown.LEAVE, ["a", "b"])],
)
async def test_if_no_lookup_is_possible_the_operator_chooses(stage: Stage, choice: OnUnknown, shown: list[str]) -> None:
    channel = FakeChannel(stage.clock, abilities=REDUCED)
    channel.after.append(OutcomeUnknown("reset"))
    await stage.add(row("a"), row("b"))
    await stage.sender(channel, on_unknown=choice).drain(MINUTE)
    assert sorted(channel.ids) == shown


async def test_an_edit_of_unknown_outcome_is_sent_again_without_a_look(stage: Stage) -> None:
    await stage.add(row("a"))
    await stage.sender().drain(MINUTE)
    stage.channel.after.append(OutcomeUnknown("reset"))
    await stage.add(edit("b", "a"))
    await stage.sender().drain(MINUTE)
    assert (stage.channel.faces, stage.channel.looks) == ({"ref-1": "b"}, 0)


async def test_an_edit_of_a_message_that_can_no_longer_be_edited_is_dropped(stage: Stage) -> None:
    await stage.add(row("a"))
    await stage.sender().drain(MINUTE)
    stage.channel.before.append(NotEditable("too old"))
    await stage.add(edit("b", "a"))
    assert (await stage.sender().drain(MINUTE)).left_count == 0
    assert (await stage.state("b")).state is SendState.DROPPED


async def test_an_edit_of_a_message_that_was_never_sent_is_needless_and_a_reply_goes_to_the_top_level(
    stage: Stage,
) -> None:
    stage.channel.before.extend([FormRefused("x"), FormRefused("x")])
    await stage.add(row("a"), edit("b", "a"), reply("c", "a"))
    await stage.sender().drain(MINUTE)
    assert stage.channel.ids == ["c"]
    assert (await stage.state("b")).state is SendState.DROPPED


async def test_a_channel_without_threads_shows_replies_and_drops_edits(stage: Stage) -> None:
    channel = FakeChannel(stage.clock, abilities=REDUCED)
    await stage.add(row("a"), edit("b", "a"), reply("c", "a"))
    await stage.sender(channel).drain(MINUTE)
    assert [item[1:] for item in channel.shown] == [("a", ""), ("c", "")]


async def test_a_database_that_fails_under_a_channel_is_no_bug_of_the_channel_and_costs_a_retry(stage: Stage) -> None:
    stage.channel.before.append(StoreUnavailable("the disk is full"))
    await stage.add(row("a"))
    with capture_logs() as logs:
        done = await stage.sender().drain(HOUR)
    assert (done.sent, stage.channel.ids) == (1, ["a"])
    assert "channel raised an unexpected error" not in [entry["event"] for entry in logs]


async def test_a_stop_still_sends_what_is_due(stage: Stage) -> None:
    stop = asyncio.Event()
    stop.set()
    await stage.add(row("a"), row("b"))
    await stage.sender().run(stop)
    assert stage.channel.ids == ["a", "b"]


async def test_a_send_that_hangs_over_the_stop_is_of_unknown_outcome_and_found_at_the_next_start(stage: Stage) -> None:
    stop = asyncio.Event()
    stage.channel.hangs = asyncio.Event()
    await stage.add(row("a"), row("b"))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(stage.sender(grace=timedelta(seconds=0.1)).run(stop))
        await stage.channel.hangs.wait()
        stop.set()
    assert running.done()
    assert (await stage.state("a")).state is SendState.UNKNOWN
    stage.channel.hangs = None
    await stage.sender().drain(MINUTE)
    assert stage.channel.ids == ["a", "b"]


async def test_a_channel_that_never_answers_is_of_unknown_outcome(stage: Stage) -> None:
    stage.channel.hangs = asyncio.Event()
    await stage.add(row("a"))
    quick = stage.sender(attempt_timeout=timedelta(seconds=0.05))
    await quick.drain(timedelta(seconds=2))
    kept = await stage.state("a")
    assert kept.state is SendState.UNKNOWN
    assert "no answer within" in (kept.error or "")


async def test_an_absence_is_believed_only_when_a_late_message_would_have_arrived(stage: Stage) -> None:
    await stage.add(replace(row("a"), state=SendState.UNKNOWN, attempts=1, tried_at=START))
    await stage.sender().drain(MINUTE)
    assert stage.channel.looks == 2
    assert stage.channel.shown[0][0] - START >= SETTLE


# -- what a sender does with messages and channels that fail, and what the operator hears of it


async def test_a_refused_form_is_sent_once_more_as_plain_text_then_dropped_and_reported(stage: Stage) -> None:
    stage.channel.before.extend([FormRefused("invalid_blocks"), FormRefused("no_text"), FormRefused("invalid_blocks")])
    await stage.add(row("a"), row("b"))
    await stage.sender(operator="ops").drain(MINUTE)
    assert (await stage.state("a")).state is SendState.DROPPED
    assert (await stage.state("b")).is_plain
    assert stage.channel.ids[0] == "b"


async def test_a_refusal_drops_the_picture_before_the_buttons(stage: Stage) -> None:
    stage.channel.before.append(FormRefused("invalid_blocks"))
    outgoing = row("a")
    await stage.add(
        replace(outgoing, message=replace(story_post(outgoing.message), picture="https://img.example.org/a.jpg"))
    )
    await stage.sender().drain(MINUTE)
    sent = await stage.state("a")
    assert (sent.state, sent.is_plain, story_post(sent.message).picture) == (SendState.SENT, False, "")


async def test_a_thread_that_is_gone_is_answered_at_the_top_level_or_not_at_all(stage: Stage) -> None:
    await stage.add(row("a"))
    await stage.sender().drain(MINUTE)
    stage.channel.before.extend([ThreadGone("locked")] * 3)
    await stage.add(reply("b", "a"), reply("c", "a"))
    await stage.sender().drain(MINUTE)
    assert (await stage.state("b")).state is SendState.DROPPED
    assert [shown[1:] for shown in stage.channel.shown] == [("a", ""), ("c", "")]


async def test_a_closed_channel_keeps_its_messages_and_the_operator_gets_one_notice(stage: Stage) -> None:
    is_closed = True
    stage.channel.outage = lambda _: ChannelClosed("not_in_channel: invite the app") if is_closed else None
    await stage.add(row("a"), row("b"))
    for _ in range(3):
        done = await stage.sender(operator="ops").drain(MINUTE)
        assert done == Drained(sent=0, left_count=0, parked=2, reasons={"desk": "not_in_channel: invite the app"})
    assert len(await stage.notices()) == 1
    is_closed = False
    assert (await stage.sender(operator="ops").drain(MINUTE)).sent == 2
    assert stage.channel.ids == ["a", "b"]
    assert [lead.split(".")[0] for lead in await stage.notices()] == [
        "Channel desk is closed to Wirewatch",
        "Channel desk works again",
    ]


async def test_a_revoked_token_closes_every_channel_with_it_and_no_other(stage: Stage) -> None:
    first, two = FakeChannel(stage.clock, name="one", account="x"), FakeChannel(stage.clock, name="two", account="x")
    other = FakeChannel(stage.clock, name="other", account="y")
    first.outage = lambda _: ChannelClosed("token_revoked", whole_workspace=True)
    two.outage = first.outage
    await stage.add(row("a", channel="one"), row("b", channel="two"), row("c", channel="other"))
    done = await stage.sender(first, two, other, operator="other").drain(MINUTE)
    assert done.parked == 2
    assert other.ids[0] == "c"
    assert len(other.ids) == 2, "one notice for both"


async def test_the_closed_channel_of_the_operator_is_reported_in_another_channel(stage: Stage) -> None:
    ops, desk = FakeChannel(stage.clock, name="ops", account="x"), FakeChannel(stage.clock, name="desk", account="y")
    ops.outage = lambda _: ChannelClosed("is_archived")
    await stage.add(row("a", channel="ops", message=messages.NOTICE))
    await stage.sender(ops, desk, operator="ops").drain(MINUTE)
    assert len(desk.ids) == 1


async def test_a_running_sender_finds_by_itself_that_a_channel_is_back(stage: Stage) -> None:
    stage.channel.outage = lambda _: ChannelClosed("not_in_channel") if stage.clock.now() < START + 2 * MINUTE else None
    await stage.add(row("a"), row("b"))
    await stage.run_until(stage.sender(), START + 5 * MINUTE)
    assert stage.channel.ids == ["a", "b"]


async def test_minutes_without_slack_lose_nothing_keep_the_order_and_have_one_notice(stage: Stage) -> None:
    back_at = START + 12 * MINUTE
    desk, ops = FakeChannel(stage.clock), FakeChannel(stage.clock, name="ops", account="console")
    asked: list[object] = []

    def outage(_: Delivery) -> SendError | None:
        if stage.clock.now() >= back_at:
            return None
        asked.append(stage.clock.now())
        return OutcomeUnknown("no answer in time") if len(asked) % 2 else RetryLater("the connection is refused")

    desk.outage = outage
    await stage.add(
        *(row(f"m{number}") for number in range(5)), *(reply(f"r{number}", f"m{number}") for number in range(5))
    )
    await stage.run_until(stage.sender(desk, ops, operator="ops"), back_at + 10 * MINUTE)
    assert len(desk.ids) == len(set(desk.ids)) == 10
    assert all(desk.ids.index(f"m{number}") < desk.ids.index(f"r{number}") for number in range(5))
    assert desk.shown[0][0] - back_at <= LONGEST_WAIT + timedelta(seconds=5)
    assert len(asked) < 40, "a channel that is down is not hammered"
    assert len(ops.ids) == 2, "that it fails, and that it is back"


async def test_a_poisoned_message_does_not_hold_up_the_others(stage: Stage) -> None:
    stage.channel.outage = lambda delivery: OutcomeUnknown("500") if delivery.id == "poison" else None
    await stage.add(row("poison"), *(row(f"m{number}") for number in range(5)))
    done = await stage.sender().drain(MINUTE)
    assert (done.sent, done.left_count) == (5, 1)


async def test_a_full_disk_stops_the_sender_and_nothing_is_lost_or_doubled_when_it_is_mended(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, failing = stage.store.write, 0

    async def write_if_there_is_room(work: Callable[[storage.Transaction], object]) -> object:
        nonlocal failing
        if failing:
            failing -= 1
            raise StoreUnavailable("the disk is full")
        return await write(work)

    def fill_the_disk(_: Delivery) -> None:
        nonlocal failing
        failing = 3

    monkeypatch.setattr(stage.store, "write", write_if_there_is_room)
    stage.channel.outage = fill_the_disk
    await stage.add(row("a"), row("b"))
    await stage.sender().drain(HOUR)
    assert (stage.channel.ids, failing) == (["a", "b"], 0)


RECEIPT = Receipt(ref="1", place="C1", sent_at=START)


def test_a_clock_that_was_set_back_does_not_hide_a_message_from_the_look_up() -> None:
    unknown = replace(row("a"), state=SendState.UNKNOWN, tried_at=START + timedelta(hours=5))
    step = send_policy.first_step(unknown, None, abilities=FULL, now=START)
    assert isinstance(step, send_policy.Look)
    assert step.since < START


def test_where_the_service_knows_a_repetition_it_is_sent_at_once_for_as_long_as_it_does() -> None:
    knows = replace(FULL, idempotent=timedelta(minutes=1))
    unknown = replace(row("a"), state=SendState.UNKNOWN, tried_at=START)
    for lookup in (True, False):
        for choice in OnUnknown:
            abilities = replace(knows, lookup=lookup)
            step = send_policy.first_step(
                unknown, None, abilities=abilities, now=START + timedelta(seconds=59), on_unknown=choice
            )
            assert isinstance(step, send_policy.Send)
    for later in (timedelta(minutes=1), -timedelta(seconds=1)):
        assert isinstance(send_policy.first_step(unknown, None, abilities=knows, now=START + later), send_policy.Look)


@given(
    steps=st.lists(
        st.sampled_from(
            [
                send_policy.Sent(RECEIPT),
                send_policy.LookFirst(START, "x"),
                send_policy.RetryAt(START, "x"),
                send_policy.Resend("x", is_plain=True),
                send_policy.Park("x"),
                send_policy.Drop("x"),
            ]
        ),
        max_size=30,
    ),
    pace=st.timedeltas(min_value=timedelta(), max_value=timedelta(seconds=5)),
)
def test_whatever_happens_the_pace_is_kept_and_no_pause_is_for_ever(
    steps: list[send_policy.WrittenStep], pace: timedelta
) -> None:
    lane = send_policy.Lane(at=START, ready_at=START)
    for step in steps:
        lane = send_policy.plan_lane(lane, step, pace=pace, now=START)
        assert START + pace <= lane.ready_at <= START + max(pace, LONGEST_WAIT)
        assert lane.probe_at is None or lane.probe_at <= START + send_policy.LONGEST_PROBE


def test_a_clock_that_was_set_back_does_not_silence_a_channel() -> None:
    later = START + timedelta(hours=3)
    lane = send_policy.plan_lane(
        send_policy.Lane(at=later, ready_at=later), send_policy.Park("x"), pace=timedelta(seconds=1), now=later
    )
    assert send_policy.reset_after_clock_step(lane, pace=timedelta(seconds=1), now=later) == lane
    assert send_policy.reset_after_clock_step(lane, pace=timedelta(seconds=1), now=START) == send_policy.Lane(
        at=START, ready_at=START + timedelta(seconds=1)
    )
