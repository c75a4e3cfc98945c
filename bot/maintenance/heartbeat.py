"""Tells the ledger when somebody watched, and notices a clock that was set back. Over ports only.

A silent feed and a stopped bot leave the same gap in the ledger's other rows: these rows tell which it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot import ledger, ports

log = structlog.get_logger("wirewatch")

#: Due feeds are looked for every second; without a look for so long, nobody watched.
UNWATCHED = timedelta(minutes=2)
#: How often one of several workers says that it lives; so long unheard of it is taken for dead. Their machines' clocks
#: may differ by the difference of the two.
ALIVE_EVERY, UNHEARD = timedelta(seconds=5), timedelta(seconds=30)
#: A clock that is corrected by less makes nothing wait long.
SET_BACK = timedelta(minutes=1)
#: The note of the last look for due feeds; the status page reads it too.
TICK = "tick"
#: The note of the last time that a process began or ended.
_SEEN = "seen"
#: The note of the process that owns the database, from its begin to its end.
_OWNER = "running"
#: Before the name of each living worker of several: since when it runs, and when it said so last.
_ALIVE = "alive "


class Heartbeat:
    """One process's."""

    def __init__(self, store: ports.Store, clock: ports.Clock, *, process: str, version: str, is_alone: bool) -> None:
        """``process`` tells it from every other; ``is_alone``: no other process works on this database."""
        self._store = store
        self._clock = clock
        self._process = process
        self._version = version
        self._is_alone = is_alone
        self._since = clock.now()
        self._is_told_alive = False

    async def begin(self, *, lives_on: bool = False) -> timedelta | None:
        """Gives how far the clock was set back since a process was last here; None: it was not.

        ``lives_on``: it will say that it lives, where it is not alone.
        """
        now = self._since = self._clock.now()
        self._is_told_alive = lives_on and not self._is_alone

        def work(tx: ports.Transaction) -> timedelta | None:
            back = self._set_back(tx, now)
            left = tx.key_values.get(_OWNER) if self._is_alone else None
            if left:
                since, _, process = left.partition(" ")
                # An older tick was of the process before that one.
                until = max(since, tx.key_values.get(TICK) or "")
                tx.ledger.add([ledger.stopped(process, since=since, until=until, how="without a word", at=now)])
            tx.ledger.add([ledger.started(self._process, version=self._version, at=now)])
            if self._is_alone:
                tx.key_values.put(_OWNER, f"{now.isoformat()} {self._process}")
            elif lives_on:
                tx.key_values.put(_ALIVE + self._process, f"{now.isoformat()} {now.isoformat()}")
            tx.key_values.put(_SEEN, now.isoformat())
            return back

        return await self._store.write(work)

    async def end(self) -> None:
        """An orderly end. A database that does not answer is no reason not to end: the next begin will tell."""
        now = self._clock.now()

        def work(tx: ports.Transaction) -> None:
            since, until = self._since.isoformat(), now.isoformat()
            tx.ledger.add([ledger.stopped(self._process, since=since, until=until, how="in order", at=now)])
            if self._is_alone:
                tx.key_values.put(_OWNER, "")
            tx.key_values.drop(_ALIVE + self._process)
            tx.key_values.put(_SEEN, until)

        try:
            await self._store.write(work)
        except ports.StoreError as error:
            log.error("end not written down", error=str(error))

    async def live(self) -> None:
        """One of several says that it lives. Raises StoreUnavailable."""
        now = self._clock.now()
        key = _ALIVE + self._process

        def work(tx: ports.Transaction) -> datetime:
            since = self._since
            if self._is_told_alive and tx.key_values.get(key) is None:
                # It stood still for so long that another wrote down its end.
                tx.ledger.add([ledger.started(self._process, version=self._version, at=now)])
                since = now
            tx.key_values.put(key, f"{since.isoformat()} {now.isoformat()}")
            return since

        self._since = await self._store.write(work)
        self._is_told_alive = True

    async def tell_of_dead(self) -> None:
        """Write down the end of workers that were not heard of for long. Raises StoreUnavailable."""
        now = self._clock.now()

        def work(tx: ports.Transaction) -> list[str]:
            dead = []
            for key, times in tx.key_values.beginning(_ALIVE).items():
                process = key.removeprefix(_ALIVE)
                since, _, until = times.partition(" ")
                if process != self._process and now - datetime.fromisoformat(until) > UNHEARD:
                    tx.ledger.add([ledger.stopped(process, since=since, until=until, how="without a word", at=now)])
                    tx.key_values.drop(key)
                    dead.append(process)
            return dead

        for process in await self._store.write(work):
            log.warning("worker ended without a word", process=process)

    async def tick(self) -> timedelta | None:
        """Due feeds are looked for now. Gives what ``begin`` gives. Raises StoreUnavailable."""
        now = self._clock.now()

        def work(tx: ports.Transaction) -> timedelta | None:
            back = self._set_back(tx, now)
            last = _time(tx.key_values.get(TICK))
            if last is not None and now - last > UNWATCHED:
                tx.ledger.add([ledger.unwatched(since=last.isoformat(), until=now.isoformat(), at=now)])
            tx.key_values.put(TICK, now.isoformat())
            return back

        return await self._store.write(work)

    def _set_back(self, tx: ports.Transaction, now: datetime) -> timedelta | None:
        # Of several processes each has its machine's clock: one that is behind was not set back.
        return _set_back(tx, now) if self._is_alone else None


def _set_back(tx: ports.Transaction, now: datetime) -> timedelta | None:
    """By how much; it is told once, since the notes are put right."""
    times = {name: time for name in (TICK, _SEEN) if (time := _time(tx.key_values.get(name))) is not None}
    back = max(times.values(), default=now) - now
    if back <= SET_BACK:
        return None
    for name, time in times.items():
        if time > now:
            tx.key_values.put(name, "")
    return back


def _time(noted: str | None) -> datetime | None:
    return datetime.fromisoformat(noted) if noted else None
