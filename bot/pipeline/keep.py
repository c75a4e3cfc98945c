"""Upkeep of a long-running bot and its archive: heartbeat, retention, clock changes, expected matches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import structlog

from bot import notices, storage
from bot.config.settings import Settings
from bot.durations import Clock, format_duration, is_recent
from bot.model.archive import Arrival, Revision
from bot.model.errors import StoreError
from bot.storage import keys

log = structlog.get_logger("wirewatch")

#: The bot looks for due feeds every second. A gap longer than this is recorded as unwatched.
UNWATCHED = timedelta(minutes=2)
#: Interval at which a cluster worker writes its heartbeat. The machines' clocks may differ by at most
#: ``keys.DEAD_AFTER`` minus this interval.
HEARTBEAT_EVERY = timedelta(seconds=5)
#: A backward step of the clock up to this size is ignored.
SET_BACK = timedelta(minutes=1)


class Heartbeat:
    """The heartbeat of one process. It shows whether a process runs, and when no feed was polled."""

    def __init__(self, store: storage.Store, clock: Clock, *, process: str, is_alone: bool) -> None:
        """Initialize with the unique name of the process. If ``is_alone``, no other process uses the database."""
        self._store = store
        self._clock = clock
        #: The unique name of the process.
        self.process = process
        self._is_alone = is_alone
        self._since = clock.now()

    async def begin(self, *, writes_heartbeats: bool = False, operator: str | None = None) -> None:
        """Record the start. If the clock was set back since the last process, every feed becomes due.

        ``writes_heartbeats`` announces that a cluster worker will call ``live``; it has no effect if ``is_alone``.
        ``operator`` is the channel for a notice that the clock was set back. Raises StoreUnavailable.
        """
        now = self._since = self._clock.now()

        def work(tx: storage.Transaction) -> tuple[timedelta | None, str | None]:
            back = self._set_back(tx, now, operator)
            previous = keys.OWNER.get(tx) if self._is_alone else None
            if self._is_alone:
                keys.OWNER.put(tx, (self.process, now))
            elif writes_heartbeats:
                keys.worker_life(self.process).put(tx, keys.WorkerLife(since=now, until=now))
            keys.LAST_SEEN.put(tx, now)
            return back, previous[0] if previous else None

        back, killed = await self._store.write(work)
        _log(back)
        if killed is not None:
            log.warning("the previous process ended unexpectedly", process=killed)

    async def end(self) -> None:
        """Record that the process ended cleanly. Without the database, the next process takes it for a killed one."""
        now = self._clock.now()

        def work(tx: storage.Transaction) -> None:
            if self._is_alone:
                keys.OWNER.clear(tx)
            keys.worker_life(self.process).clear(tx)
            keys.LAST_SEEN.put(tx, now)

        try:
            await self._store.write(work)
        except StoreError as error:
            log.error("end of worker not stored", error=str(error))

    async def live(self) -> None:
        """Write the heartbeat of a cluster worker. Raises StoreUnavailable."""
        life = keys.WorkerLife(since=self._since, until=self._clock.now())
        await self._store.write(lambda tx: keys.worker_life(self.process).put(tx, life))

    async def forget_dead_workers(self) -> None:
        """Delete the heartbeats of workers that ended unexpectedly, and log their ends. Raises StoreUnavailable."""
        now = self._clock.now()

        def work(tx: storage.Transaction) -> list[str]:
            dead = []
            for process, life in keys.worker_lives(tx).items():
                if process != self.process and now - life.until > keys.DEAD_AFTER:
                    keys.worker_life(process).clear(tx)
                    dead.append(process)
            return dead

        for process in await self._store.write(work):
            log.warning("worker ended unexpectedly", process=process)

    async def tick(self, *, operator: str | None = None) -> None:
        """Record that the bot looked for due feeds. If the clock was set back, every feed becomes due.

        Raises StoreUnavailable.
        """
        now = self._clock.now()

        def work(tx: storage.Transaction) -> timedelta | None:
            back = self._set_back(tx, now, operator)
            last = keys.TICK.get(tx)
            if last is not None and now - last > UNWATCHED:
                keys.UNWATCHED.put(tx, (last, now))
            keys.TICK.put(tx, now)
            return back

        _log(await self._store.write(work))

    def _set_back(self, tx: storage.Transaction, now: datetime, operator: str | None) -> timedelta | None:
        # In a cluster the machines' clocks differ, so an earlier time does not mean that the clock was set back.
        return _set_back(tx, now, operator) if self._is_alone else None


def _set_back(tx: storage.Transaction, now: datetime, operator: str | None) -> timedelta | None:
    """If the clock was set back, make every feed due. Return how far it was set back, or None.

    Otherwise, no feed would be polled until the clock has caught up.
    """
    times = {key: time for key in (keys.TICK, keys.LAST_SEEN) if (time := key.get(tx)) is not None}
    back = max(times.values(), default=now) - now
    if back <= SET_BACK:
        return None
    for key, time in times.items():
        if time > now:
            key.clear(tx)
    tx.feeds.make_due(now=now)
    if operator:
        tx.outbox.add([notices.notice_row(notices.clock_set_back(_shown(back), now=now), channel=operator, now=now)])
    return back


def _log(back: timedelta | None) -> None:
    if back is not None:
        log.warning("clock set back; every feed is due", by=_shown(back))


def _shown(back: timedelta) -> str:
    return format_duration(timedelta(minutes=round(back / timedelta(minutes=1))))


TRIM_EVERY = timedelta(days=1)
#: After a longer time without deletions, the clock may be wrong. `once` from cron usually runs more often.
CLOCK_LEAP = timedelta(days=31)


async def trim_when_due(store: storage.Store, clock: Clock, *, keep: timedelta | None) -> bool:
    """Delete all data older than ``keep``, at most once a day; None keeps everything. Return whether it ran.

    Raises StoreUnavailable.
    """
    if keep is None:
        return False
    now = clock.now()
    # The time is stored, so that a restart, or `once` from cron, does not trim each time.
    last = await store.read(keys.TRIMMED.get)
    if is_recent(last, TRIM_EVERY, now):
        return False
    if last is not None and now - last > CLOCK_LEAP:
        # The clock may have leapt, and would delete the whole archive. Delete only if it shows the same a day later.
        await store.write(lambda tx: keys.TRIMMED.put(tx, now))
        return False
    deleted = await storage.trim(store, before=now - keep)
    await store.write(lambda tx: keys.TRIMMED.put(tx, now))
    log.info("old articles deleted", keep_days=keep.days, **msgspec.structs.asdict(deleted))
    return True


class ExpectationMonitor:
    """Remembers when each expected match is overdue, so that most ticks need no query."""

    def __init__(self) -> None:
        self._overdue_at: dict[tuple[str, timedelta], datetime] = {}

    def find_overdue(self, settings: Settings, *, now: datetime) -> list[tuple[str, timedelta]]:
        """Return the rules that may be silent for longer than expected, and what each expects."""
        if settings.bot.operator is None:
            return []
        return [rule for rule in _expected(settings) if now > self._overdue_at.get(rule, now - rule[1])]

    def report(
        self, tx: storage.Transaction, overdue: Iterable[tuple[str, timedelta]], settings: Settings, *, now: datetime
    ) -> None:
        """Write notices for those of these rules that are silent. For a new rule, the time counts from ``now``.

        The transaction may run again.
        """
        for name, expect in overdue:
            last = keys.rule_matched(name).get(tx)
            since = last or now
            if last is None:
                keys.rule_matched(name).put(tx, now)
            if now - since > expect and settings.bot.operator is not None:
                notice = notices.rule_is_silent(name, expect, last_match=last)
                tx.outbox.add([notices.notice_row(notice, channel=settings.bot.operator, now=now)])
                since = now
            self._overdue_at[name, expect] = since + expect


def note_rule_matches(
    tx: storage.Transaction,
    settings: Settings,
    queued: Iterable[Arrival | Revision],
    *,
    now: datetime,
) -> None:
    """Store ``now`` as the time of the last match of each matched rule with ``expect``."""
    matched = {match.rule for item in queued for match in item.matches}
    for name, _ in _expected(settings):
        if name in matched:
            keys.rule_matched(name).put(tx, now)


def _expected(settings: Settings) -> list[tuple[str, timedelta]]:
    rules = settings.rule_set.rules.values()
    return [(rule.name, rule.expect) for rule in rules if rule.expect is not None and not rule.paused]
