from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot import storage
from tests.testbed import fresh
from tests.testbed.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(clock: FakeClock) -> AsyncIterator[storage.Store]:
    opened = fresh.in_memory(clock)
    yield opened
    await opened.close()
