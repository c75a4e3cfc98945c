"""What the store keeps under single keys: one accessor for each family, and no other place spells a key or its format.

A channel's own keys (a resolved id) are its own business; it is handed ``channels.KeyValues``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class Text:
    """A text under one key."""

    key: str

    def get(self, tx: Transaction) -> str:
        """Empty: nothing is kept."""
        return tx.key_values.get(self.key) or ""

    def put(self, tx: Transaction, value: str) -> None:
        """Keep the text; empty clears it."""
        tx.key_values.put(self.key, value)


@dataclass(frozen=True, slots=True)
class Time:
    """A time under one key."""

    key: str

    def get(self, tx: Transaction) -> datetime | None:
        """None: nothing is kept, or it was cleared."""
        kept = tx.key_values.get(self.key)
        return datetime.fromisoformat(kept) if kept else None

    def put(self, tx: Transaction, when: datetime) -> None:
        """Keep the time, which must be aware."""
        tx.key_values.put(self.key, when.isoformat())

    def clear(self, tx: Transaction) -> None:
        """Keep that there is none."""
        tx.key_values.put(self.key, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Of one process."""

    process: str
    since: datetime
    #: When it was last heard of.
    until: datetime


#: The last look for due feeds.
TICK = Time("tick")
#: A bot without a look for so long is not well; a large transaction or a slow disk may hold one up.
TICK_IS_OLD = timedelta(seconds=30)
#: One of several workers without a heartbeat for so long is taken for dead.
UNHEARD = timedelta(seconds=30)
#: The last time that a process began or ended.
SEEN = Time("seen")
#: The end of the last outage of the database that the operator was notified of.
OUTAGE = Time("outage reported")
#: The last time that `keep:` was applied.
TRIMMED = Time("housekeeping")
#: Names of the rules of which the running bot keeps the last good version, as a JSON list.
KEPT_RULES = Text("rules kept")
_OWNER = "running"
_ALIVE = "alive "
_TURN = "turn "


def rule_matched(rule: str) -> Time:
    """The last match of a rule with ``expect``."""
    return Time(f"rule matched: {rule}")


def channel_trouble(channel: str) -> Text:
    """Why nothing is sent to a channel, as reported to the operator."""
    return Text(f"outbox:trouble:{channel}")


def buttons_trouble(channel: str) -> Text:
    """Why a channel's buttons are not connected, as reported to the operator."""
    return Text(f"buttons:trouble:{channel}")


def owner(tx: Transaction) -> tuple[str, datetime] | None:
    """The process that owns the database, or died while it did, and since when; None: it ended in order."""
    since, _, process = (tx.key_values.get(_OWNER) or "").partition(" ")
    return (process, datetime.fromisoformat(since)) if since else None


def put_owner(tx: Transaction, process: str, since: datetime) -> None:
    """Keep which process owns the database, and since when."""
    tx.key_values.put(_OWNER, f"{since.isoformat()} {process}")


def clear_owner(tx: Transaction) -> None:
    """Keep that the owner ended in order."""
    tx.key_values.put(_OWNER, "")


def alive(tx: Transaction) -> Mapping[str, Life]:
    """The workers of several that said that they live, by process."""
    found = {}
    for key, times in tx.key_values.beginning(_ALIVE).items():
        since, _, until = times.partition(" ")
        process = key.removeprefix(_ALIVE)
        found[process] = Life(process=process, since=datetime.fromisoformat(since), until=datetime.fromisoformat(until))
    return found


def is_alive(tx: Transaction, process: str) -> bool:
    """Whether it said so, and nobody took it for dead since."""
    return tx.key_values.get(_ALIVE + process) is not None


def put_alive(tx: Transaction, life: Life) -> None:
    """Keep how long a worker is known to be alive."""
    tx.key_values.put(_ALIVE + life.process, f"{life.since.isoformat()} {life.until.isoformat()}")


def is_turn(tx: Transaction, what: str, who: str, *, now: datetime, until: datetime) -> bool:
    """Whether ``who`` does ``what`` alone until ``until``: nobody did, or their time is over, or it was ``who``."""
    key = _TURN + what
    begun, _, holder = (tx.key_values.get(key) or "").partition(" ")
    if begun and holder != who and datetime.fromisoformat(begun) > now:
        return False
    tx.key_values.put(key, f"{until.isoformat()} {who}")
    return True


def drop_alive(tx: Transaction, process: str) -> None:
    """Forget a worker that has ended."""
    tx.key_values.drop(_ALIVE + process)
