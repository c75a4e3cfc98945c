from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from testbed.fakes import FakeClock
from tests.outbox.rows import FakeChannel, MemoryStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    store = MemoryStore()
    yield store
    await store.close()


@pytest.fixture
def channel(clock: FakeClock) -> FakeChannel:
    return FakeChannel(clock)
