"""A desk on each database, whose feeds and channel are the plug-ins of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults import rows
from tests.journeys.world import World, world
from tests.testbed import faults
from tests.testbed.faults import spoiling
from tests.testbed.servers.postgres import Server


@pytest.fixture(scope="package", autouse=True)
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with faults.installed(faults.write_package(tmp_path_factory.mktemp("plugins"))):
        yield


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long])])
def database(request: pytest.FixtureRequest) -> str | None:
    """The address of an empty PostgreSQL database, or None for an SQLite file."""
    if request.param == "sqlite":
        return None
    server: Server = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[World]:
    """A desk over SQLite that is not configured."""
    async with world(tmp_path / "config") as setup:
        yield setup


@pytest.fixture
async def desk(tmp_path: Path, database: str | None) -> AsyncIterator[World]:
    """A desk that has polled its feed once, before any news. Triggers spoil the rows of poisoned reports."""
    async with world(tmp_path / "config", database) as setup:
        rows.configure(setup, "wire")
        await setup.once()
        spoiling.add_triggers(setup.address)
        yield setup
