"""Every store there is, for the contract suite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import storage
from tests.fakes import FakeClock
from tests.servers.postgres import Server, postgres_server

__all__ = ["postgres_server"]

KINDS = ("sqlite file", "sqlite memory", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    """A database with our schema, to be copied: faster than a migration for each test."""
    address = postgres_server.new_database()
    storage.open_store(address, clock=FakeClock()).close_now()
    return address.split("/")[3].partition("?")[0]


@pytest.fixture(params=KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "sqlite file":
            return f"sqlite:///{tmp_path}/store.db"
        case "sqlite memory":
            return "sqlite://"
        case _:
            template: str = request.getfixturevalue("postgres_template")
            server: Server = request.getfixturevalue("postgres_server")
            return server.new_database(like=template)


@pytest.fixture
async def store(address: str, clock: FakeClock) -> AsyncIterator[storage.SqlStore]:
    opened = storage.open_store(address, clock=clock)
    yield opened
    await opened.close()
