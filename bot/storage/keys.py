"""Typed accessors for the single values that the store keeps under keys. No other module spells a key or its format.

A channel's own keys (such as a resolved id) belong to the channel, which gets a ``channels.KeyValues``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.storage.store import Transaction


@dataclass(frozen=True, slots=True)
class TextKey:
    """A text under one key."""

    key: str

    def get(self, tx: Transaction) -> str:
        """Return the text; empty if there is none."""
        return tx.key_values.get(self.key) or ""

    def put(self, tx: Transaction, value: str) -> None:
        """Write the text; an empty text clears it."""
        tx.key_values.put(self.key, value)


@dataclass(frozen=True, slots=True)
class TimeKey:
    """A time under one key."""

    key: str

    def get(self, tx: Transaction) -> datetime | None:
        """Return the time; None if there is none or it was cleared."""
        text = tx.key_values.get(self.key)
        return datetime.fromisoformat(text) if text else None

    def put(self, tx: Transaction, when: datetime) -> None:
        """Write the time, which must be aware."""
        tx.key_values.put(self.key, when.isoformat())

    def clear(self, tx: Transaction) -> None:
        """Clear the time."""
        tx.key_values.put(self.key, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLife:
    """The life of one worker process."""

    process: str
    since: datetime
    #: Its last heartbeat.
    until: datetime


#: The last look for due feeds.
TICK = TimeKey("tick")
#: A bot with an older tick is unhealthy. Allows for a large transaction or a slow disk.
TICK_MAX_AGE = timedelta(seconds=30)
#: A cluster worker without a heartbeat for this long is considered dead.
DEAD_AFTER = timedelta(seconds=30)
#: The last time that a process began or ended.
LAST_SEEN = TimeKey("seen")
#: The end of the last outage of the database that the operator was notified of.
OUTAGE = TimeKey("outage reported")
#: The last time that `keep:` was applied.
TRIMMED = TimeKey("housekeeping")
#: Names of the rules whose last good version the running bot keeps, as a JSON list.
KEPT_RULES = TextKey("rules kept")
_OWNER = "running"
_ALIVE = "alive "
_TURN = "turn "


def rule_matched(rule: str) -> TimeKey:
    """Return the key of the last match of a rule with ``expect``."""
    return TimeKey(f"rule matched: {rule}")


def channel_trouble(channel: str) -> TextKey:
    """Return the key of the reason, reported to the operator, why nothing is sent to a channel."""
    return TextKey(f"outbox:trouble:{channel}")


def buttons_trouble(channel: str) -> TextKey:
    """Return the key of the reason, reported to the operator, why a channel's buttons are not connected."""
    return TextKey(f"buttons:trouble:{channel}")


def get_owner(tx: Transaction) -> tuple[str, datetime] | None:
    """Return the process that owns the database, or died as its owner, and since when; None if it ended in order."""
    since, _, process = (tx.key_values.get(_OWNER) or "").partition(" ")
    return (process, datetime.fromisoformat(since)) if since else None


def put_owner(tx: Transaction, process: str, since: datetime) -> None:
    """Write which process owns the database, and since when."""
    tx.key_values.put(_OWNER, f"{since.isoformat()} {process}")


def clear_owner(tx: Transaction) -> None:
    """Note that the owner ended in order."""
    tx.key_values.put(_OWNER, "")


def worker_lives(tx: Transaction) -> Mapping[str, WorkerLife]:
    """Return the last heartbeat of each cluster worker, by process id."""
    lives = {}
    for key, times in tx.key_values.beginning(_ALIVE).items():
        since, _, until = times.partition(" ")
        process = key.removeprefix(_ALIVE)
        lives[process] = WorkerLife(
            process=process, since=datetime.fromisoformat(since), until=datetime.fromisoformat(until)
        )
    return lives


def has_worker_life(tx: Transaction, process: str) -> bool:
    """Return whether a worker has a heartbeat and was not declared dead since."""
    return tx.key_values.get(_ALIVE + process) is not None


def put_worker_life(tx: Transaction, life: WorkerLife) -> None:
    """Write a worker's heartbeat."""
    tx.key_values.put(_ALIVE + life.process, f"{life.since.isoformat()} {life.until.isoformat()}")


def take_turn(tx: Transaction, what: str, who: str, *, now: datetime, until: datetime) -> bool:
    """Reserve the task ``what`` for ``who`` until a time; return False while somebody else has reserved it."""
    key = _TURN + what
    begun, _, holder = (tx.key_values.get(key) or "").partition(" ")
    if begun and holder != who and datetime.fromisoformat(begun) > now:
        return False
    tx.key_values.put(key, f"{until.isoformat()} {who}")
    return True


def drop_worker_life(tx: Transaction, process: str) -> None:
    """Delete the heartbeat of a worker that has ended."""
    tx.key_values.drop(_ALIVE + process)
