"""What follows from what: the pure core of sending."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import model, ports
from bot.model import SendState
from bot.outbox import policy
from bot.testing import messages
from testbed.fakes import START
from tests.outbox.rows import FULL, REDUCED, reply, row

RECEIPT = model.Receipt(ref="1", place="C1", sent_at=START)
HEAD = replace(row("head"), state=SendState.SENT, receipt=RECEIPT)
SEND = policy.Send(ports.Delivery(id=model.SendId("a"), message=row("a").message))
ERRORS = (
    ports.Wait("x"),
    ports.Wait("x", after=timedelta(seconds=9)),
    ports.Wait("x", whole_channel=False),
    ports.Unknown("x"),
    ports.TooMuch("x"),
    ports.ThreadGone("x"),
    ports.NotEditable("x"),
    ports.Parked("x"),
    ports.Parked("x", whole_workspace=True),
    ports.SendError("x"),
)


def after(error: ports.SendError, of: model.Outgoing = row("a")) -> policy.Step:  # noqa: B008 - frozen
    return policy.next_step(of, SEND, policy.Failed(error), now=START)


@pytest.mark.parametrize("error", ERRORS)
def test_no_failure_loses_a_message_at_its_first_attempt(error: ports.SendError) -> None:
    written = policy.apply(reply("a", "head"), after(error, reply("a", "head")), last=SEND, now=START)
    if isinstance(error, ports.NotEditable):
        assert written.state is SendState.DROPPED
    else:
        assert written.state in (SendState.PENDING, SendState.UNKNOWN, SendState.PARKED)
    assert written.attempts == 1
    assert written.error


@pytest.mark.parametrize("error", ERRORS)
def test_only_what_surely_was_not_accepted_may_be_sent_without_a_look(error: ports.SendError) -> None:
    step = after(error)
    surely_not = isinstance(error, ports.Wait | ports.TooMuch | ports.ThreadGone | ports.NotEditable | ports.Parked)
    assert isinstance(step, policy.LookFirst) is not surely_not


def test_a_clock_that_was_set_back_does_not_hide_a_message_from_the_look_up() -> None:
    unknown = replace(row("a"), state=SendState.UNKNOWN, tried_at=START + timedelta(hours=5))
    step = policy.first_step(unknown, None, abilities=FULL, now=START)
    assert isinstance(step, policy.Look)
    assert step.since < START


def test_where_the_service_knows_a_repetition_it_is_sent_at_once_for_as_long_as_it_does() -> None:
    knows = replace(FULL, idempotent=timedelta(minutes=1))
    unknown = replace(row("a"), state=SendState.UNKNOWN, tried_at=START)
    for lookup in (True, False):
        for choice in model.OnUnknown:
            abilities = replace(knows, lookup=lookup)
            step = policy.first_step(
                unknown, None, abilities=abilities, now=START + timedelta(seconds=59), on_unknown=choice
            )
            assert isinstance(step, policy.Send)
    for later in (timedelta(minutes=1), -timedelta(seconds=1)):
        assert isinstance(policy.first_step(unknown, None, abilities=knows, now=START + later), policy.Look)


@given(
    steps=st.lists(
        st.sampled_from(
            [
                policy.Sent(RECEIPT),
                policy.LookFirst(START, "x"),
                policy.RetryAt(START, "x"),
                policy.Simplify("x"),
                policy.ParkChannel("x"),
                policy.Drop("x"),
            ]
        ),
        max_size=30,
    ),
    pace=st.timedeltas(min_value=timedelta(), max_value=timedelta(seconds=5)),
)
def test_whatever_happens_the_pace_is_kept_and_no_pause_is_for_ever(steps: list[policy.Step], pace: timedelta) -> None:
    lane = policy.Lane(at=START, ready_at=START)
    for step in steps:
        lane = policy.plan(lane, step, pace=pace, now=START)
        assert START + pace <= lane.ready_at <= START + max(pace, model.LONGEST_WAIT)
        assert lane.probe_at is None or lane.probe_at <= START + policy.LONGEST_PROBE


def test_a_clock_that_was_set_back_does_not_silence_a_channel() -> None:
    later = START + timedelta(hours=3)
    lane = policy.plan(
        policy.Lane(at=later, ready_at=later), policy.ParkChannel("x"), pace=timedelta(seconds=1), now=later
    )
    assert policy.after_clock(lane, pace=timedelta(seconds=1), now=later) == lane
    assert policy.after_clock(lane, pace=timedelta(seconds=1), now=START) == policy.Lane(
        at=START, ready_at=START + timedelta(seconds=1)
    )


UNSURE = replace(row("a"), message=messages.UNSURE)
BROADCASTING = replace(FULL, broadcast=True)


def test_what_may_be_part_of_another_story_is_shown_in_the_channel_from_its_thread() -> None:
    step = policy.first_step(UNSURE, HEAD, abilities=BROADCASTING, now=START)
    assert isinstance(step, policy.Send)
    assert (step.delivery.reply_to, step.delivery.is_broadcast) == (RECEIPT, True)


@pytest.mark.parametrize("abilities", [FULL, REDUCED])
def test_where_a_reply_cannot_be_shown_in_the_channel_it_is_a_message_as_any(abilities: ports.Abilities) -> None:
    step = policy.first_step(UNSURE, HEAD, abilities=abilities, now=START)
    assert isinstance(step, policy.Send)
    assert (step.delivery.reply_to, step.delivery.is_broadcast) == (None, False)


def test_what_may_be_part_of_a_story_whose_thread_is_gone_goes_to_the_top_level() -> None:
    step = after(ports.ThreadGone("x"), UNSURE)
    assert isinstance(step, policy.TopLevel)
    again = policy.first_step(policy.apply(UNSURE, step, last=SEND, now=START), HEAD, abilities=BROADCASTING, now=START)
    assert isinstance(again, policy.Send)
    assert again.delivery.reply_to is None
