"""What a database's failure means, in words that say what to do.

A race that was lost is not a failure: the transaction runs again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot import ports
from bot.storage.addresses import DatabaseAddress


class LostRace(Exception):
    """Another transaction was first: run this one again."""


#: serialization_failure, deadlock_detected (PostgreSQL, appendix A).
_RACES = ("40001", "40P01")

#: SQLite's primary result codes (sqlite.org/rescode.html).
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

#: PostgreSQL's SQLSTATE or its beginning (its documentation, appendix A).
_POSTGRES = {
    "53100": "the server's disk is full; free space there, nothing is lost",
    "53200": "the server is out of memory",
    "53300": "the server takes no more connections; raise max_connections or run fewer workers",
    "57P": "the server is starting, stopping or restarting; it will be tried again",
    "25006": "it is read-only; a standby was reached, name the primary",
    "28": "user or password is refused; check the address and the server's pg_hba.conf",
    "3D000": "there is no such database; make it with createdb",
    "42501": "the user lacks a right; the bot's user must own the database's schema",
    "55P03": "a lock is held for too long by another session",
    "08": "the connection broke; it will be tried again",
    "XX001": "it is damaged: ask the server's administrator",
    "XX002": "it is damaged: ask the server's administrator",
}
_GONE = "no connection; check that the server runs and that host, port and user are right; it will be tried again"


@contextmanager
def translated(address: DatabaseAddress) -> Iterator[None]:
    """Raises StoreUnavailable or LostRace for what a database may do; a statement that is wrong stays our bug."""
    try:
        yield
    except PoolTimeout:
        raise unavailable(address, "all connections are in use for too long") from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _RACES:
            raise LostRace from error
        meaning = _meaning(error)
        if meaning is None:
            raise
        raise unavailable(address, meaning) from error


def unavailable(address: DatabaseAddress, meaning: str) -> ports.StoreUnavailable:
    """The error, with the database's address and what the failure means."""
    return ports.StoreUnavailable(f"using the database {address}: {meaning}")


def _meaning(error: DBAPIError) -> str | None:
    """None: not a state of the database but a mistake of ours."""
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0)
        return _SQLITE.get(code & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return next((text for prefix, text in _POSTGRES.items() if state.startswith(prefix)), None)
    if error.connection_invalidated or type(error.orig).__name__ in ("OperationalError", "ConnectionTimeout"):
        return _GONE
    return None
