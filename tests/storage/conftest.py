"""Every store there is, for the contract suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot import storage
from bot.storage import schema
from tests.testbed import fresh
from tests.testbed.fakes import FakeClock
from tests.testbed.servers.postgres import Server, name_of

KINDS = ("sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long]))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgres_database(postgres_server: Server) -> str:
    """One database with our schema."""
    address = postgres_server.new_database()
    storage.open_store(address, clock=FakeClock()).close_now()
    return address


@pytest.fixture
def postgres_address(postgres_server: Server, postgres_database: str) -> str:
    """Return the same database, emptied. DELETE, because TRUNCATE makes a hundred new files."""
    tables = [*(table.name for table in reversed(schema.metadata.sorted_tables)), "search_rows"]
    statements = [f"DELETE FROM {table}" for table in tables]
    statements.append("SELECT setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences")
    postgres_server.run("; ".join(statements), database=name_of(postgres_database))
    return postgres_database


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return fresh.archive(tmp_path / "store.db")
    found: str = request.getfixturevalue("postgres_address")
    return found


@pytest.fixture(params=KINDS)
def new_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that has no tables yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: Server = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
async def store(address: str, clock: FakeClock) -> AsyncIterator[storage.Store]:
    opened = storage.open_store(address, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def tx(address: str, clock: FakeClock) -> Iterator[storage.Transaction]:
    """One transaction, which sees what it has written and is rolled back at the end."""
    store = storage.open_store(address, clock=clock)
    assert store._writer is not None
    with store._writer.connect() as connection, connection.begin():
        yield storage.Transaction(connection)
    store.close_now()
