"""The single values that the store keeps under keys. Only this module knows these keys and their types.

A channel accesses its own keys (for example the key of a resolved id) with ``channels.KeyValues``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec

from bot.aio import Failure
from bot.model.language_models import ExamResult
from bot.storage.columns import JsonColumn
from bot.storage.store import Transaction

T = TypeVar("T")


class StoredValue(Generic[T]):
    """The value under one key, as JSON. A value that cannot be read counts as absent, because each is written again."""

    def __init__(self, key: str, kind: Any) -> None:
        self.key = key
        self._column: JsonColumn[T] = JsonColumn(kind)

    def get(self, tx: Transaction) -> T | None:
        """Return the value, or None if there is none."""
        return self.parse(tx.key_values.get(self.key))

    def parse(self, document: str | None) -> T | None:
        """Return the value of a stored document, or None if it cannot be read."""
        try:
            return self._column.load(document) if document else None
        except ValueError:
            return None

    def put(self, tx: Transaction, value: T) -> None:
        """Write the value."""
        tx.key_values.put(self.key, self._column.dump(value))

    def clear(self, tx: Transaction) -> None:
        """Delete the value."""
        tx.key_values.drop(self.key)


#: A time with a zone.
_Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class WorkerLife(msgspec.Struct, frozen=True, kw_only=True):
    """The start and the last heartbeat of one worker process."""

    since: _Time
    #: Time of the last heartbeat.
    until: _Time


#: The last time that the bot looked for due feeds.
TICK: StoredValue[datetime] = StoredValue("tick", _Time)
#: A bot whose last tick is older than this is unhealthy. The limit allows for a large transaction or a slow disk.
TICK_MAX_AGE = timedelta(seconds=30)
#: A cluster worker without a heartbeat for this long is considered dead.
DEAD_AFTER = timedelta(seconds=30)
#: The beginning and the end of the last time in which no process looked for due feeds for some minutes.
UNWATCHED: StoredValue[tuple[datetime, datetime]] = StoredValue("unwatched", tuple[_Time, _Time])
#: The last time that a process started or ended.
LAST_SEEN: StoredValue[datetime] = StoredValue("seen", _Time)
#: The process that owns the database, or that died as its owner, and its start time.
OWNER: StoredValue[tuple[str, datetime]] = StoredValue("running", tuple[str, _Time])
#: The end of the last database outage that was reported to the operator.
OUTAGE: StoredValue[datetime] = StoredValue("outage reported", _Time)
#: The time of the last notice that the database fails in part.
PARTIAL_OUTAGE: StoredValue[datetime] = StoredValue("partial outage reported", _Time)
#: The encoder that made the stored vectors.
ENCODER: StoredValue[str] = StoredValue("encoder", str)
#: Why stories are grouped by words alone, or "" if they are not.
WORDS_ALONE: StoredValue[str] = StoredValue("words alone", str)
#: The last time that old articles were deleted, as set by `keep:`.
TRIMMED: StoredValue[datetime] = StoredValue("housekeeping", _Time)
#: The last exam of the language model. `check` also reads it, without this module.
EXAM: StoredValue[ExamResult] = StoredValue("exam", ExamResult)
#: The rules with errors, which the running bot uses in their last good version.
KEPT_RULES: StoredValue[tuple[str, ...]] = StoredValue("rules kept", tuple[str, ...])
_ALIVE = "alive "


def brief_posted(channel: str) -> StoredValue[datetime]:
    """Return the time up to which the channel's last brief reports."""
    return StoredValue(f"brief {channel}", _Time)


def rule_matched(rule: str) -> StoredValue[datetime]:
    """Return the time of the last match of a rule that has the key ``expect``."""
    return StoredValue(f"rule matched: {rule}", _Time)


def channel_trouble(channel: str) -> StoredValue[str]:
    """Return the reason why nothing can be sent to a channel, as reported to the operator."""
    return StoredValue(f"outbox:trouble:{channel}", str)


def buttons_trouble(channel: str) -> StoredValue[str]:
    """Return the reason why a channel's buttons are not connected, as reported to the operator."""
    return StoredValue(f"buttons:trouble:{channel}", str)


def health_notice(is_well: bool) -> StoredValue[str]:
    """Return the outbox row of the last notice about feeds: of resolved problems, or of new ones."""
    return StoredValue("health notice: resolved" if is_well else "health notice", str)


def quarantine_reported(stage: str) -> StoredValue[datetime]:
    """Return the time of the last notice about pieces of a stage that were set aside."""
    return StoredValue(f"quarantine reported: {stage}", _Time)


def stop_reported(stage: str) -> StoredValue[datetime]:
    """Return the time of the last notice that a stage stops everything."""
    return StoredValue(f"stop reported: {stage}", _Time)


def failures(process: str) -> StoredValue[tuple[Failure, ...]]:
    """Return the tasks and stages of a process that failed at its last tick."""
    return StoredValue(f"failing {process}", tuple[Failure, ...])


def worker_life(process: str) -> StoredValue[WorkerLife]:
    """Return the last heartbeat of a cluster worker."""
    return StoredValue(f"{_ALIVE}{process}", WorkerLife)


def worker_lives(tx: Transaction) -> Mapping[str, WorkerLife]:
    """Return the last heartbeat of each cluster worker, by process id."""
    stored = tx.key_values.beginning(_ALIVE).items()
    lives = {key.removeprefix(_ALIVE): worker_life(key).parse(document) for key, document in stored}
    return {process: life for process, life in lives.items() if life is not None}


def take_turn(tx: Transaction, what: str, who: str, *, now: datetime, until: datetime) -> bool:
    """Reserve the task ``what`` for ``who`` until a time. Return False if another worker has reserved it."""
    turn: StoredValue[tuple[str, datetime]] = StoredValue(f"turn {what}", tuple[str, _Time])
    holder, reserved_until = turn.get(tx) or ("", now)
    if holder != who and reserved_until > now:
        return False
    turn.put(tx, (who, until))
    return True
