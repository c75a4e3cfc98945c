"""Small facts of the running bot, by name."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from bot.storage.schema import key_values

_GET = select(key_values.c.value).where(key_values.c.key == bindparam("of_key"))
_NEW = insert(key_values)
_PUT = _NEW.on_conflict_do_update(index_elements=[key_values.c.key], set_={"value": _NEW.excluded.value})
_DROP = delete(key_values).where(key_values.c.key == bindparam("of_key"))


class KeyValues:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> str | None:
        return self._connection.execute(_GET, {"of_key": key}).scalar()

    def put(self, key: str, value: str) -> None:
        self._connection.execute(_PUT, {"key": key, "value": value})

    def beginning(self, start: str) -> Mapping[str, str]:
        found = select(key_values).where(key_values.c.key.startswith(start, autoescape=True))
        return {row.key: row.value for row in self._connection.execute(found)}

    def drop(self, key: str) -> None:
        self._connection.execute(_DROP, {"of_key": key})
