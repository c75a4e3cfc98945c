"""Send the rows of the outbox, with one worker for each channel.

A claimed row is leased for a minute. If the process dies, the lease expires and the row has an unknown outcome. Before
the message is sent again, a look-up checks whether it arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

import msgspec
import structlog
from msgspec.structs import replace

from bot import notices, storage
from bot.aio import TaskGroup, retry_until_stored
from bot.config.settings import Settings
from bot.durations import Clock
from bot.model.alerts import Reason
from bot.model.channels import Channel
from bot.model.errors import OutcomeUnknown, RetryLater, SendError, StoreError
from bot.model.messages import Listing, Notice, Outgoing, Post, SendState, content_of, story_ids
from bot.model.quarantine import PieceKind
from bot.model.stories import send_id
from bot.pipeline import quarantine, send_policy
from bot.pipeline.reports import Observer
from bot.storage import keys

log = structlog.get_logger("wirewatch")


class IncidentKind(StrEnum):
    """The kind of an incident of a channel or a message."""

    PARKED = "parked"
    FAILING = "failing"
    DROPPED = "dropped"
    BACK = "back"


_NOTICES = {
    IncidentKind.PARKED: notices.channel_closed,
    IncidentKind.FAILING: notices.channel_failing,
    IncidentKind.DROPPED: notices.message_dropped,
    IncidentKind.BACK: notices.channel_is_back,
}


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident of one or more channels. It is reported once, in the transaction that records it."""

    kind: IncidentKind
    channels: Sequence[str]
    #: Reason of the incident. It is untrusted, because it may contain a service's text.
    reason: str
    #: The notice to the operator, or None if no channel can show it.
    notice: Outgoing | None

    def write(self, tx: storage.Transaction) -> None:
        """Write the incident and its notice in the caller's transaction."""
        if self.kind is not IncidentKind.DROPPED:
            for channel in self.channels:
                keys.channel_trouble(channel).put(tx, "" if self.kind is IncidentKind.BACK else self.reason)
        if self.notice is not None:
            tx.outbox.add([self.notice])


async def find_head(store: storage.Store, row: Outgoing) -> Outgoing | None:
    """Return the first row of the row's thread, or None if it is ``row`` itself. Raises StoreUnavailable."""
    if row.thread == row.id:
        return None
    return (await store.read(lambda tx: tx.outbox.get([row.thread]))).get(row.thread)


def post_apart(tx: storage.Transaction, row: Outgoing, *, now: datetime) -> bool:
    """Post the stories of a listing one by one, because one of them breaks the channel or is refused.

    Return False if it lists no story that the channel does not show yet; then it is set aside itself.
    """
    listing = content_of(row.message)
    if not isinstance(listing, Listing) or listing.reason is Reason.SURGE or len(listing.stories) < 2:
        return False
    shown = tx.outbox.shown_message(row.thread)
    version = tx.outbox.newest_version(listing.stories[0].id, row.thread)
    newest = version if isinstance(version, Listing) else listing
    views = [view for view in newest.stories if shown is None or view.id not in story_ids(shown)]
    stored = tx.stories.alerts([view.id for view in views])
    alerts = {alert.story: alert for alert in stored if alert.channel == row.channel}
    # A story with news left the message: it has a separate post.
    views = [view for view in views if view.id not in alerts or alerts[view.id].head == row.thread]
    for view in views:
        id_ = send_id("apart", row.thread, view.id)
        post = Post(severity=newest.severity, reason=newest.reason, story=view, public_url=newest.public_url)
        channel, story = row.channel, view.id
        tx.outbox.add(
            [Outgoing(id=id_, channel=channel, thread=id_, message=post, story=story, created_at=now, due_at=now)]
        )
        if story in alerts:
            tx.stories.save_alert(replace(alerts[story], head=id_, is_gathered=False))
    tx.decision_queue.note_change()
    return bool(views)


LEASE = timedelta(seconds=60)
#: Timeout of one attempt with all its requests (name, pages of history). It is well below the lease.
ATTEMPT_TIMEOUT = timedelta(seconds=45)
#: How often an idle worker queries the store.
POLL = timedelta(seconds=0.5)
#: How long due messages are still sent after a stop signal. A container is usually killed after ten seconds.
GRACE = timedelta(seconds=8)
#: After a start, a look-up that finds nothing is trusted only after this time, because the message of an interrupted
#: attempt may still arrive.
SETTLE = timedelta(seconds=2)
#: Interval at which new rows of a closed channel are parked, so that ``status`` is correct.
PARK_EVERY = timedelta(seconds=5)


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """The result of ``drain``."""

    sent: int
    #: Number of messages left for the next start: not due before the deadline, or with an unknown outcome.
    left_count: int
    parked: int
    #: Channel -> error of its last unsent message that was tried.
    reasons: Mapping[str, str] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class Sender:
    """Sends the rows of some channels in order, at each channel's pace.

    A message is sent only once if its channel supports look-ups.
    """

    store: storage.Store
    channels: Mapping[str, Channel]
    clock: Clock
    #: Returns the current configuration, which a reload replaces.
    settings: Callable[[], Settings]
    observer: Observer = field(default_factory=Observer)
    settle: timedelta = SETTLE
    grace: timedelta = GRACE
    attempt_timeout: timedelta = ATTEMPT_TIMEOUT
    _token: str = field(default_factory=lambda: uuid.uuid4().hex, init=False)
    _lanes: dict[str, send_policy.Lane] = field(default_factory=dict, init=False)
    #: Channel -> reason of an incident that was reported and is not over.
    _reported_reasons: dict[str, str] = field(default_factory=dict, init=False)
    _sent: int = field(default=0, init=False)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _started_at: datetime = field(init=False)
    #: Time at which the workers stop waiting, or None until a stop is requested.
    _ends_at: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._started_at = self.clock.now()

    # -- the two ways to run

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set. Then send the messages that are due, for at most the grace time."""
        self._ends_at = None
        try:
            await self._open_lanes()
            async with asyncio.timeout(None) as limit, TaskGroup() as group:
                for name in self.channels:
                    group.create_task(self._work(name))
                await stop.wait()
                self._ends_at = self.clock.now() + self.grace
                limit.reschedule(asyncio.get_running_loop().time() + self.grace.total_seconds())
        except TimeoutError:
            log.warning("sending stopped before the outbox was empty; the rest is sent at the next start")

    async def drain(self, deadline: timedelta) -> Drained:
        """Send until no message can be sent before the deadline. Wait for the channels' pace and Retry-After."""
        self._ends_at = self.clock.now() + deadline
        sent_before = self._sent
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout((deadline + self.grace).total_seconds()):
                await self._open_lanes()
                # Repeat, because a notice may be added to a channel whose worker has ended.
                while await self._is_work_left(self._ends_at):
                    async with TaskGroup() as group:
                        for name in self.channels:
                            group.create_task(self._work(name))
        counts, errors = await self.store.read(lambda tx: (tx.outbox.counts(), tx.outbox.last_errors()))
        own_counts = [(state, n) for (channel, state), n in counts.items() if channel in self.channels]
        waiting = (SendState.PENDING, SendState.SENDING, SendState.UNKNOWN)
        return Drained(
            sent=self._sent - sent_before,
            left_count=sum(n for state, n in own_counts if state in waiting),
            parked=sum(n for state, n in own_counts if state is SendState.PARKED),
            reasons={channel: error for channel, error in errors.items() if channel in self.channels},
        )

    async def _open_lanes(self) -> None:
        for name in self.channels:
            await retry_until_stored(partial(self._open_lane, name), self.clock)

    async def _is_work_left(self, deadline: datetime) -> bool:
        work = [partial(self._next_moment, name) for name in self.channels]
        moments = [await retry_until_stored(next_moment, self.clock) for next_moment in work]
        return any(moment is not None and moment <= deadline for moment in moments)

    # -- one channel's worker

    async def _work(self, name: str) -> None:
        while True:
            moment = await retry_until_stored(lambda: self._next_moment(name), self.clock)
            now = self.clock.now()
            if self._ends_at is not None and (moment is None or moment > self._ends_at):
                return
            if moment is None or moment > now:
                await self._sleep(POLL if moment is None else min(moment - now, PARK_EVERY))
                lane = self._lanes[name]
                # During the sleep, the channel may have closed, and the clock may have been set back.
                if moment is None or lane.probe_at is not None or self.clock.now() < max(moment, lane.ready_at):
                    continue
                # The row is due, so claim it without another query for due rows.
            row = await retry_until_stored(lambda: self._claim(name), self.clock)
            if row is None:
                await self._sleep(POLL)
                continue
            await self._process(row)

    async def _open_lane(self, name: str) -> None:
        """Begin to send to a channel. Try even a closed channel, because the operator may have repaired it."""

        def work(tx: storage.Transaction) -> str:
            tx.outbox.unpark([name], now=self.clock.now())
            return keys.channel_trouble(name).get(tx) or ""

        trouble = await self.store.write(work)
        if trouble:
            self._reported_reasons[name] = trouble
        # Wait for one pace interval, because the previous process may have sent a message a moment ago.
        now = self.clock.now()
        self._lanes[name] = send_policy.Lane(at=now, ready_at=now + self.channels[name].pace)

    async def _next_moment(self, name: str) -> datetime | None:
        """Return the time at which the channel's next row can be tried, or None if no row needs the worker soon."""
        now = self.clock.now()
        lane = self._lanes[name] = send_policy.reset_after_clock_step(
            self._lanes[name], now=now, pace=self.channels[name].pace
        )
        if lane.probe_at is None:
            if now < lane.ready_at and self._ends_at is None:
                # Nothing may be sent before ``ready_at``, so skip the query. This saves half of the queries
                # (bench/speed/delivery.py).
                return lane.ready_at
            due = await self.store.read(lambda tx: tx.outbox.next_due([name], now=now))
            if self._ends_at is None and due is not None and due > now + POLL:
                # The row is due later. Do not sleep until then, because another row may become due earlier.
                return None
            return None if due is None else max(due, lane.ready_at)
        if now < lane.probe_at:
            reason = self._reported_reasons.get(name, "the channel is closed")
            await self.store.write(lambda tx: tx.outbox.park([name], reason))
            return None if self._ends_at is not None else min(lane.probe_at, now + PARK_EVERY)
        await self.store.write(lambda tx: tx.outbox.unpark([name], now=now))
        self._lanes[name] = replace(lane, probe_at=None)
        return now

    async def _sleep(self, duration: timedelta) -> None:
        """Sleep. Until a stop is requested, sleep in short intervals to notice it soon."""
        until = self.clock.now() + duration
        ends_at = self._ends_at
        # If ``pause`` is longer than ``duration``, the clock was set back.
        while timedelta() < (pause := until - self.clock.now()) <= duration and self._ends_at == ends_at:
            await self.clock.sleep(min(pause, POLL) if ends_at is None else pause)

    async def _claim(self, name: str) -> Outgoing | None:
        now = self.clock.now()
        rows = await self.store.write(
            lambda tx: tx.outbox.claim(name, now=now, limit=1, token=self._token, lease=LEASE)
        )
        return rows[0] if rows else None

    async def _process(self, row: Outgoing) -> None:
        """Process one claimed row, with as many attempts as its steps need, until its next state is written."""
        channel = self.channels[row.channel]
        head = await retry_until_stored(partial(find_head, self.store, row), self.clock)
        step: send_policy.Step = send_policy.first_step(
            row, head, abilities=channel.abilities, now=self.clock.now(), on_unknown=self.settings().bot.on_unknown
        )
        last: send_policy.Attempt | None = None
        while isinstance(step, send_policy.Send | send_policy.Look):
            last = step
            try:
                outcome = await self._attempt(channel, step)
            except asyncio.CancelledError:
                # Try to record the unknown outcome. If this fails, the lease expires with the same result.
                interrupted = send_policy.LookFirst(self.clock.now(), "interrupted while the message was being sent")
                with contextlib.suppress(StoreError, TimeoutError, asyncio.CancelledError):
                    async with asyncio.timeout(1):
                        await asyncio.shield(self._write(row, interrupted, last))
                raise
            settled_at, now = self._started_at + self.settle, self.clock.now()
            step = send_policy.next_step(row, last, outcome, settled_at=settled_at, now=now)
        await retry_until_stored(partial(self._write, row, step, last), self.clock)

    async def _attempt(self, channel: Channel, step: send_policy.Attempt) -> send_policy.Outcome:
        """Try a step. If the channel raises an unexpected error, find out whether it works without the message."""

        async def attempt(steps: Sequence[send_policy.Attempt]) -> send_policy.Outcome:
            try:
                async with asyncio.timeout(self.attempt_timeout.total_seconds()):
                    if not steps:
                        await channel.check()
                        return None
                    [step] = steps
                    if isinstance(step, send_policy.Send):
                        return await channel.send(step.delivery)
                    return await channel.find(step.delivery, since=step.since)
            except TimeoutError:
                return OutcomeUnknown(f"no answer within {self.attempt_timeout.total_seconds():g} seconds")
            except SendError as error:
                return error
            except StoreError as error:
                # A channel reads its stored values before it sends anything, so the message was not sent.
                return RetryLater(str(error))

        try:
            outcomes, failed = await quarantine.isolate([step], attempt, lambda: attempt(()))
        except quarantine.StageFailed as error:
            log.critical("channel raises unexpected errors on everything", channel=channel.name, exc_info=error)
            return OutcomeUnknown(f"unexpected errors of the channel ({type(error.__cause__).__name__})")
        for _, fault in failed:
            log.critical("channel raised an unexpected error", channel=channel.name, exc_info=fault)
            return send_policy.ChannelCrashed(fault)
        return outcomes[0]

    # -- writing the outcome

    async def _write(self, row: Outgoing, step: send_policy.WrittenStep, last: send_policy.Attempt | None) -> None:
        name = row.channel
        # Write one outcome at a time, so that two channels that close because of one token cause only one notice.
        async with self._writing:
            now = self.clock.now()
            closed: Sequence[str] = ()
            if isinstance(step, send_policy.Park):
                account = self.channels[name].account
                same_account = [other for other, channel in self.channels.items() if channel.account == account]
                closed = same_account if step.whole_workspace else [name]
            written = send_policy.apply_step(row, step, last=last, now=now)
            lane = send_policy.plan_lane(self._lanes[name], step, pace=self.channels[name].pace, now=now)
            incident = self._find_incident(step, row, closed=closed, lane=lane, now=now)
            fault = step.fault if isinstance(step, send_policy.Drop) else None

            def work(tx: storage.Transaction) -> bool:
                is_ours = tx.outbox.save(written, token=self._token)
                if closed:
                    tx.outbox.park(closed, written.error or "")
                if incident is not None:
                    incident.write(tx)
                if fault is not None and is_ours and not post_apart(tx, row, now=now):
                    quarantine.set_aside(tx, PieceKind.MESSAGE, row.id, fault, stage="send", now=now)
                return is_ours

            if not await self.store.write(work):
                log.warning("lease lost; another sender has the message", channel=name, send=row.id)
            self._lanes[name] = lane
            for channel in closed:
                if channel != name:
                    # The channel has the same credentials. It closes too, but keeps its own pace.
                    old = self._lanes.get(channel, lane)
                    self._lanes[channel] = replace(old, probe_at=lane.probe_at, probes=max(old.probes, lane.probes))
            if incident is not None:
                self._remember(incident)
        self.observer.on_outcome(written)
        fields = {"channel": name, "kind": str(row.message.kind), "send": row.id, "story": row.story}
        if written.state is SendState.SENT:
            self._sent += 1
            log.info("message sent", **fields, attempts=written.attempts)
        else:
            log.debug("message kept", **fields, state=str(written.state), reason=written.error)

    def _find_incident(
        self,
        step: send_policy.WrittenStep,
        row: Outgoing,
        *,
        closed: Sequence[str],
        lane: send_policy.Lane,
        now: datetime,
    ) -> Incident | None:
        """Return the incident that a step causes, or None if it causes none or the incident was already reported."""
        channel, reported = row.channel, self._reported_reasons
        names: Sequence[str] = (channel,)
        #: Channels in which the notice cannot be posted.
        affected = {*reported, *closed, channel}
        match step:
            case send_policy.Park(reason=reason):
                kind, names = IncidentKind.PARKED, [name for name in closed if reported.get(name) != reason]
            # A message that is set aside has the notice of the quarantine.
            case send_policy.Drop(reason=reason, is_loss=True, fault=None):
                kind = IncidentKind.DROPPED
                # The channel works, so it can get the notice. But do not report a refused notice in the same channel.
                if channel not in reported and not isinstance(row.message, Notice):
                    affected.discard(channel)
            case send_policy.Sent() if channel in reported:
                kind, reason = IncidentKind.BACK, reported[channel]
                affected.discard(channel)
            case send_policy.RetryAt(reason=reason) | send_policy.LookFirst(reason=reason):
                kind = IncidentKind.FAILING
                names = names if channel not in reported and send_policy.is_worth_reporting(lane, now=now) else ()
            case _:
                return None
        if not names:
            return None
        notice, settings = None, self.settings()
        # If the operator's channel is closed, another channel gets the notice.
        targets = [settings.bot.operator, *(settings.bot.channels or self.channels)] if settings.bot.operator else []
        if target := next((name for name in targets if name not in affected), None):
            text = _NOTICES[kind](names, reason, occasion=(kind, *names, row.id, now.isoformat()))
            notice = notices.notice_row(text, channel=target, now=now)
        return Incident(kind=kind, channels=names, reason=reason, notice=notice)

    def _remember(self, incident: Incident) -> None:
        """Remember that the incident was reported. Call this after its transaction is committed."""
        for channel in incident.channels:
            if incident.kind is IncidentKind.BACK:
                self._reported_reasons.pop(channel, None)
            elif incident.kind is not IncidentKind.DROPPED:
                self._reported_reasons[channel] = incident.reason
        report = log.info if incident.kind is IncidentKind.BACK else log.error
        report(f"channel {incident.kind}", channels=list(incident.channels), reason=incident.reason)
