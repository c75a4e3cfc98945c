"""Brings a database to this version's schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from bot import ports
from bot.storage import schema
from bot.storage.addresses import DatabaseAddress
from bot.storage.failures import unavailable

if TYPE_CHECKING:
    from alembic.config import Config

#: Any number of ours: workers that start together upgrade one after another.
_UPGRADE_LOCK = 5_781_104_927


def upgrade(connection: Connection, address: DatabaseAddress) -> None:
    """In one transaction: a kill in between leaves the old schema. Raises StoreUnavailable for a newer one."""
    if revision_of(connection) == schema.REVISION:
        return
    if not address.is_sqlite:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    # Imported here: most starts find the schema as it should be.
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(config(connection), "head")
    except CommandError as error:
        raise _newer(address) from error


def expect(connection: Connection, address: DatabaseAddress) -> None:
    """Raises StoreUnavailable when the schema is not this version's, for those who only read."""
    found = revision_of(connection)
    if found is None:
        raise unavailable(address, "it is empty; `wirewatch once` or `wirewatch run` fills it")
    if found < schema.REVISION:
        raise unavailable(address, "an earlier version made it; `wirewatch once` or `wirewatch run` upgrades it")
    if found > schema.REVISION:
        raise _newer(address)


def _newer(address: DatabaseAddress) -> ports.StoreUnavailable:
    return unavailable(address, "a newer version of Wirewatch made it; install that version, or put back a backup")


def revision_of(connection: Connection) -> str | None:
    """The newest migration that ran; None: an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made
