"""Database addresses, connections, and explanations of database errors for the operator."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool

from bot.model.errors import ConfigError, StoreInUse, StoreUnavailable
from bot.patterns import LazyPattern
from bot.storage.columns import UnreadableValue

_FORMS = "write sqlite:///data/wirewatch.db or postgresql://user@host/database"


class DatabaseAddress(msgspec.Struct, frozen=True):
    """A database's address. Its text form never contains the password."""

    url: URL
    #: SQLite's file, or None if the database is in memory or is not SQLite.
    file: Path | None

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite, in a file or in memory."""
        return self.url.get_backend_name() == "sqlite"

    def __str__(self) -> str:
        """Return the address for people, without driver, password and options (an option may contain a password)."""
        if self.file is not None:
            return str(self.file)
        return self.url.set(drivername=self.url.get_backend_name(), query={}).render_as_string(hide_password=True)


def parse(address: str) -> DatabaseAddress:
    """Parse a database address. Raises ConfigError, without the address, because that may contain a password."""
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError):
        raise ConfigError(f"reading the database's address: not an address; {_FORMS}") from None
    match url.get_backend_name():
        case "sqlite":
            return _sqlite_address(url)
        case "postgresql" | "postgres":
            return DatabaseAddress(url.set(drivername="postgresql+psycopg"), None)
        case other:
            raise ConfigError(f"reading the database's address: {other!r} is not supported; {_FORMS}")


def _sqlite_address(url: URL) -> DatabaseAddress:
    if url.host:
        raise ConfigError(
            "reading the database's address: an SQLite address has no host after two slashes; "
            "write sqlite:///data/x.db (relative) or sqlite:////var/lib/x.db (absolute)"
        )
    if url.database in (None, "", ":memory:"):
        return DatabaseAddress(url.set(drivername="sqlite", database=":memory:", query={}), None)
    assert url.database is not None
    # Make the path absolute, because the working directory may change. Resolve links to its folder, so that two paths
    # to one file share one lock. If the file itself is a link, opening it is refused.
    named = Path(url.database).absolute()
    file = named.parent.resolve() / named.name
    return DatabaseAddress(url.set(drivername="sqlite", database=str(file), query={}), file)


def libpq_address(address: str) -> str:
    """Return the address of a PostgreSQL database for libpq, including the password. Raises ConfigError."""
    return parse(address).url.set(drivername="postgresql").render_as_string(hide_password=False)


class LostRace(Exception):
    """The transaction conflicts with another transaction, and must run again."""


class DamagedIndex(Exception):
    """The index of the articles' words is damaged, or perhaps another part. It can be built again from the articles.

    ``is_certain`` is false if the database's error, which is the cause, may have another reason.
    """

    def __init__(self, text: str, *, is_certain: bool = True) -> None:
        super().__init__(text)
        self.is_certain = is_certain


#: The errors of a transaction when the database fails, or when a stored value cannot be read.
DATABASE_ERRORS = (DBAPIError, PoolTimeout, UnreadableValue)

#: The codes serialization_failure and deadlock_detected (PostgreSQL's documentation, appendix A).
_RACES = ("40001", "40P01")

#: The codes data_corrupted, index_corrupted and undefined_file.
_DAMAGES = ("XX001", "XX002", "58P01")

_NO_TABLE_MEANING = "a table is missing; put the last backup in its place"
#: SQLite's codes for a damaged FTS5 index. The constraint of a real table has an extended code; FTS5 has none.
_OF_INDEX = (sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR)
#: The end of the message about a table that SQLite does not find.
_NO_TABLE = LazyPattern(r"no such table: (?:main\.)?(?!search_)\w+$")

#: SQLite's primary result code (sqlite.org/rescode.html) -> explanation.
_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full; free space, nothing is lost",
    sqlite3.SQLITE_BUSY: "it is locked by another program; end that program (a database browser, a backup)",
    sqlite3.SQLITE_LOCKED: "it is locked by another connection; end the program that holds it",
    sqlite3.SQLITE_READONLY: "it cannot be written; check the file's and its folder's owner, mode and mount",
    sqlite3.SQLITE_PERM: "access is refused; check the file's owner and mode",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that the folder exists and that this user may write in it",
    sqlite3.SQLITE_CORRUPT: "it is damaged; put the last backup in its place, or repair it with sqlite3's .recover",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite database; check the address, or move the file away",
    sqlite3.SQLITE_IOERR: "the disk fails or its file system turned read-only; see dmesg and mount, nothing is lost",
    sqlite3.SQLITE_PROTOCOL: "its locks do not work; keep it on a local disk, not on a network share",
}

#: PostgreSQL's SQLSTATE or its beginning (PostgreSQL's documentation, appendix A) -> explanation.
_POSTGRES = {
    "53100": "the server's disk is full; free space there, nothing is lost",
    "53200": "the server is out of memory",
    "53300": "the server accepts no more connections; raise max_connections or run fewer workers",
    "57P": "the server is starting, stopping or restarting; it will be tried again",
    "25006": "it is read-only because the server is a standby; use the address of the primary",
    "28": "the user or password was refused; check the address and the server's pg_hba.conf",
    "3D000": "there is no such database; make it with createdb",
    "42501": "the user lacks a permission; the bot's user must own the database's schema",
    "42P01": _NO_TABLE_MEANING,
    "55P03": "another session has held a lock for too long",
    "08": "the connection broke; it will be tried again",
}
_GONE = "no connection; check that the server runs and that host, port and user are right; it will be tried again"


@contextmanager
def translated(address: DatabaseAddress) -> Iterator[None]:
    """Raise StoreUnavailable or LostRace for a failure of the database. Do not change an error that our bug caused."""
    try:
        yield
    except PoolTimeout:
        raise unavailable(address, "all connections have been in use for too long") from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _RACES:
            raise LostRace from error
        if getattr(error.orig, "sqlstate", None) in _DAMAGES:
            raise DamagedIndex("it is damaged; ask the server's administrator") from error
        meaning = _meaning(error)
        code = getattr(error.orig, "sqlite_errorcode", 0)
        if meaning is None and code in _OF_INDEX:
            text = "its index of words is damaged; the running bot builds it again"
            raise DamagedIndex(text, is_certain=code != sqlite3.SQLITE_ERROR) from error
        if meaning is None:
            raise
        kind = StoreInUse if code & 0xFF == sqlite3.SQLITE_BUSY else StoreUnavailable
        raise kind(f"using the database {address}: {meaning}") from error


def unavailable(address: DatabaseAddress, meaning: str) -> StoreUnavailable:
    """Return an error with the database's address and the explanation of the failure."""
    return StoreUnavailable(f"using the database {address}: {meaning}")


def _meaning(error: DBAPIError) -> str | None:
    """Return the explanation of an error for the operator, or None if our code caused the error."""
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_CORRUPT_VTAB:
            return None
        return _NO_TABLE_MEANING if _NO_TABLE.search(str(error.orig)) else _SQLITE.get(code & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return next((text for prefix, text in _POSTGRES.items() if state.startswith(prefix)), None)
    if error.connection_invalidated or type(error.orig).__name__ in ("OperationalError", "ConnectionTimeout"):
        return _GONE
    return None


#: How long a statement waits for another program's lock before it fails as “locked”.
BUSY_SECONDS = 5
#: Options of PostgreSQL connections. A plan that was cached for empty tables would scan whole tables until the
#: connection ends: a first poll cost the server 11 ms instead of 3 ms (bench/speed/cluster.py). A new plan for each
#: statement costs tenths of a millisecond.
_OPTIONS = "-c timezone=UTC -c plan_cache_mode=force_custom_plan"
#: If a long read has let the write-ahead log grow, the next checkpoint truncates it to this size.
_LOG_LIMIT_BYTES = 64 * 1024 * 1024
_CACHE_KIBIBYTES = 16 * 1024
_WRITER_PRAGMAS = (
    "journal_mode = WAL",
    # With NORMAL, a power failure may lose the last transactions, and a message that was recorded as sent would be sent
    # again.
    "synchronous = FULL",
    "foreign_keys = ON",
    # Keys are digests, so new rows touch many pages of the indexes. The default cache of 2 MB would reread them often.
    f"cache_size = -{_CACHE_KIBIBYTES}",
    f"journal_size_limit = {_LOG_LIMIT_BYTES}",
)


def for_writing(address: DatabaseAddress) -> Engine:
    """Return the engine for transactions that may write."""
    return _sqlite_engine(address, begin="BEGIN IMMEDIATE", writes=True) if address.is_sqlite else _postgres(address)


def for_reading(address: DatabaseAddress) -> Engine:
    """Return the engine for reading. On SQLite, its connections cannot write and (with WAL) do not block the writer."""
    if address.is_sqlite:
        return _sqlite_engine(address, begin="BEGIN", writes=False)
    return _postgres(address, read_only=True)


@contextmanager
def upgrading(address: DatabaseAddress, writer: Engine) -> Iterator[Connection]:
    """Open a transaction for an upgrade. On PostgreSQL, it sees an upgrade that another worker has just committed."""
    with writer.connect() as connection:
        if not address.is_sqlite:
            connection.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            yield connection


def _sqlite_engine(address: DatabaseAddress, *, begin: str, writes: bool) -> Engine:
    connect_args: dict[str, Any] = {"check_same_thread": False, "timeout": BUSY_SECONDS}
    if address.file is None:
        engine = create_engine(address.url, poolclass=StaticPool, connect_args=connect_args)
    elif writes:
        engine = create_engine(address.url, connect_args=connect_args)
    else:
        # Use a URI for ``mode=ro``, which never creates a file and needs only the right to read it.
        url = address.url.set(database=address.file.as_uri(), query={"mode": "ro", "uri": "true"})
        engine = create_engine(url, connect_args=connect_args)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # Disable the driver's implicit transactions; `start` sends BEGIN (docs.sqlalchemy.org, pysqlite transactions).
        connection.isolation_level = None
        # Read a damaged text as it is, although it may be wrong. Otherwise the other rows of a query could not be read.
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for pragma in _WRITER_PRAGMAS if writes else ("query_only = ON",):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres(address: DatabaseAddress, *, read_only: bool = False) -> Engine:
    # With REPEATABLE READ, a transaction that writes a row fails and runs again if another one has changed the row.
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ"}
    if read_only:
        options["postgresql_readonly"] = True
    return create_engine(
        address.url,
        # One connection for each thread of the store.
        pool_size=7 if read_only else 4,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        pool_recycle=1800,
        execution_options=options,
        connect_args={"connect_timeout": 10, "application_name": "wirewatch", "options": _OPTIONS},
    )
