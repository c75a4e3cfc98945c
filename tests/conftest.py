"""What holds for every suite: one PostgreSQL, and in CI generated examples that are the same in every run."""

from __future__ import annotations

import os

from hypothesis import settings

from testbed.servers.postgres import postgres_server

__all__ = ["postgres_server"]

# No deadline: a busy machine is no fault of the code.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("anywhere", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "anywhere")
