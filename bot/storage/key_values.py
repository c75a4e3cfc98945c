"""Small facts of the running bot, by name."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from bot.storage.schema import notes

_GET = select(notes.c.value).where(notes.c.key == bindparam("of_key"))
_NEW = insert(notes)
_PUT = _NEW.on_conflict_do_update(index_elements=[notes.c.key], set_={"value": _NEW.excluded.value})
_DROP = delete(notes).where(notes.c.key == bindparam("of_key"))


class Notes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        return self._connection.execute(_GET, {"of_key": key}).scalar()

    def put(self, key: str, value: str) -> None:
        self._connection.execute(_PUT, {"key": key, "value": value})

    def beginning(self, start: str) -> Mapping[str, str]:
        found = select(notes).where(notes.c.key.startswith(start, autoescape=True))
        return {row.key: row.value for row in self._connection.execute(found)}

    def drop(self, key: str) -> None:
        self._connection.execute(_DROP, {"of_key": key})
