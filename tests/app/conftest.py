from __future__ import annotations

from testbed.servers.postgres import postgres_server

__all__ = ["postgres_server"]
