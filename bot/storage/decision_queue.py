"""The queue of matched articles that await a decision, and the key-value table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace
from sqlalchemy import Text, bindparam, delete, func, literal, select, type_coerce
from sqlalchemy.dialects.sqlite import insert

from bot.model.archive import Arrival, QueuedArticle, QueueHolder
from bot.model.encoders import Vector
from bot.storage.columns import WANTED, Repository, chunks, upsert
from bot.storage.schema import decision_queue, key_values
from bot.storage.vectors import Vectors

#: The key under which ``QueueHolder`` is stored.
_HOLDER = "desk"


class DecisionQueue(Repository):
    """Matched articles that await a decision. Only one process at a time decides."""

    def add(self, entries: Sequence[QueuedArticle]) -> None:
        """Append entries."""
        if entries:
            self._connection.execute(insert(decision_queue), [{"body": entry} for entry in entries])

    def numbers(self, *, limit: int) -> Sequence[int]:
        """Return the numbers of the oldest entries, at most ``limit``."""
        statement = select(decision_queue.c.n).order_by(decision_queue.c.n).limit(limit)
        return self._connection.execute(statement).scalars().all()

    def get(self, numbers: Sequence[int]) -> Mapping[int, QueuedArticle]:
        """Return number -> entry, oldest first. Omit numbers that are no longer in the queue."""
        rows = sorted(self._rows_in_chunks(_GET_ENTRIES, numbers), key=lambda row: row.n)
        vectors = Vectors(self._connection).get([row.body.article.id for row in rows])
        return {row.n: _with_vector(row.body, vectors.get(row.body.article.id)) for row in rows}

    def count_of(self, numbers: Sequence[int]) -> int:
        """Return how many of these entries are still in the queue."""
        return sum(1 for _ in self._rows_in_chunks(_GET_NUMBERS, numbers))

    def raw(self, number: int) -> str | None:
        """Return the unread body of an entry, or None if it is no longer in the queue."""
        return self._connection.execute(select(_UNREAD).where(decision_queue.c.n == number)).scalar()

    def put_back(self, body: str) -> None:
        """Append an entry that ``raw`` returned."""
        self._connection.execute(insert(decision_queue).values(body=literal(body, Text)))

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove decided entries."""
        for part in chunks(numbers):
            self._connection.execute(delete(decision_queue).where(decision_queue.c.n.in_(part)))

    def count(self) -> int:
        """Return the number of entries."""
        return self._connection.execute(select(func.count()).select_from(decision_queue)).scalar_one()

    def holder(self) -> QueueHolder:
        """Return the last holder and the number of the last change. A turn stays valid while both stay the same."""
        # The value is the number, a space and the name.
        change, _, who = (KeyValueTable(self._connection).get(_HOLDER) or "").partition(" ")
        # A value that cannot be read counts as absent.
        return QueueHolder(who=who, change=int(change) if change.isdecimal() and change.isascii() else 0)

    def take_over(self, who: str, *, expected: QueueHolder) -> QueueHolder | None:
        """Become the holder, in the transaction that writes a turn based on the state ``expected``.

        Return None if the state has changed. Then nothing of the turn may be written.
        """
        now = self.holder()
        # Write the row even if it does not change. On PostgreSQL, two concurrent transactions that write the same row
        # cannot both commit.
        taken_over = QueueHolder(who=who, change=now.change + 1)
        self._put(taken_over if now == expected else now)
        return taken_over if now == expected else None

    def note_change(self) -> None:
        """Record that stories or alerts change outside a turn, which makes a turn in progress invalid."""
        now = self.holder()
        self._put(QueueHolder(who=now.who, change=now.change + 1))

    def _put(self, holder: QueueHolder) -> None:
        KeyValueTable(self._connection).put(_HOLDER, f"{holder.change} {holder.who}")


def _with_vector(entry: QueuedArticle, vector: Vector | None) -> QueuedArticle:
    return replace(entry, meaning=vector) if isinstance(entry, Arrival) else entry


_UNREAD = type_coerce(decision_queue.c.body, Text)
_GET_NUMBERS = select(decision_queue.c.n).where(decision_queue.c.n.in_(WANTED))
_GET_ENTRIES = select(decision_queue).where(decision_queue.c.n.in_(WANTED))


_GET = select(key_values.c.value).where(key_values.c.key == bindparam("of_key"))
_PUT = upsert([key_values.c.key], ["value"])


class KeyValueTable(Repository):
    """Single values of the running bot, by key."""

    def get(self, key: str) -> str | None:
        """Return the value of the key, or None if there is none."""
        return self._connection.execute(_GET, {"of_key": key}).scalar()

    def put(self, key: str, value: str) -> None:
        """Write the value. It replaces the key's previous value."""
        self._connection.execute(_PUT, {"key": key, "value": value})

    def beginning(self, start: str) -> Mapping[str, str]:
        """Return the keys with this prefix and their values."""
        statement = select(key_values).where(key_values.c.key.startswith(start, autoescape=True))
        return {row.key: row.value for row in self._connection.execute(statement)}

    def drop(self, key: str) -> None:
        """Delete the key, if it exists."""
        self._connection.execute(delete(key_values).where(key_values.c.key == key))
