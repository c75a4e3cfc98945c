"""The store. It runs transactions on separate threads, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import msgspec
import structlog
from sqlalchemy import Connection, Engine, create_engine

from bot import __version__
from bot.durations import Clock, is_recent
from bot.model.errors import StoreError, StoreUnavailable
from bot.storage import connections, files
from bot.storage.articles import Articles
from bot.storage.audit import Audits
from bot.storage.columns import UnreadableValue
from bot.storage.completions import Completions
from bot.storage.connections import DatabaseAddress, translated
from bot.storage.decision_queue import DecisionQueue, KeyValueTable
from bot.storage.feeds import FeedStates
from bot.storage.outbox import Outbox
from bot.storage.people import Judgements, Rulings, Silences
from bot.storage.quarantine import Quarantine
from bot.storage.schema import metadata
from bot.storage.search import Search
from bot.storage.stories import Stories
from bot.storage.vectors import Vectors
from bot.storage.volume import Volumes


class Transaction:
    """The parts of the store, with one connection. Its methods block, so they run on the store's threads."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.feeds = FeedStates(connection)
        self.articles = Articles(connection)
        self.stories = Stories(connection, self.articles)
        self.outbox = Outbox(connection)
        self.judgements = Judgements(connection)
        self.rulings = Rulings(connection)
        self.silences = Silences(connection)
        self.decision_queue = DecisionQueue(connection)
        self.key_values = KeyValueTable(connection)
        self.search = Search(connection)
        self.completions = Completions(connection)
        self.quarantine = Quarantine(connection)
        self.volume = Volumes(connection)
        self.vectors = Vectors(connection)
        self.audits = Audits(connection)

    def free_leases(self) -> None:
        """Free every lease. Call this if the process that held the leases is dead."""
        self.feeds.free_leases()
        self.outbox.free_leases()


log = structlog.get_logger("wirewatch")

T = TypeVar("T")

#: Maximum tries of one transaction. Each conflict means that another transaction was committed, so more conflicts
#: indicate a fault.
_TRIES = 20
_FIRST_PAUSE = timedelta(milliseconds=5)
_LONGEST_PAUSE = timedelta(milliseconds=500)
#: An outage is over when nothing has failed for this long. (On a full disk, small transactions sometimes succeed.)
OUTAGE_OVER = timedelta(minutes=1)
#: PostgreSQL does not say whether the index of words or another part is damaged. So build the index again at most this
#: often.
RESET_EVERY = timedelta(minutes=10)


class Outage(msgspec.Struct, kw_only=True):
    """A period in which the database could not be used."""

    since: datetime
    #: Text of the first failure, for people.
    reason: str
    last_failure: datetime
    #: Time of the first successful write after the last failure.
    until: datetime | None = None
    #: Whether a write succeeded and something failed again afterwards.
    is_partial: bool = False


#: Numbers of threads: for short reads (web pages and queries use at most four), and for searches and backtests.
READING, SEARCHING = 5, 2


@contextmanager
def open_in_memory() -> Iterator[Transaction]:
    """Open an empty database in memory, and yield its only transaction. Use it in one thread."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
            yield Transaction(connection)
    finally:
        engine.dispose()


class Store:
    """An open database. SQLite has one thread for writing; PostgreSQL has a few. Both have several for reading."""

    def __init__(
        self,
        address: DatabaseAddress,
        *,
        writer: Engine | None,
        reader: Engine,
        clock: Clock,
        lock: files.Lock | None,
    ) -> None:
        self.address = address
        self._writer = writer
        self._reader = reader
        self.clock = clock
        self._lock = lock
        #: When the index of words was last built again.
        self._reset_at: datetime | None = None
        #: The current outage, or None.
        self._outage: Outage | None = None
        #: Function that is called when an outage begins and when it is over.
        self.on_outage: Callable[[Outage], None] = lambda outage: None
        self._writing = ThreadPoolExecutor(1 if address.is_sqlite else 4, "store-write")
        # A database in memory has only one connection, so use one thread.
        self._reading = self._writing if writer is reader else ThreadPoolExecutor(READING, "store-read")
        self._searching = self._writing if writer is reader else ThreadPoolExecutor(SEARCHING, "store-search")

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction. Commit when it returns; roll back if it raises.

        After a conflict with another transaction, or after a damaged row, ``work`` runs again, so it must have no other
        effects. Raises StoreUnavailable.
        """
        if self._writer is None:
            raise connections.unavailable(self.address, "it was opened for reading only")
        result = await self._retry(self._writing, self._writer, work)
        if self._outage is not None:
            self._note_success(self._outage)
        return result

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a read transaction, which sees one state of the database. Raises StoreUnavailable.

        After a damaged row, ``work`` runs again.
        """
        return await self._retry(self._reading, self._reader, work)

    async def read_long(self, work: Callable[[Transaction], T]) -> T:
        """Run a search or a backtest that may take seconds, like ``read`` but on separate threads."""
        return await self._retry(self._searching, self._reader, work)

    async def _retry(self, threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Transaction], T]) -> T:
        run = partial(self._run, engine, work)
        pause = _FIRST_PAUSE
        try:
            for _ in range(_TRIES):
                try:
                    return await asyncio.get_running_loop().run_in_executor(threads, run)
                except connections.LostRace:
                    # Wait for a random time, so that two transactions do not conflict again.
                    await self.clock.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
                    pause = min(pause * 2, _LONGEST_PAUSE)
            raise connections.unavailable(
                self.address, f"a transaction conflicted with others {_TRIES} times in a row; run fewer workers"
            )
        except StoreUnavailable as error:
            self._note_failure(str(error))
            raise

    @property
    def outage_reason(self) -> str:
        """The reason why nothing can be written, or "" if the last transaction was written."""
        return self._outage.reason if self._outage is not None and self._outage.until is None else ""

    @property
    def recent_failure(self) -> str:
        """The reason of an outage that is not over, or "". It is over when nothing has failed for a minute."""
        return self._outage.reason if self._outage is not None else ""

    def _note_failure(self, reason: str) -> None:
        now = self.clock.now()
        if self._outage is None:
            self._outage = Outage(since=now, reason=reason, last_failure=now)
            self.on_outage(self._outage)
        self._outage.is_partial = self._outage.is_partial or self._outage.until is not None
        self._outage.last_failure, self._outage.until = now, None

    def _note_success(self, outage: Outage) -> None:
        now = self.clock.now()
        outage.until = outage.until or now
        if not is_recent(outage.last_failure, OUTAGE_OVER, now):
            self._outage = None
            self.on_outage(outage)

    def _run(self, engine: Engine, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction.

        If it meets a value that cannot be read, set the row aside and start again. If the index of words is damaged,
        build it again and start again; SQLite's is only emptied, and ``Search.fill`` fills it.
        """
        is_reset = is_set_aside = False
        while True:
            try:
                with translated(self.address), engine.begin() as connection:
                    return work(Transaction(connection))
            except connections.DamagedIndex as error:
                if is_reset or self._writer is None:
                    raise connections.unavailable(self.address, str(error)) from error
                is_reset = True
                self._reset_index(self._writer, error)
            except UnreadableValue as error:
                # The frames keep the statement open, with which the connection would still read the old state.
                traceback.clear_frames(error.__traceback__)
                # The first time, another thread may have set the row aside in the meantime.
                if not self._set_aside(error):
                    if is_set_aside:
                        raise StoreError(f"reading the database {self.address}: {error}") from error
                    is_set_aside = True

    def _reset_index(self, writer: Engine, damage: connections.DamagedIndex) -> None:
        """Build the index of words again. Raise the database's error if the index is not damaged.

        Raise StoreUnavailable if building PostgreSQL's again did not help a short time ago.
        """
        now = self.clock.now()
        if not self.address.is_sqlite and is_recent(self._reset_at, RESET_EVERY, now):
            raise connections.unavailable(self.address, str(damage)) from damage
        self._reset_at = now
        try:
            if not damage.is_certain and damage.__cause__ is not None:
                with translated(self.address), writer.begin() as connection:
                    is_sound = Search(connection).is_sound()
                if is_sound:
                    raise damage.__cause__
            if self.address.file is not None:
                # An open connection remembers the structure of the damaged index.
                writer.dispose()
            log.error("the index of words is damaged; it is built again", exc_info=damage)
            with translated(self.address), writer.begin() as connection:
                Search(connection).reset()
        except connections.DamagedIndex as error:
            raise connections.unavailable(self.address, str(error)) from error

    def _set_aside(self, unreadable: UnreadableValue) -> bool:
        """Set aside the rows with a value that cannot be read. Return False if there are none."""
        # A command that only reads would otherwise fail until the bot meets the row.
        writer = self._writer or connections.for_writing(self.address)
        try:
            with translated(self.address), writer.begin() as connection:
                rows = Quarantine(connection)
                pieces = rows.take_out_rows(version=__version__, now=self.clock.now())
        finally:
            if writer is not self._writer:
                writer.dispose()
        for piece in pieces:
            log.critical("a stored row cannot be read; it was set aside", row=piece.id, exc_info=unreadable)
        return bool(pieces)

    @property
    def owner(self) -> str:
        """The process that owns the SQLite file, or "" if there is none or the database is not a file."""
        return files.owner(self.address.file) if self.address.file is not None else ""

    async def free_dead_leases(self) -> None:
        """Free the leases of a dead process, if this process owns an SQLite file. Sends under way become UNKNOWN."""
        # On PostgreSQL, other processes may hold leases, so wait until a dead process's leases expire.
        if self.address.is_sqlite:
            await self.write(Transaction.free_leases)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Wait for the running transactions, and close all connections."""
        self._writing.shutdown()
        self._reading.shutdown()
        self._searching.shutdown()
        self._reader.dispose()
        if self._writer is not None:
            self._writer.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None
