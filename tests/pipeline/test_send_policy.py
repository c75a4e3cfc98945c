"""The next step of a message after each event: the pure core of sending."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.durations import LONGEST_WAIT
from bot.model.channels import Delivery
from bot.model.errors import ChannelClosed, FormRefused, NotEditable, OutcomeUnknown, RetryLater, SendError, ThreadGone
from bot.model.messages import Receipt, SendState
from bot.model.settings import OnUnknown
from bot.model.stories import SendId
from bot.pipeline import send_policy
from tests.pipeline.outbox_rows import FULL, reply, row
from tests.testbed.fakes import START

RECEIPT = Receipt(ref="1", place="C1", sent_at=START)
SEND = send_policy.Send(Delivery(id=SendId("a"), message=row("a").message))
ERRORS = (
    RetryLater("x"),
    RetryLater("x", retry_after=timedelta(seconds=9)),
    RetryLater("x", whole_channel=False),
    OutcomeUnknown("x"),
    FormRefused("x"),
    ThreadGone("x"),
    NotEditable("x"),
    ChannelClosed("x"),
    ChannelClosed("x", whole_workspace=True),
    SendError("x"),
)


@pytest.mark.parametrize("error", ERRORS)
def test_no_failure_loses_a_message_at_its_first_attempt_and_an_unclear_one_is_looked_up(error: SendError) -> None:
    outgoing = reply("a", "head")
    step = send_policy.next_step(outgoing, SEND, error, settled_at=START, now=START)
    assert not isinstance(step, send_policy.Attempt)
    written = send_policy.apply_step(outgoing, step, last=SEND, now=START)
    assert (written.attempts, bool(written.error)) == (1, True)
    if isinstance(error, NotEditable):
        assert written.state is SendState.DROPPED
    elif isinstance(error, ChannelClosed):
        assert written.state is SendState.PARKED
    elif isinstance(error, RetryLater | FormRefused | ThreadGone):
        assert written.state is SendState.PENDING
    else:
        assert written.state is SendState.UNKNOWN


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
