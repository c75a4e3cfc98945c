"""Connections: how each database is opened and how its transactions begin."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from bot.storage.addresses import DatabaseAddress

#: How long a statement waits for another program's lock before it fails as “locked”.
BUSY_SECONDS = 5
#: A plan made while the tables were empty walks through them for as long as the connection lives: a first poll cost the
#: server 11 ms instead of 3 (bench/speed/cluster.py). Planning again for each statement costs tenths of a millisecond.
_OPTIONS = "-c timezone=UTC -c plan_cache_mode=force_custom_plan"
#: A write-ahead log that a long read made grow is cut to this at the next checkpoint.
_LOG_LIMIT_BYTES = 64 * 1024 * 1024
_CACHE_KIBIBYTES = 16 * 1024


def for_writing(address: DatabaseAddress) -> Engine:
    """The engine whose transactions may write."""
    return _sqlite(address, begin="BEGIN IMMEDIATE", writes=True) if address.is_sqlite else _postgres(address)


def for_reading(address: DatabaseAddress) -> Engine:
    """SQLite: connections that cannot write, beside the writer's (WAL: neither waits for the other)."""
    if address.is_sqlite:
        return _sqlite(address, begin="BEGIN", writes=False)
    return _postgres(address, read_only=True)


@contextmanager
def upgrading(address: DatabaseAddress, writer: Engine) -> Iterator[Connection]:
    """A worker that waited for another's upgrade must see it: on PostgreSQL no snapshot from before the wait."""
    with writer.connect() as connection:
        if not address.is_sqlite:
            connection.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            yield connection


def _sqlite(address: DatabaseAddress, *, begin: str, writes: bool) -> Engine:
    connect_args: dict[str, Any] = {"check_same_thread": False, "timeout": BUSY_SECONDS}
    if address.file is None:
        engine = create_engine(address.url, poolclass=StaticPool, connect_args=connect_args)
    elif writes:
        engine = create_engine(address.url, connect_args=connect_args)
    else:
        # As a URI: mode=ro never makes a file, and needs no right to write it.
        url = address.url.set(database=address.file.as_uri(), query={"mode": "ro", "uri": "true"})
        engine = create_engine(url, connect_args=connect_args)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own implicit transactions are off: BEGIN is ours (docs.sqlalchemy.org, pysqlite transactions).
        connection.isolation_level = None
        for pragma in _pragmas(writes=writes):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _pragmas(*, writes: bool) -> tuple[str, ...]:
    if not writes:
        return ("query_only = ON",)
    return (
        "journal_mode = WAL",
        # NORMAL keeps the file whole but may lose the last transactions at a power cut: a message recorded as sent
        # would be sent again.
        "synchronous = FULL",
        "foreign_keys = ON",
        # Keys are digests, so rows go in all over the indexes; with the default 2 MB each first poll reads pages again.
        f"cache_size = -{_CACHE_KIBIBYTES}",
        f"journal_size_limit = {_LOG_LIMIT_BYTES}",
    )


def _postgres(address: DatabaseAddress, *, read_only: bool = False) -> Engine:
    # REPEATABLE READ: a transaction that decided on what another has changed meanwhile fails and runs again.
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ"}
    if read_only:
        options["postgresql_readonly"] = True
    return create_engine(
        address.url,
        # As many as there are threads: bot/storage/store.py.
        pool_size=7 if read_only else 4,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        pool_recycle=1800,
        execution_options=options,
        connect_args={"connect_timeout": 10, "application_name": "wirewatch", "options": _OPTIONS},
    )
