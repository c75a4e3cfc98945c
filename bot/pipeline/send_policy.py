"""Pure functions that decide the next step for an outgoing message, and when its channel can accept another message.

claimed row ── first_step ──> Send ──> the channel ──> outcome ── next_step ──> Sent, RetryAt, LookFirst, …
                          └─> Look ──> the channel ──> outcome ──┘
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from bot.durations import backoff, is_recent
from bot.model.channels import Abilities, Delivery
from bot.model.errors import ChannelClosed, DocumentRefused, FormRefused, NotEditable, RetryLater, SendError, ThreadGone
from bot.model.messages import Edit, Listing, Notice, Outgoing, Receipt, Reply, SendState, content_of, without_picture
from bot.model.settings import OnUnknown

#: After this many failures, a message waits longer than its channel, so that other messages are sent.
_PATIENCE = 3
#: A look-up covers this much time before the first attempt, because our clock and the channel's may differ.
CLOCK_MARGIN = timedelta(minutes=15)


class ChannelCrashed(SendError):
    """A channel raised an unexpected error on a delivery and works without it, so the delivery is at fault."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(f"unexpected error of the channel ({type(fault).__name__}); the log has the details")
        self.fault = fault


#: The result of an attempt: the receipt of a message that arrived, an error, or None if a look-up found nothing.
Outcome: TypeAlias = Receipt | SendError | None


# -- steps


class Send(msgspec.Struct, frozen=True):
    """Send this delivery."""

    delivery: Delivery


class Look(msgspec.Struct, frozen=True):
    """Look up whether this delivery arrived after ``since``."""

    delivery: Delivery
    since: datetime


class Sent(msgspec.Struct, frozen=True):
    """The service accepted the message, or the channel's template left it out."""

    receipt: Receipt


class RetryAt(msgspec.Struct, frozen=True):
    """The service did not accept the message; send it again at ``when``.

    If ``pauses_channel`` is true, the channel's other messages wait too.
    """

    when: datetime
    reason: str
    pauses_channel: bool = True
    #: Whether the channel requested this time. If false, ``when`` comes from the back-off of the message, and the
    #: channel's pause has a separate back-off.
    is_requested: bool = False


class LookFirst(msgspec.Struct, frozen=True):
    """It is unknown whether the message arrived; look it up at ``when``, and send it only if it did not arrive."""

    when: datetime
    reason: str


class Resend(msgspec.Struct, frozen=True):
    """The format or the thread was refused; send the message once more: simpler, or at top level."""

    reason: str
    is_without_picture: bool = False
    is_plain: bool = False
    is_top_level: bool = False
    #: Whether the message may have arrived, so that it must be looked up first.
    may_have_arrived: bool = False


class Park(msgspec.Struct, frozen=True):
    """Keep all messages of the channel, or of every channel with the same credentials, until somebody acts."""

    reason: str
    whole_workspace: bool = False


class Drop(msgspec.Struct, frozen=True):
    """Do not send the row, for ``reason``. ``is_loss`` is true if the row was still needed but cannot be sent."""

    reason: str
    is_loss: bool = False
    #: Why the message is set aside: the unexpected error of the channel's code, or the service's refusal of every form.
    fault: Exception | str | None = None


Attempt: TypeAlias = Send | Look
#: A step that ends the row's lease and is written to the store.
WrittenStep: TypeAlias = Sent | RetryAt | LookFirst | Resend | Park | Drop
Step: TypeAlias = Attempt | WrittenStep


def first_step(
    row: Outgoing,
    head: Outgoing | None,
    *,
    abilities: Abilities,
    now: datetime,
    on_unknown: OnUnknown = OnUnknown.SEND_AGAIN,
) -> Step:
    """Return the step for a newly claimed row.

    ``head`` is the row of the thread's first message, or None if ``row`` is the first message.
    """
    receipt = head.receipt if head is not None and head.receipt is not None and head.receipt.ref else None
    if isinstance(row.message, Edit):
        if not abilities.edits:
            return Drop("this kind of channel cannot edit a message")
        if receipt is None:
            return Drop("the message it would edit was never sent, or its channel gave no reference to it")
        # An edit that arrives twice leaves the same message, so it needs no look-up.
        return Send(Delivery(id=row.id, message=row.message, edits=receipt, is_plain=row.is_plain))
    is_reply = _belongs_in_thread(row, abilities) and not row.is_top_level
    delivery = Delivery(
        id=row.id,
        message=row.message,
        reply_to=receipt if is_reply else None,
        is_plain=row.is_plain,
    )
    is_repeatable = is_recent(row.tried_at or row.created_at, abilities.idempotent, now)
    if row.state is not SendState.UNKNOWN or is_repeatable:
        return Send(delivery)
    if abilities.lookup:
        # Search from now at the latest, because the clock may have been set back.
        return Look(delivery, since=min(row.tried_at or row.created_at, now) - CLOCK_MARGIN)
    if on_unknown is OnUnknown.LEAVE:
        reason = "it is unknown whether it arrived, and on_unknown is at_most_once"
        return Drop(reason, is_loss=True)
    return Send(delivery)


def _belongs_in_thread(row: Outgoing, abilities: Abilities) -> bool:
    """Return whether the channel shows the message in a thread."""
    return isinstance(row.message, Reply) and abilities.threads


def next_step(row: Outgoing, last: Attempt, outcome: Outcome, *, settled_at: datetime, now: datetime) -> Step:
    """Return the step that follows from the outcome of ``last``.

    Before ``settled_at``, a message that a look-up did not find may still arrive.
    """
    if isinstance(outcome, Receipt):
        return Sent(outcome)
    if isinstance(outcome, SendError):
        return _after_error(row, outcome, is_look=isinstance(last, Look), now=now)
    if now < settled_at:
        return LookFirst(settled_at, "not found yet; checking once more before it is sent again")
    return Send(last.delivery)


def _after_error(row: Outgoing, error: SendError, *, is_look: bool, now: datetime) -> WrittenStep:
    reason = f"checking whether it arrived: {error}" if is_look else str(error)
    match error:
        case RetryLater(retry_after=retry_after, whole_channel=whole_channel):
            when = now + (_row_wait(row) if retry_after is None else retry_after)
            if is_look:
                return LookFirst(when, reason)
            return RetryAt(when, reason, whole_channel, is_requested=retry_after is not None)
        case ThreadGone() if is_look:
            # Nobody sees a reply in a deleted thread, so post it at top level.
            return Resend(reason, is_top_level=True)
        case ThreadGone():
            if row.is_top_level or not isinstance(row.message, Reply):
                return Drop(reason, is_loss=True)
            return Resend(reason, is_top_level=True)
        case ChannelClosed(whole_workspace=whole_workspace):
            return Park(reason, whole_workspace)
        case DocumentRefused() if not is_look:
            return Drop(reason, is_loss=True, fault=reason)
        case FormRefused() if not is_look:
            if without_picture(row.message) != row.message and not row.is_plain:
                # Slack refuses a message whose picture it cannot load. Keep the links and buttons.
                return Resend(reason, is_without_picture=True)
            if row.is_plain:
                reason = f"refused also as plain text: {reason}"
                # The next edit of a story shows the same, and a notice is soon out of date.
                is_list = isinstance(content_of(row.message), Listing)
                is_passing = isinstance(row.message, Edit | Notice) and not is_list
                return Drop(reason, is_loss=True, fault=None if is_passing else reason)
            return Resend(reason, is_plain=True)
        case ChannelCrashed(fault=fault):
            if row.is_plain:
                return Drop(reason, is_loss=True, fault=fault)
            # The channel may have raised after the service accepted the message.
            return Resend(reason, is_plain=True, may_have_arrived=True)
        case NotEditable() if not is_look:
            return Drop(reason)
        case _:
            # After an unknown outcome or any other failure, a look-up is always safe.
            return LookFirst(now + _row_wait(row), reason)


def _row_wait(row: Outgoing) -> timedelta:
    """Return how long a failed message waits.

    After ``_PATIENCE`` failures the message waits longer than the channel, so that other messages are sent. The fault
    may be in the message.
    """
    wait = backoff(row.attempts)
    return wait if row.attempts < _PATIENCE else 2 * wait


def apply_step(row: Outgoing, step: WrittenStep, *, last: Attempt | None, now: datetime) -> Outgoing:
    """Return the row after ``step``. ``last`` is the attempt before the step, or None if there was none."""
    attempts = row.attempts + isinstance(last, Send)
    tried_at = row.tried_at or (now if isinstance(last, Send) else None)
    row = replace(row, attempts=attempts, tried_at=tried_at)
    match step:
        case Sent(receipt=receipt) if receipt.is_left_out:
            reason = "the channel's template writes nothing for this message"
            return replace(row, state=SendState.LEFT_OUT, receipt=receipt, error=reason)
        case Sent(receipt=receipt):
            return replace(row, state=SendState.SENT, receipt=receipt, error=None)
        case RetryAt(when=when, reason=reason):
            return replace(row, state=SendState.PENDING, due_at=when, error=reason)
        case LookFirst(when=when, reason=reason):
            return replace(row, state=SendState.UNKNOWN, due_at=when, error=reason)
        case Resend(reason=reason):
            is_plain, is_top_level = row.is_plain or step.is_plain, row.is_top_level or step.is_top_level
            state = SendState.UNKNOWN if step.may_have_arrived else SendState.PENDING
            message = without_picture(row.message) if step.is_without_picture else row.message
            row = replace(row, is_plain=is_plain, is_top_level=is_top_level, message=message)
            return replace(row, state=state, due_at=now, error=reason)
        case Park(reason=reason):
            return replace(row, state=SendState.PARKED, due_at=now, error=reason)
        case Drop(reason=reason):
            return replace(row, state=SendState.DROPPED, error=reason)
        case _:
            assert_never(step)


# -- pace: when a channel may be posted to


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """The time at which a channel can accept another message, and the channel's recent failures."""

    #: Time at which the lane was computed. If the clock shows an earlier time, the clock was set back.
    at: datetime
    #: Nothing is sent before this time.
    ready_at: datetime
    #: Number of consecutive failures, of any message.
    failures: int = 0
    failing_since: datetime | None = None
    #: Time of the next probe of a closed channel, or None if the channel is open.
    probe_at: datetime | None = None
    #: Number of consecutive probes that found the channel closed.
    probes: int = 0


#: A closed channel is probed after a minute, then at intervals that double up to a quarter of an hour.
FIRST_PROBE = timedelta(minutes=1)
LONGEST_PROBE = timedelta(minutes=15)
#: A channel that fails for this long is reported to the operator.
REPORT_AFTER = timedelta(minutes=5)


def plan_lane(lane: Lane, step: WrittenStep, *, pace: timedelta, now: datetime) -> Lane:
    """Return the lane after a step. ``now`` is the end of the attempt, so two messages are at least ``pace`` apart."""
    rested = now + pace
    match step:
        case Sent():
            return Lane(at=now, ready_at=rested)
        case RetryAt(when=when, pauses_channel=True, is_requested=True):
            return _failed(lane, until=max(when, rested), now=now)
        case RetryAt(pauses_channel=True) | LookFirst():
            return _failed(lane, until=max(now + backoff(lane.failures), rested), now=now)
        case Park():
            wait = min(FIRST_PROBE * 2 ** min(lane.probes, 10), LONGEST_PROBE)
            return Lane(at=now, ready_at=rested, probe_at=now + wait, probes=lane.probes + 1)
        case _:
            return replace(lane, at=now, ready_at=rested)


def _failed(lane: Lane, *, until: datetime, now: datetime) -> Lane:
    since = lane.failing_since or now
    return replace(lane, at=now, ready_at=until, failures=lane.failures + 1, failing_since=since)


def reset_after_clock_step(lane: Lane, *, pace: timedelta, now: datetime) -> Lane:
    """Return the lane, or an open lane if the clock was set back, because old times would block the channel."""
    if now >= lane.at:
        return lane
    return Lane(at=now, ready_at=now + pace)


def is_worth_reporting(lane: Lane, *, now: datetime) -> bool:
    """Return whether the channel has failed long enough for a notice."""
    return lane.failing_since is not None and now - lane.failing_since >= REPORT_AFTER
