"""What holds for every suite: one PostgreSQL, a heap without its tests, in CI the same generated examples always."""

from __future__ import annotations

import gc
import os
from datetime import timedelta

from hypothesis import settings

from bot.language.encoders import bounded
from testbed.servers.postgres import postgres_server

__all__ = ["postgres_server"]

# No deadline: a busy machine is no fault of the code.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("anywhere", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "anywhere")

# On a busy machine a model's first answer takes minutes; of the tests' vectors none may be missing.
bounded.TIMEOUT = timedelta(minutes=10)


def pytest_collection_finish() -> None:
    """Thousands of tests are not walked by each collection of the garbage, of which each start of the bot asks one."""
    gc.collect()
    gc.freeze()
