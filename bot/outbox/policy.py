"""What to do next with a message, given its row and the last outcome; and when its channel may be posted to.

Knows no channel, no store and no clock: the sender acts on the named steps that come out of here.

    claimed row ── first_step ──> Send ──> the channel ──> outcome ── next_step ──> Sent, RetryAt, LookFirst, …
                              └─> Look ──> the channel ──> outcome ──┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from bot import model, ports

#: Failures of one message after which the next one is let past it.
_PATIENCE = 3
#: A look-up starts this much before the first attempt: our clock and the channel's may differ.
CLOCK_MARGIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The channel took it, now or as a look-up shows."""

    receipt: model.Receipt


@dataclass(frozen=True, slots=True)
class Failed:
    """A send raised this error."""

    error: ports.SendError


@dataclass(frozen=True, slots=True)
class Interrupted:
    """We stopped while it was on its way."""


@dataclass(frozen=True, slots=True)
class NotThere:
    """The look-up found nothing. It is believed from ``settled_at`` on: before, the channel may still be taking it."""

    settled_at: datetime


@dataclass(frozen=True, slots=True)
class LookFailed:
    """The check whether a message had arrived raised this error."""

    error: ports.SendError


@dataclass(frozen=True, slots=True)
class Crashed:
    """A channel raised what it must not: our bug."""

    text: str


#: What became of the last attempt.
Outcome: TypeAlias = Accepted | Failed | Interrupted | NotThere | LookFailed | Crashed


# -- steps: what to do next


@dataclass(frozen=True, slots=True)
class Send:
    """Send this delivery."""

    delivery: ports.Delivery


@dataclass(frozen=True, slots=True)
class Look:
    """Check whether this delivery arrived after ``since``."""

    delivery: ports.Delivery
    since: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """The service accepted the message."""

    receipt: model.Receipt


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Surely not accepted: send again then. ``pauses_channel``: nothing else goes there before either."""

    when: datetime
    reason: str
    pauses_channel: bool = True
    #: The channel itself named the time; false: it is our own guess, and the channel's pause is guessed apart.
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class LookFirst:
    """The outcome is unknown: then look, and send only what is not there."""

    when: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Simplify:
    """Refused for its form: once more as plain text."""

    reason: str


@dataclass(frozen=True, slots=True)
class TopLevel:
    """Its thread cannot take it: once more outside of it."""

    reason: str


@dataclass(frozen=True, slots=True)
class ParkChannel:
    """Keep all messages of the channel until somebody acts, for ``reason``."""

    reason: str


@dataclass(frozen=True, slots=True)
class ParkWorkspace:
    """Every channel with the same credentials is closed too."""

    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Needless (``is_loss`` false) or impossible: the row ends with its reason."""

    reason: str
    is_loss: bool = False


Step: TypeAlias = Send | Look | Sent | RetryAt | LookFirst | Simplify | TopLevel | ParkChannel | ParkWorkspace | Drop


def first_step(
    row: model.Outgoing,
    head: model.Outgoing | None,
    *,
    abilities: ports.Abilities,
    now: datetime,
    on_unknown: model.OnUnknown = model.OnUnknown.SEND_AGAIN,
) -> Step:
    """What a freshly claimed row needs. ``head`` is the row at the head of the thread that it belongs in; None: it is
    the head of its own.
    """
    receipt = head.receipt if head is not None and head.receipt is not None and head.receipt.ref else None
    if row.message.kind is model.MessageKind.EDIT:
        if not abilities.edits:
            return Drop("this kind of channel cannot edit a message")
        if receipt is None:
            return Drop("the message it would edit was never sent, or its channel gave no reference to it")
        # An edit that arrived twice leaves the same message: no look-up is needed, whatever its outcome was.
        return Send(ports.Delivery(id=row.id, message=row.message, edits=receipt, is_plain=row.is_plain))
    is_reply = _belongs_in_thread(row, abilities) and not row.is_top_level
    delivery = ports.Delivery(
        id=row.id,
        message=row.message,
        reply_to=receipt if is_reply else None,
        is_plain=row.is_plain,
        is_broadcast=is_reply and abilities.broadcast and row.message.nearest is not None,
    )
    # The age is below zero after the clock was set back.
    is_repeatable = timedelta() <= now - (row.tried_at or row.created_at) < abilities.idempotent
    if row.state is not model.SendState.UNKNOWN or is_repeatable:
        return Send(delivery)
    if abilities.lookup:
        # Not after now: the clock may have been set back since.
        return Look(delivery, since=min(row.tried_at or row.created_at, now) - CLOCK_MARGIN)
    if on_unknown is model.OnUnknown.LEAVE:
        reason = "it is unknown whether it arrived, and on_unknown says to send at most once"
        return Drop(reason, is_loss=True)
    return Send(delivery)


def _belongs_in_thread(row: model.Outgoing, abilities: ports.Abilities) -> bool:
    """A reply, or a story that may be part of another, where its thread can show it in the channel too."""
    if row.message.kind is model.MessageKind.REPLY:
        return abilities.threads
    return row.message.nearest is not None and abilities.threads and abilities.broadcast


def next_step(row: model.Outgoing, last: Send | Look, outcome: Outcome, *, now: datetime) -> Step:
    """What follows from the outcome of ``last``."""
    match outcome:
        case Accepted(receipt=receipt):
            return Sent(receipt)
        case Interrupted():
            return LookFirst(now, "interrupted while it was sent")
        case NotThere(settled_at=settled_at):
            if now < settled_at:
                return LookFirst(settled_at, "not there yet; checking once more before it is sent again")
            return Send(last.delivery)
        case LookFailed(error=error):
            return _after_look_error(row, error, now=now)
        case Failed(error=error):
            return _after_error(row, error, now=now)
        case Crashed(text=text):
            if row.is_plain:
                return Drop(text, is_loss=True)
            return Simplify(text)
        case _:
            assert_never(outcome)


def _after_error(row: model.Outgoing, error: ports.SendError, *, now: datetime) -> Step:
    reason = str(error)
    match error:
        case ports.Wait(after=after, whole_channel=whole_channel):
            if after is None:
                return RetryAt(now + _row_wait(row), reason, whole_channel)
            return RetryAt(now + after, reason, whole_channel, is_told=True)
        case ports.TooMuch():
            return Drop(f"refused also as plain text: {reason}", is_loss=True) if row.is_plain else Simplify(reason)
        case ports.ThreadGone():
            if row.is_top_level or (row.message.kind is not model.MessageKind.REPLY and row.message.nearest is None):
                return Drop(reason, is_loss=True)
            return TopLevel(reason)
        case ports.NotEditable():
            return Drop(reason)
        case ports.Parked(whole_workspace=whole_workspace):
            return ParkWorkspace(reason) if whole_workspace else ParkChannel(reason)
        case _:
            # Unknown, and any failure that does not say more: to look first is always safe.
            return LookFirst(now + _row_wait(row), reason)


def _after_look_error(row: model.Outgoing, error: ports.SendError, *, now: datetime) -> Step:
    """A failed look-up settles nothing: look again, or wait until the channel is back."""
    reason = f"checking whether it arrived: {error}"
    match error:
        case ports.Wait(after=after):
            return LookFirst(now + (_row_wait(row) if after is None else after), reason)
        case ports.ThreadGone():
            # The thread is gone and the reply with it: nobody sees it there, so it goes to the top level.
            return TopLevel(reason)
        case ports.Parked(whole_workspace=whole_workspace):
            return ParkWorkspace(reason) if whole_workspace else ParkChannel(reason)
        case _:
            return LookFirst(now + _row_wait(row), reason)


def _row_wait(row: model.Outgoing) -> timedelta:
    """A message that fails again and again waits longer than its channel does, so that the next one has its turn: it
    may be the message, not the channel."""
    wait = model.backoff(row.attempts)
    return wait if row.attempts < _PATIENCE else 2 * wait


def apply(row: model.Outgoing, step: Step, *, last: Send | Look | None, now: datetime) -> model.Outgoing:
    """The row as it is written after ``step``; ``last`` is what was attempted, None when nothing was."""
    attempts = row.attempts + isinstance(last, Send)
    tried_at = row.tried_at or (now if isinstance(last, Send) else None)
    row = replace(row, attempts=attempts, tried_at=tried_at)
    match step:
        case Sent(receipt=receipt):
            return replace(row, state=model.SendState.SENT, receipt=receipt, error=None)
        case RetryAt(when=when, reason=reason):
            return replace(row, state=model.SendState.PENDING, due_at=when, error=reason)
        case LookFirst(when=when, reason=reason):
            return replace(row, state=model.SendState.UNKNOWN, due_at=when, error=reason)
        case Simplify(reason=reason):
            return replace(row, state=model.SendState.PENDING, due_at=now, is_plain=True, error=reason)
        case TopLevel(reason=reason):
            return replace(row, state=model.SendState.PENDING, due_at=now, is_top_level=True, error=reason)
        case ParkChannel(reason=reason) | ParkWorkspace(reason=reason):
            return replace(row, state=model.SendState.PARKED, due_at=now, error=reason)
        case Drop(reason=reason):
            return replace(row, state=model.SendState.DROPPED, error=reason)
        case Send() | Look():
            raise ValueError(f"{type(step).__name__} is acted on, not written")
        case _:
            assert_never(step)


# -- pace: when a channel may be posted to


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One channel's turn to speak."""

    #: When this was written: a clock that shows less was set back.
    at: datetime
    #: Nothing goes there before.
    ready_at: datetime
    #: Failures in a row, of whatever message.
    failures: int = 0
    failing_since: datetime | None = None
    #: Closed to us; the next trial. None: open.
    probe_at: datetime | None = None
    #: Trials in a row that found it still closed.
    probes: int = 0


#: A closed channel is tried after a minute, then after twice as long each time, at most every quarter of an hour.
FIRST_PROBE = timedelta(minutes=1)
LONGEST_PROBE = timedelta(minutes=15)
#: Failing for so long is reported to the operator: one hiccup is not.
TELL_AFTER = timedelta(minutes=5)


def plan(lane: Lane, step: Step, *, pace: timedelta, now: datetime) -> Lane:
    """The lane after a step. ``now`` is the end of the attempt, so two arrivals are never nearer than ``pace``."""
    rested = now + pace
    match step:
        case Sent():
            return Lane(at=now, ready_at=rested)
        case RetryAt(when=when, pauses_channel=True, is_told=True):
            return _failed(lane, until=max(when, rested), now=now)
        case RetryAt(pauses_channel=True) | LookFirst():
            return _failed(lane, until=max(now + model.backoff(lane.failures), rested), now=now)
        case ParkChannel() | ParkWorkspace():
            wait = min(FIRST_PROBE * 2 ** min(lane.probes, 10), LONGEST_PROBE)
            return Lane(at=now, ready_at=rested, probe_at=now + wait, probes=lane.probes + 1)
        case _:
            return replace(lane, at=now, ready_at=rested)


def _failed(lane: Lane, *, until: datetime, now: datetime) -> Lane:
    since = lane.failing_since or now
    return replace(lane, at=now, ready_at=until, failures=lane.failures + 1, failing_since=since)


def after_clock(lane: Lane, *, pace: timedelta, now: datetime) -> Lane:
    """The lane as it is, or open where the clock was set back: its times would silence the channel for as long."""
    if now >= lane.at:
        return lane
    return Lane(at=now, ready_at=now + pace)


def is_worth_telling(lane: Lane, *, now: datetime) -> bool:
    """Whether the channel has failed long enough for a notice."""
    return lane.failing_since is not None and now - lane.failing_since >= TELL_AFTER
