"""An archive without an article, copied: made once in a process, since the migrations take a twentieth of a second."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
from pathlib import Path

from bot import storage
from bot.durations import Clock
from bot.storage import connections
from tests.testbed.fakes import FakeClock


def archive(file: Path) -> str:
    """Write one to ``file``. Returns its address."""
    file.write_bytes(_make_archive())
    return f"sqlite:///{file}"


def in_memory(clock: Clock) -> storage.Store:
    """Open a copy of it in memory."""
    place = connections.parse("sqlite://")
    engine = connections.for_writing(place)
    content = bytearray(_make_archive())
    # The format of a database without a log beside it, which one in memory cannot have (sqlite.org/fileformat.html).
    content[18:20] = b"\x01\x01"
    with engine.connect() as connection:
        database = connection.connection.driver_connection
        assert isinstance(database, sqlite3.Connection)
        database.deserialize(bytes(content))
    return storage.Store(place, writer=engine, reader=engine, clock=clock, lock=None)


@functools.cache
def _make_archive() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fresh.db"
        storage.open_store(f"sqlite:///{file}", clock=FakeClock()).close_now()
        return file.read_bytes()
