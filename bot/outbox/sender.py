"""Sends what the outbox holds: one worker a channel, over ports only.

Decides nothing (delivery does), renders nothing (channels do). A claimed row is leased for a minute: if we die, the
lease runs out and the row comes back as of unknown outcome, to be looked up before it is sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias, TypeVar

import structlog

from bot import ledger, model, ports
from bot.outbox import policy, related
from bot.outbox.incidents import Incidents, news_of
from bot.ports import keys
from bot.ports.tasks import TaskGroup, until_stored

log = structlog.get_logger()

T = TypeVar("T")

LEASE = timedelta(seconds=60)
#: One attempt, with all that a channel asks for it (name, pages of history), ends well inside its lease.
ATTEMPT_TIMEOUT = timedelta(seconds=45)
#: How often an idle worker asks the store.
POLL = timedelta(seconds=0.5)
#: How long after a stop what is due is still sent; the container's own limit is ten seconds.
GRACE = timedelta(seconds=8)
#: A message that we stopped waiting for may still be on its way: an absence is believed only after this.
SETTLE = timedelta(seconds=2)
#: How often new rows of a closed channel are parked, so that ``status`` tells the truth.
PARK_EVERY = timedelta(seconds=5)


OnSent: TypeAlias = Callable[[model.Outgoing], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What ``drain`` leaves behind."""

    sent: int
    #: Kept for the next start: not due before the deadline, or the outcome still unknown.
    left: int
    parked: int
    #: Channel -> why its last message that is left or parked was not sent; without those that nobody has tried.
    reasons: Mapping[str, str] = field(default_factory=dict)


class Sender:
    """Sends the rows of some channels, in order, paced, once each as far as the channel lets us see."""

    def __init__(
        self,
        store: ports.Store,
        channels: Mapping[str, ports.Channel],
        clock: ports.Clock,
        *,
        on_unknown: model.OnUnknown = model.OnUnknown.SEND_AGAIN,
        operator: str | None = None,
        others: Sequence[str] = (),
        on_sent: OnSent | None = None,
        on_outcome: OnSent | None = None,
        settle: timedelta = SETTLE,
        grace: timedelta = GRACE,
        attempt_timeout: timedelta = ATTEMPT_TIMEOUT,
    ) -> None:
        """``others``: every channel that there is, where another sender has some of them."""
        self._store = store
        self._channels = dict(channels)
        self._clock = clock
        self._on_unknown = on_unknown
        # Where the operator's own channel is closed, another says so.
        self._incidents = Incidents([operator, *(others or channels)] if operator is not None else [])
        self._on_sent = on_sent
        #: Told of every row as it was written after a try, sent or not.
        self._on_outcome = on_outcome
        self._settle = settle
        self._grace = grace
        self._attempt_timeout = attempt_timeout
        self._token = uuid.uuid4().hex
        self._lanes: dict[str, policy.Lane] = {}
        self._sent = 0
        self._started_at = clock.now()

    # -- the two ways to run

    async def run(self, stop: asyncio.Event) -> None:
        """Send for ever. After ``stop``, send what is due for at most the grace time, then end."""
        ending = _Ending()
        try:
            await self._open_lanes()
            async with asyncio.timeout(None) as limit, TaskGroup() as group:
                for name in self._channels:
                    group.create_task(self._work(name, ending))
                await stop.wait()
                ending.at = self._clock.now() + self._grace
                limit.reschedule(asyncio.get_running_loop().time() + self._grace.total_seconds())
        except TimeoutError:
            log.warning("sending cut short by the stop; the rest is sent at the next start")

    async def drain(self, deadline: timedelta) -> Drained:
        """Send until nothing sendable is left, waiting for pace and Retry-After up to the deadline."""
        ending = _Ending(at=self._clock.now() + deadline)
        before = self._sent
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout((deadline + self._grace).total_seconds()):
                await self._open_lanes()
                await self._work_all(ending)
                # A notice may have come to a channel that had ended.
                while await self._is_work_left(ending):
                    await self._work_all(ending)
        counts, unsent = await self._store.read(lambda tx: (tx.outbox.counts(), tx.outbox.unsent()))
        mine = [(state, n) for (channel, state), n in counts.items() if channel in self._channels]
        waiting = (model.SendState.PENDING, model.SendState.SENDING, model.SendState.UNKNOWN)
        return Drained(
            sent=self._sent - before,
            left=sum(n for state, n in mine if state in waiting),
            parked=sum(n for state, n in mine if state is model.SendState.PARKED),
            reasons={row.channel: row.error for row in unsent if row.error and row.channel in self._channels},
        )

    async def _open_lanes(self) -> None:
        for name in self._channels:
            await self._while_store_fails(partial(self._open_lane, name))

    async def _work_all(self, ending: _Ending) -> None:
        async with TaskGroup() as group:
            for name in self._channels:
                group.create_task(self._work(name, ending))

    async def _is_work_left(self, ending: _Ending) -> bool:
        assert ending.at is not None
        moments = [await self._while_store_fails(partial(self._next_moment, name, ending)) for name in self._channels]
        return any(moment is not None and moment <= ending.at for moment in moments)

    # -- one channel's worker

    async def _work(self, name: str, ending: _Ending) -> None:
        while True:
            moment = await self._while_store_fails(lambda: self._next_moment(name, ending))
            now = self._clock.now()
            if ending.at is not None and (moment is None or moment > ending.at):
                return
            if moment is None or moment > now:
                await self._rest(POLL if moment is None else min(moment - now, PARK_EVERY), ending)
                if moment is None or not self._is_time(name, moment):
                    continue
                # Claimed without being looked for once more.
            row = await self._while_store_fails(lambda: self._claim(name))
            if row is None:
                await self._rest(POLL, ending)
                continue
            await self._process(name, row)

    async def _open_lane(self, name: str) -> None:
        """A channel that was closed is tried at every start: the operator may have repaired it."""

        def work(tx: ports.Transaction) -> str:
            tx.outbox.unpark([name], now=self._clock.now())
            return keys.channel_trouble(name).get(tx)

        told = await self._store.write(work)
        if told:
            self._incidents.told[name] = told
        # One full pace: the last message of the process before us may have left just now.
        now = self._clock.now()
        self._lanes[name] = policy.Lane(at=now, ready_at=now + self._channels[name].pace)

    async def _next_moment(self, name: str, ending: _Ending) -> datetime | None:
        """When this channel's next row can be tried; None: nothing waits."""
        now = self._clock.now()
        lane = self._lanes[name] = policy.after_clock(self._lanes[name], now=now, pace=self._channels[name].pace)
        if lane.probe_at is None:
            if now < lane.ready_at and ending.at is None:
                # Whatever waits, nothing may leave before: half of all look-ups are saved (bench/speed/delivery.py).
                return lane.ready_at
            due = await self._store.read(lambda tx: tx.outbox.next_due([name], now=now))
            if ending.at is None and due is not None and due > now + POLL:
                # A row that waits for its next try: one that comes meanwhile does not wait with it.
                return None
            return None if due is None else max(due, lane.ready_at)
        if now < lane.probe_at:
            reason = self._incidents.told.get(name, "the channel is closed")
            await self._store.write(lambda tx: tx.outbox.park([name], reason, now=now))
            return None if ending.at is not None else min(lane.probe_at, now + PARK_EVERY)
        await self._store.write(lambda tx: tx.outbox.unpark([name], now=now))
        self._lanes[name] = replace(lane, probe_at=None)
        return now

    def _is_time(self, name: str, moment: datetime) -> bool:
        """After a rest, in which the channel may have been closed by its neighbour or the clock set back."""
        lane = self._lanes[name]
        return lane.probe_at is None and self._clock.now() >= max(moment, lane.ready_at)

    async def _rest(self, duration: timedelta, ending: _Ending) -> None:
        """Sleep, in slices where a stop may still come and is to be noticed at once."""
        until = self._clock.now() + duration
        stopping = ending.at is not None
        # More left than there was: the clock was set back.
        while timedelta() < (left := until - self._clock.now()) <= duration and stopping is (ending.at is not None):
            await self._clock.sleep(left if stopping else min(left, POLL))

    async def _claim(self, name: str) -> model.Outgoing | None:
        now = self._clock.now()
        rows = await self._store.write(
            lambda tx: tx.outbox.claim(name, now=now, limit=1, token=self._token, lease=LEASE)
        )
        return rows[0] if rows else None

    async def _process(self, name: str, row: model.Outgoing) -> None:
        """One claimed row to its next written state."""
        channel = self._channels[name]
        resolved = partial(related.resolved, self._store, row, now=self._clock.now())
        row, head, wait = await self._while_store_fails(resolved)
        step = wait or policy.first_step(
            row, head, abilities=channel.abilities, now=self._clock.now(), on_unknown=self._on_unknown
        )
        last: policy.Send | policy.Look | None = None
        while isinstance(step, policy.Send | policy.Look):
            last = step
            try:
                outcome = await self._attempt(channel, step)
            except asyncio.CancelledError:
                # Best effort: without it the lease runs out and says the same.
                step = policy.next_step(row, last, policy.Interrupted(), now=self._clock.now())
                with contextlib.suppress(ports.StoreError, TimeoutError, asyncio.CancelledError):
                    async with asyncio.timeout(1):
                        await asyncio.shield(self._write(name, row, step, last))
                raise
            step = policy.next_step(row, last, outcome, now=self._clock.now())
        await self._while_store_fails(lambda: self._write(name, row, step, last))

    async def _attempt(self, channel: ports.Channel, step: policy.Send | policy.Look) -> policy.Outcome:
        looking = isinstance(step, policy.Look)
        try:
            async with asyncio.timeout(self._attempt_timeout.total_seconds()):
                if isinstance(step, policy.Send):
                    return policy.Accepted(await channel.send(step.delivery))
                found = await channel.find(step.delivery, since=step.since)
        except TimeoutError:
            error = ports.Unknown(f"no answer within {self._attempt_timeout.total_seconds():g} seconds")
            return policy.LookFailed(error) if looking else policy.Failed(error)
        except ports.SendError as error:
            return policy.LookFailed(error) if looking else policy.Failed(error)
        except ports.StoreError as error:
            # What a channel keeps is read before anything leaves.
            wait = ports.Wait(str(error))
            return policy.LookFailed(wait) if looking else policy.Failed(wait)
        except Exception as error:
            # Our bug in one channel must not silence the others.
            log.critical("channel broke", channel=channel.name, send=step.delivery.id, exc_info=True)
            text = f"unexpected error of the channel ({type(error).__name__}); the log has the details"
            return policy.LookFailed(ports.Unknown(text)) if looking else policy.Crashed(text)
        if found is not None:
            return policy.Accepted(found)
        return policy.NotThere(self._started_at + self._settle)

    # -- writing down what became of it

    async def _write(
        self,
        name: str,
        row: model.Outgoing,
        step: policy.Step,
        last: policy.Send | policy.Look | None,
    ) -> None:
        now = self._clock.now()
        closed = self._closed_by(name, step)
        written = policy.apply(row, step, last=last, now=now)
        lane = policy.plan(self._lanes[name], step, pace=self._channels[name].pace, now=now)
        incidents = news_of(step, channel=name, row=row, told=self._incidents.told, closed=closed, lane=lane, now=now)

        def work(tx: ports.Transaction) -> bool:
            is_ours = tx.outbox.save(written, token=self._token)
            fact = ledger.outcome(row, written, at=now)
            if is_ours and fact is not None:
                tx.ledger.add([fact])
            if closed:
                tx.outbox.park(closed, written.error or "", now=now)
            for incident in incidents:
                self._incidents.write(tx, incident)
            return is_ours

        if not await self._store.write(work):
            log.warning("lease lost; another sender has the message", channel=name, send=row.id)
        self._lanes[name] = lane
        for other in closed:
            self._lanes[other] = replace(lane) if other == name else _closed(self._lanes.get(other), lane)
        for incident in incidents:
            self._incidents.remember(incident)
        self._report(name, written, step)

    def _closed_by(self, name: str, step: policy.Step) -> list[str]:
        match step:
            case policy.ParkWorkspace():
                account = self._channels[name].account
                return [other for other, channel in self._channels.items() if channel.account == account]
            case policy.ParkChannel():
                return [name]
            case _:
                return []

    def _report(self, name: str, row: model.Outgoing, step: policy.Step) -> None:
        fields = {"channel": name, "kind": str(row.message.kind), "send": row.id, "story": row.story}
        if self._on_outcome is not None:
            self._on_outcome(row)
        if isinstance(step, policy.Sent):
            self._sent += 1
            log.info("message sent", **fields, attempts=row.attempts)
            if self._on_sent is not None:
                self._on_sent(row)
        else:
            log.debug("message kept", **fields, state=str(row.state), reason=row.error)

    async def _while_store_fails(self, work: Callable[[], Awaitable[T]]) -> T:
        return await until_stored(work, self._clock)


@dataclass(slots=True)
class _Ending:
    """When the workers stop waiting; None: never."""

    at: datetime | None = None


def _closed(lane: policy.Lane | None, by: policy.Lane) -> policy.Lane:
    """A lane closed by its neighbour's failure keeps its own pace."""
    if lane is None:
        return by
    return replace(lane, probe_at=by.probe_at, probes=max(lane.probes, by.probes))
