"""A database's address: what it names, in words that hide its password."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot import ports

_FORMS = "write sqlite:///data/wirewatch.db or postgresql://user@host/database"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A database's address, which never shows its password."""

    url: URL
    #: SQLite's file; None: in memory, or not SQLite.
    file: Path | None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite, in a file or in memory."""
        return self.url.get_backend_name() == "sqlite"

    def __str__(self) -> str:
        """For people: without driver, password and options (which may hold one)."""
        if self.file is not None:
            return str(self.file)
        return self.url.set(drivername=self.url.get_backend_name(), query={}).render_as_string(hide_password=True)


def parse(address: str) -> DatabaseAddress:
    """Raises ConfigError; its text holds no part of the address, which may hold a password."""
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError):
        raise ports.ConfigError(f"reading the database's address: not an address; {_FORMS}") from None
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql" | "postgres":
            return DatabaseAddress(url.set(drivername="postgresql+psycopg"), None)
        case other:
            raise ports.ConfigError(f"reading the database's address: {other!r} is not supported; {_FORMS}")


def _sqlite(url: URL) -> DatabaseAddress:
    if url.host:
        raise ports.ConfigError(
            "reading the database's address: two slashes name a host, which SQLite has none of; "
            "write sqlite:///data/x.db (relative) or sqlite:////var/lib/x.db (absolute)"
        )
    if url.database in (None, "", ":memory:"):
        return DatabaseAddress(url.set(drivername="sqlite", database=":memory:", query={}), None)
    assert url.database is not None
    # Absolute at once: the working directory may change. A folder without links: two names of one file are one lock.
    # A link in the file's own place is refused when it is opened.
    named = Path(url.database).absolute()
    file = named.parent.resolve() / named.name
    return DatabaseAddress(url.set(drivername="sqlite", database=str(file), query={}), file)


def libpq_address(address: str) -> str:
    """PostgreSQL's address as its own library reads it, with what is secret in it. Raises ConfigError."""
    return parse(address).url.set(drivername="postgresql").render_as_string(hide_password=False)
