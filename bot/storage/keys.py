"""Typed accessors for single values that the store keeps under keys. Only this module knows these keys and formats.

A channel accesses its own keys (for example the key of a resolved id) with ``channels.KeyValues``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from bot.aio import Failure
from bot.model.language_models import ExamResult
from bot.storage.columns import JsonColumn
from bot.storage.store import Transaction

T = TypeVar("T")

# A value that cannot be read counts as absent, because each of them is written again.


def _parse_time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def _load(kind: JsonColumn[T], document: str | None) -> T | None:
    try:
        return kind.load(document) if document else None
    except ValueError:
        return None


class TextKey(msgspec.Struct, frozen=True):
    """A row that stores one text under a fixed key."""

    key: str

    def get(self, tx: Transaction) -> str:
        """Return the text, or "" if there is none."""
        return tx.key_values.get(self.key) or ""

    def put(self, tx: Transaction, value: str) -> None:
        """Write the text. An empty text clears the stored one."""
        tx.key_values.put(self.key, value)


class TimeKey(msgspec.Struct, frozen=True):
    """A row that stores one time under a fixed key."""

    key: str

    def get(self, tx: Transaction) -> datetime | None:
        """Return the time, or None if there is none."""
        return _parse_time(tx.key_values.get(self.key))

    def put(self, tx: Transaction, when: datetime) -> None:
        """Write the time, which must have a time zone."""
        tx.key_values.put(self.key, when.isoformat())

    def clear(self, tx: Transaction) -> None:
        """Clear the time."""
        tx.key_values.put(self.key, "")


def brief_posted(channel: str) -> TimeKey:
    """Return the key of the time up to which the channel's last brief reports."""
    return TimeKey(f"brief {channel}")


class WorkerLife(msgspec.Struct, frozen=True, kw_only=True):
    """The start and the last heartbeat of one worker process."""

    process: str
    since: datetime
    #: Time of the last heartbeat.
    until: datetime


#: The last time that the bot looked for due feeds.
TICK = TimeKey("tick")
#: A bot whose last tick is older than this is unhealthy. The limit allows for a large transaction or a slow disk.
TICK_MAX_AGE = timedelta(seconds=30)
#: A cluster worker without a heartbeat for this long is considered dead.
DEAD_AFTER = timedelta(seconds=30)
#: The last time in which no process looked for due feeds for some minutes, as two times.
_GAP = TextKey("unwatched")
#: The last time that a process started or ended.
LAST_SEEN = TimeKey("seen")
#: The end of the last database outage that was reported to the operator.
OUTAGE = TimeKey("outage reported")
#: The time of the last notice that the database fails in part.
PARTIAL_OUTAGE = TimeKey("partial outage reported")
#: The encoder that made the stored vectors.
ENCODER = TextKey("encoder")
#: Why stories are grouped by words alone, or "" if they are not.
WORDS_ALONE = TextKey("words alone")
#: The last time that old articles were deleted, as set by `keep:`.
TRIMMED = TimeKey("housekeeping")
#: The key of the last exam of the language model. `check` also reads it, without this module.
EXAM = "exam"
_EXAM_RESULT: JsonColumn[ExamResult] = JsonColumn(ExamResult)
_OWNER = "running"
_ALIVE = "alive "
_TURN = "turn "
_FAILING = "failing "
_FAILURES: JsonColumn[tuple[Failure, ...]] = JsonColumn(tuple[Failure, ...])
_KEPT_RULES = "rules kept"
_NAMES: JsonColumn[tuple[str, ...]] = JsonColumn(tuple[str, ...])


def rule_matched(rule: str) -> TimeKey:
    """Return the accessor of the time of the last match of a rule that has the key ``expect``."""
    return TimeKey(f"rule matched: {rule}")


def channel_trouble(channel: str) -> TextKey:
    """Return the accessor of the reason why nothing can be sent to a channel, as reported to the operator."""
    return TextKey(f"outbox:trouble:{channel}")


def health_notice(is_well: bool) -> TextKey:
    """Return the accessor of the outbox row of the last notice about feeds: of resolved problems, or of new ones."""
    return TextKey("health notice: resolved" if is_well else "health notice")


def buttons_trouble(channel: str) -> TextKey:
    """Return the accessor of the reason why a channel's buttons are not connected, as reported to the operator."""
    return TextKey(f"buttons:trouble:{channel}")


def get_exam(tx: Transaction) -> ExamResult | None:
    """Return the result of the last `wirewatch model test`, or None if there is none."""
    return _load(_EXAM_RESULT, tx.key_values.get(EXAM))


def put_exam(tx: Transaction, result: ExamResult) -> None:
    """Write the result of an exam. It replaces the previous one."""
    tx.key_values.put(EXAM, _EXAM_RESULT.dump(result))


def kept_rules(tx: Transaction) -> Sequence[str]:
    """Return the rules with errors, which the running bot uses in their last good version."""
    return _load(_NAMES, tx.key_values.get(_KEPT_RULES)) or ()


def put_kept_rules(tx: Transaction, names: Sequence[str]) -> None:
    """Write the rules with errors, which the running bot uses in their last good version."""
    tx.key_values.put(_KEPT_RULES, _NAMES.dump(tuple(names)))


def quarantine_reported(stage: str) -> TimeKey:
    """Return the accessor of the time of the last notice about pieces of a stage that were set aside."""
    return TimeKey(f"quarantine reported: {stage}")


def get_gap(tx: Transaction) -> tuple[datetime, datetime] | None:
    """Return the beginning and the end of the last time in which no feed was polled, or None."""
    since, _, until = _GAP.get(tx).partition(" ")
    return (datetime.fromisoformat(since), datetime.fromisoformat(until)) if until else None


def put_gap(tx: Transaction, *, since: datetime, until: datetime) -> None:
    """Write the last time in which no feed was polled."""
    _GAP.put(tx, f"{since.isoformat()} {until.isoformat()}")


def stop_reported(stage: str) -> TimeKey:
    """Return the accessor of the time of the last notice that a stage stops everything."""
    return TimeKey(f"stop reported: {stage}")


def get_owner(tx: Transaction) -> tuple[str, datetime] | None:
    """Return the process that owns the database, or that died as its owner, and its start time.

    Return None if the last owner ended cleanly.
    """
    text, _, process = (tx.key_values.get(_OWNER) or "").partition(" ")
    since = _parse_time(text)
    return (process, since) if since is not None else None


def put_owner(tx: Transaction, process: str, since: datetime) -> None:
    """Write the process that owns the database, and its start time."""
    tx.key_values.put(_OWNER, f"{since.isoformat()} {process}")


def clear_owner(tx: Transaction) -> None:
    """Record that the owner ended cleanly."""
    tx.key_values.put(_OWNER, "")


def worker_lives(tx: Transaction) -> Mapping[str, WorkerLife]:
    """Return the last heartbeat of each cluster worker, by process id."""
    lives = {}
    for key, times in tx.key_values.beginning(_ALIVE).items():
        since, until = (_parse_time(text) for text in times.partition(" ")[::2])
        process = key.removeprefix(_ALIVE)
        if since is not None and until is not None:
            lives[process] = WorkerLife(process=process, since=since, until=until)
    return lives


def put_worker_life(tx: Transaction, life: WorkerLife) -> None:
    """Write a worker's heartbeat."""
    tx.key_values.put(_ALIVE + life.process, f"{life.since.isoformat()} {life.until.isoformat()}")


def put_failures(tx: Transaction, process: str, failures: Sequence[Failure]) -> None:
    """Write the tasks and stages of a process that fail now. An empty list deletes the row."""
    if failures:
        tx.key_values.put(_FAILING + process, _FAILURES.dump(tuple(failures)))
    else:
        tx.key_values.drop(_FAILING + process)


def failures_of(tx: Transaction, process: str) -> Sequence[Failure]:
    """Return the tasks and stages of a process that failed at its last tick."""
    return _load(_FAILURES, tx.key_values.get(_FAILING + process)) or ()


def take_turn(tx: Transaction, what: str, who: str, *, now: datetime, until: datetime) -> bool:
    """Reserve the task ``what`` for ``who`` until a time. Return False if another worker has reserved it."""
    key = _TURN + what
    text, _, holder = (tx.key_values.get(key) or "").partition(" ")
    reserved_until = _parse_time(text)
    if reserved_until is not None and holder != who and reserved_until > now:
        return False
    tx.key_values.put(key, f"{until.isoformat()} {who}")
    return True


def drop_worker_life(tx: Transaction, process: str) -> None:
    """Delete the heartbeat of a worker that has ended."""
    tx.key_values.drop(_ALIVE + process)
