"""The ledger: facts that other tables overwrite, each as a line of text.

A row is written once, and deleted when it is old enough.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

from sqlalchemy import insert, or_, select

from bot.model.errors import StoreError
from bot.model.feeds import FeedState
from bot.model.messages import MessageKind, Outgoing, SendState
from bot.model.rules import Match
from bot.model.stories import Article
from bot.storage import schema
from bot.storage.columns import Repository


class FactKind(StrEnum):
    """The event that a row of the ledger records."""

    #: A poll found new articles, or ended differently from the previous poll. Polls between two rows of a feed found
    #: nothing new.
    FETCHED = "fetched"
    MATCHED = "matched"
    SENT = "sent"
    EDITED = "edited"
    #: A message is kept until its channel works again.
    PARKED = "parked"
    #: A message was given up. The row has the reason.
    DROPPED = "dropped"
    #: A process started to watch.
    STARTED = "started"
    #: A process ended, either cleanly or unexpectedly; in the second case, the next process added the row.
    STOPPED = "stopped"
    #: No process looked for due feeds for some minutes.
    UNWATCHED = "unwatched"


#: Kinds of rows that show when the bot was running.
RUN_KINDS = (FactKind.STARTED, FactKind.STOPPED, FactKind.UNWATCHED)

LedgerValue: TypeAlias = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One event, as recorded when it happened."""

    at: datetime
    kind: FactKind
    #: Name and value, in a fixed order for each kind (docs/stories.md).
    fields: tuple[tuple[str, LedgerValue], ...]


#: The states of a message that the ledger records. The FactKind of each state has the same value.
_ENDS = (SendState.SENT, SendState.PARKED, SendState.DROPPED)


def poll_row(
    previous: FeedState, current: FeedState, *, status: int | None, new_count: int, at: datetime
) -> LedgerRow | None:
    """Return the row of a poll that found new articles, was the feed's first, or ended with a different error.

    Return None for other polls, because 10,000 feeds would write three million rows a day that record nothing new.
    """
    is_baseline = previous.baseline_at is None and current.baseline_at is not None
    if not new_count and not is_baseline and previous.error == current.error:
        return None
    return _row(FactKind.FETCHED, at, feed=current.url, status=status or 0, new=new_count, error=current.error or "")


def match_row(article: Article, match: Match, *, at: datetime) -> LedgerRow:
    return _row(
        FactKind.MATCHED,
        at,
        article=article.id,
        version=article.version,
        link=article.link,
        rule=match.rule,
        rule_version=match.rule_version,
    )


def send_row(previous: Outgoing, current: Outgoing, *, at: datetime) -> LedgerRow | None:
    """Return the row of an attempt to send, or None while the outcome is open.

    Return None also for a message that is parked again for the same reason, because closed channels are retried.
    """
    is_parked_again = current.state is SendState.PARKED and previous.error == current.error
    if current.state not in _ENDS or is_parked_again:
        return None
    kind = FactKind(current.state.value)
    if kind is FactKind.SENT and current.message.kind is MessageKind.EDIT:
        kind = FactKind.EDITED
    is_sent = kind in (FactKind.SENT, FactKind.EDITED)
    stories = current.message.stories | ({current.story} if current.story else set())
    return _row(
        kind,
        at,
        send=current.id,
        channel=current.channel,
        message=current.message.kind.value,
        stories=tuple(sorted(stories)),
        receipt=current.receipt.ref if current.receipt else "",
        place=current.receipt.place if current.receipt else "",
        reason="" if is_sent else current.error or "",
    )


def start_row(process: str, *, version: str, at: datetime) -> LedgerRow:
    """Return the row of a process that starts to watch."""
    return _row(FactKind.STARTED, at, process=process, version=version)


def stop_row(process: str, *, since: str, until: str, how: str, at: datetime) -> LedgerRow:
    """Return the row of a process that ended; ``until`` is its last heartbeat."""
    return _row(FactKind.STOPPED, at, process=process, since=since, until=until, how=how)


def gap_row(*, since: str, until: str, at: datetime) -> LedgerRow:
    """Return the row of a gap in which nothing was polled; both times are in ISO 8601."""
    return _row(FactKind.UNWATCHED, at, since=since, until=until)


def describe_row(row: LedgerRow) -> str:
    """Return the row as one line, for people: a sentence about a run of the bot, or else the kind and the fields.

    In fields, values with special characters are quoted, so that text from a feed cannot imitate a field.
    """
    match dict(row.fields):
        case {"process": process, "version": version} if row.kind is FactKind.STARTED:
            return f"started: {process}, version {version}"
        case {"process": process, "since": since, "until": until, "how": how} if row.kind is FactKind.STOPPED:
            return f"stopped {how}: {process}, which ran from {_shown_time(since)} to {_shown_time(until)}"
        case {"since": since, "until": until} if row.kind is FactKind.UNWATCHED:
            return f"no feed was polled from {_shown_time(since)} to {_shown_time(until)}"
    fields = [f"{name}={_quoted(value)}" for name, value in row.fields if value not in ("", ())]
    return " ".join([row.kind.value, *fields])


def _shown_time(value: LedgerValue) -> str:
    return f"{datetime.fromisoformat(str(value)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _quoted(value: LedgerValue) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_quoted, value))
    text = str(value)
    return text if text.isprintable() and not set(text) & set(' ",=') else json.dumps(text)


def _row(kind: FactKind, at: datetime, **fields: LedgerValue) -> LedgerRow:
    return LedgerRow(at=at, kind=kind, fields=tuple((name, _clean(value)) for name, value in fields.items()))


def _clean(value: LedgerValue) -> LedgerValue:
    """Replace halves of surrogate pairs, which UTF-8 cannot encode, by question marks."""
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def format_row(row: LedgerRow) -> str:
    """Return the row as one line of compact JSON in ASCII, time and kind first."""
    head = {"at": row.at.astimezone(UTC).isoformat(timespec="microseconds"), "kind": row.kind.value}
    return json.dumps({**head, **dict(row.fields)}, separators=(",", ":"))


def parse_row(text: str) -> LedgerRow:
    """Parse a line that ``format_row`` returned. Raises ValueError."""
    try:
        fields = json.loads(text)
        at, kind = datetime.fromisoformat(fields.pop("at")), FactKind(fields.pop("kind"))
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError("not a row of the ledger") from error
    whole = ((name, tuple(value) if isinstance(value, list) else value) for name, value in fields.items())
    return LedgerRow(at=at, kind=kind, fields=tuple(whole))


class Ledger(Repository):
    """The rows of the ledger, which are written once."""

    def add(self, rows: Sequence[LedgerRow]) -> None:
        """Write facts of this transaction, except decisions, which have their own table."""
        if rows:
            self._connection.execute(insert(schema.ledger), [{"at": row.at, "row": format_row(row)} for row in rows])

    def since(
        self, when: datetime, *, naming: Sequence[str] = (), kinds: Sequence[FactKind] = ()
    ) -> Sequence[LedgerRow]:
        """Return the rows at ``when`` or later, oldest first: of some kinds, or those that name one of some ids.

        Raises StoreError for a damaged row.
        """
        table = schema.ledger.c
        statement = select(table.at, table.row).where(table.at >= when).order_by(table.at, table.n)
        for texts in ([f'"{name}"' for name in naming], [f'"kind":"{kind.value}"' for kind in kinds]):
            if texts:
                statement = statement.where(or_(*(table.row.contains(text, autoescape=True) for text in texts)))
        rows = []
        for at, text in self._connection.execute(statement):
            try:
                rows.append(parse_row(text))
            except ValueError as error:
                raise StoreError(f"reading the ledger: the row of {at:%Y-%m-%d %H:%M:%S} is damaged") from error
        return rows
