"""Open a store: make its folder, lock it, connect, and upgrade the schema."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from bot.durations import Clock
from bot.model.errors import ConfigError, StoreUnavailable
from bot.storage import connections, files, schema
from bot.storage.connections import DatabaseAddress, translated, unavailable
from bot.storage.files import Lock
from bot.storage.store import Store

if TYPE_CHECKING:
    from alembic.config import Config


#: Key of the PostgreSQL advisory lock. It makes workers that start together upgrade one after another.
_UPGRADE_LOCK = 5_781_104_927

#: Folder of the migrations.
MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(connection: Connection, address: DatabaseAddress) -> None:
    """Create the schema in an empty database, or upgrade an earlier schema, in the caller's transaction.

    Raises StoreUnavailable if the schema is newer than this version's.
    """
    if revision_of(connection) == schema.REVISION:
        return
    if not address.is_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    revision = revision_of(connection)
    if revision is None:
        schema.create(connection)
    elif revision > schema.REVISION:
        raise _newer(address)
    else:
        from alembic import command  # takes a quarter of a second, and most starts need no upgrade

        command.upgrade(config(connection), "head")


def expect(connection: Connection, address: DatabaseAddress) -> None:
    """Raise StoreUnavailable if the schema is not this version's. Use this to open a database only for reading."""
    revision = revision_of(connection)
    if revision is None:
        raise unavailable(address, "it is empty; `wirewatch once` or `wirewatch run` fills it")
    if revision < schema.REVISION:
        raise unavailable(address, "an earlier version made it; `wirewatch once` or `wirewatch run` upgrades it")
    if revision > schema.REVISION:
        raise _newer(address)


def _newer(address: DatabaseAddress) -> StoreUnavailable:
    reason = "a newer version of Wirewatch made it, or a development version from before the first release"
    return unavailable(address, f"{reason}; use that version, restore a backup, or name another database")


def revision_of(connection: Connection) -> str | None:
    """Return the schema's revision, or None if the database is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, without a configuration file."""
    from alembic.config import Config  # only for an old database

    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def open_store(address: str, *, clock: Clock, process_name: str = "wirewatch", read_only: bool = False) -> Store:
    """Open the store at ``sqlite:///file``, ``sqlite://`` (in memory) or ``postgresql://user@host/database``.

    This blocks, so call it before the event loop is busy. If ``read_only`` is true, it takes no lock, and creates or
    upgrades nothing. Raises ConfigError for an invalid address, StoreInUse, StoreUnavailable.
    """
    place = connections.parse(address)
    if not place.is_sqlite:
        _need_driver()
    return _open_reading(place, clock) if read_only else _open_writing(place, clock, process_name)


def open_beside(address: str, *, clock: Clock) -> Store:
    """Open a store for one small write while another process owns it. Take no lock, and create or upgrade nothing.

    Raises ConfigError for an invalid address, StoreUnavailable.
    """
    place = connections.parse(address)
    reading = _open_reading(place, clock)
    reading.close_now()
    writer, reader = connections.for_writing(place), connections.for_reading(place)
    return Store(place, writer=writer, reader=reader, clock=clock, lock=None)


def _open_reading(place: DatabaseAddress, clock: Clock) -> Store:
    _refuse_link(place)
    if place.file is not None and not place.file.is_file():
        raise unavailable(place, "it does not exist yet; `wirewatch once` or `wirewatch run` creates it")
    reader = connections.for_reading(place)
    try:
        with translated(place), reader.begin() as connection:
            expect(connection, place)
    except BaseException:
        reader.dispose()
        raise
    return Store(place, writer=None, reader=reader, clock=clock, lock=None)


def _open_writing(place: DatabaseAddress, clock: Clock, process_name: str) -> Store:
    lock = None
    with contextlib.ExitStack() as undo:
        if place.file is not None:
            _refuse_link(place)
            _make_folder(place, place.file.parent)
            lock = Lock.take(place.file, process_name)
            undo.callback(lock.release)
            _make_private(place.file)
        writer = connections.for_writing(place)
        undo.callback(writer.dispose)
        with translated(place), connections.upgrading(place, writer) as connection:
            upgrade(connection, place)
        undo.pop_all()
    is_in_memory = place.is_sqlite and place.file is None
    reader = writer if is_in_memory else connections.for_reading(place)
    return Store(place, writer=writer, reader=reader, clock=clock, lock=lock)


def _refuse_link(place: DatabaseAddress) -> None:
    if place.file is not None:
        files.refuse_link(place.file, doing=f"opening the database {place}")


def _make_private(file: Path) -> None:
    """Create the file with private rights before SQLite opens it. SQLite gives its other files the same rights."""
    # Ignore errors, because SQLite itself reports a full or read-only disk.
    with contextlib.suppress(OSError):
        files.create(file)
    for suffix in ("", "-wal", "-shm", "-journal"):
        files.tighten(file.with_name(file.name + suffix))


def _make_folder(place: DatabaseAddress, folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unavailable(
            place, f"its folder cannot be created ({error.strerror}); check the path and the rights"
        ) from error


def _need_driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "opening a PostgreSQL database: its driver is missing; pip install 'wirewatch[postgres]'"
        ) from error
