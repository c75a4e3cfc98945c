"""Opens a store: folder, lock, connections, schema."""

from __future__ import annotations

import contextlib

from sqlalchemy import Engine

from bot import ports
from bot.storage import addresses, engines, private
from bot.storage.addresses import DatabaseAddress
from bot.storage.failures import translated, unavailable
from bot.storage.lock import Lock
from bot.storage.store import SqlStore
from bot.storage.upgrade import expect, upgrade


def open_store(
    address: str, *, clock: ports.Clock, process_name: str = "wirewatch", read_only: bool = False
) -> SqlStore:
    """The store at ``sqlite:///file``, ``sqlite://`` (in memory) or ``postgresql://user@host/database``.

    Blocking: call it before the loop is busy. ``read_only`` takes no lock, makes nothing and upgrades nothing.
    Raises ConfigError for an address, StoreInUse, StoreUnavailable.
    """
    place = addresses.parse(address)
    if not place.is_sqlite:
        _need_driver()
    return _open_reading(place, clock) if read_only else _open_writing(place, clock, process_name)


def open_beside(address: str, *, clock: ports.Clock) -> SqlStore:
    """A store for one small write beside the process that owns it: it takes no lock, and makes and upgrades nothing.

    Raises ConfigError for an address, StoreUnavailable.
    """
    place = addresses.parse(address)
    reading = _open_reading(place, clock)
    reading.close_now()
    writer, reader = engines.for_writing(place), engines.for_reading(place)
    return SqlStore(place, writer=writer, reader=reader, clock=clock, lock=None)


def _open_reading(place: DatabaseAddress, clock: ports.Clock) -> SqlStore:
    _refuse_link(place)
    if place.file is not None and not place.file.is_file():
        raise unavailable(place, "there is none yet; `wirewatch once` or `wirewatch run` makes it")
    reader = engines.for_reading(place)
    try:
        with translated(place), reader.begin() as connection:
            expect(connection, place)
    except BaseException:
        reader.dispose()
        raise
    return SqlStore(place, writer=None, reader=reader, clock=clock, lock=None)


def _open_writing(place: DatabaseAddress, clock: ports.Clock, process_name: str) -> SqlStore:
    lock = None
    if place.file is not None:
        _refuse_link(place)
        _make_folder(place)
        lock = Lock.take(place.file, process_name)
    opened: list[Engine] = []
    try:
        _make_private(place)
        writer = engines.for_writing(place)
        opened.append(writer)
        with translated(place), engines.upgrading(place, writer) as connection:
            upgrade(connection, place)
        reader = writer
        if place.file is not None or not place.is_sqlite:
            reader = engines.for_reading(place)
            opened.append(reader)
    except BaseException:
        for engine in opened:
            engine.dispose()
        if lock is not None:
            lock.release()
        raise
    return SqlStore(place, writer=writer, reader=reader, clock=clock, lock=lock)


def _refuse_link(place: DatabaseAddress) -> None:
    if place.file is not None:
        private.refuse_link(place.file, doing=f"opening the database {place}")


def _make_private(place: DatabaseAddress) -> None:
    """Before SQLite opens it: the files that it puts beside the database get the database's own rights."""
    if place.file is None:
        return
    # A full or read-only disk is told by SQLite's own words.
    with contextlib.suppress(OSError):
        private.create(place.file)
    for name in ("", "-wal", "-shm", "-journal"):
        private.tighten(place.file.with_name(place.file.name + name))


def _make_folder(place: DatabaseAddress) -> None:
    assert place.file is not None
    try:
        place.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unavailable(
            place, f"its folder cannot be made ({error.strerror}); check the path and the rights"
        ) from error


def _need_driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ports.ConfigError(
            "opening a PostgreSQL database: its driver is missing; pip install 'wirewatch[postgres]'"
        ) from error
