"""The ledger: a fact as a line of text.

Knows no database. The text of a row is what is hashed, so its form never changes: a new field comes last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot import model
from bot.model import FactKind, SendState

_OF_STATE: Mapping[SendState, FactKind] = {
    SendState.SENT: FactKind.SENT,
    SendState.PARKED: FactKind.PARKED,
    SendState.DROPPED: FactKind.DROPPED,
}


# -- facts


def fetched(
    before: model.FeedState, after: model.FeedState, *, status: int | None, new_count: int, at: datetime
) -> model.LedgerRow | None:
    """A poll that brought something new, was the first to parse, or ended otherwise than the one before.

    None for the others: at 10,000 feeds they would be three million rows a day that all say “still nothing”.
    """
    is_baseline = before.baseline_at is None and after.baseline_at is not None
    if not new_count and not is_baseline and before.error == after.error:
        return None
    return _row(FactKind.FETCHED, at, feed=after.url, status=status or 0, new=new_count, error=after.error or "")


def matched(article: model.Article, match: model.Match, *, at: datetime) -> model.LedgerRow:
    """A rule matched an article."""
    return _row(
        FactKind.MATCHED,
        at,
        article=article.id,
        version=article.version,
        link=article.link,
        rule=match.rule,
        rule_version=match.rule_version,
    )


def decided(decision: model.Decision) -> model.LedgerRow:
    """A decision about a story in a channel."""
    return _row(
        FactKind.DECIDED,
        decision.at,
        story=decision.story,
        channel=decision.channel,
        action=decision.action.value,
        reason=decision.reason.value,
        rules=decision.rules,
        article=decision.article or "",
        detail=decision.detail,
    )


def outcome(before: model.Outgoing, after: model.Outgoing, *, at: datetime) -> model.LedgerRow | None:
    """What became of a try to send. None: nothing that is a fact yet, or parked for the reason it was parked for
    before (a closed channel is tried again and again)."""
    kind = _OF_STATE.get(after.state)
    if kind is None or (kind is FactKind.PARKED and before.error == after.error):
        return None
    if kind is FactKind.SENT and after.message.kind is model.MessageKind.EDIT:
        kind = FactKind.EDITED
    is_there = kind in (FactKind.SENT, FactKind.EDITED)
    told = {brief.story for brief in after.message.briefs} | ({after.story} if after.story else set())
    return _row(
        kind,
        at,
        send=after.id,
        channel=after.channel,
        message=after.message.kind.value,
        stories=tuple(sorted(told)),
        receipt=after.receipt.ref if after.receipt else "",
        place=after.receipt.place if after.receipt else "",
        reason="" if is_there else after.error or "",
    )


def started(process: str, *, version: str, at: datetime) -> model.LedgerRow:
    """A process began to watch."""
    return _row(FactKind.STARTED, at, process=process, version=version)


def stopped(process: str, *, since: str, until: str, how: str, at: datetime) -> model.LedgerRow:
    """``until``: the last sign of life; ``at`` is later where the next process found the end."""
    return _row(FactKind.STOPPED, at, process=process, since=since, until=until, how=how)


def unwatched(*, since: str, until: str, at: datetime) -> model.LedgerRow:
    """Nothing was watched between two times, which are in ISO 8601."""
    return _row(FactKind.UNWATCHED, at, since=since, until=until)


def let_go(
    newly: Sequence[model.DaySeal], *, count: int, digest: str, at: datetime, is_witnessed: bool = True
) -> model.LedgerRow:
    """Days of which only the seals are kept from now on, oldest first. ``count`` and ``digest`` are over all days that
    were ever deleted (chain.digest), so that the last such row names them all.

    ``is_witnessed``: False: they had gone before such rows were written.
    """
    return _row(
        FactKind.LET_GO,
        at,
        through=newly[-1].day.isoformat(),
        count=count,
        digest=digest,
        days=tuple(f"{each.day.isoformat()} {each.seal}" for each in newly),
        witnessed="yes" if is_witnessed else "no",
    )


def _row(kind: FactKind, at: datetime, **fields: model.LedgerValue) -> model.LedgerRow:
    return model.LedgerRow(at=at, kind=kind, fields=tuple((name, _clean(value)) for name, value in fields.items()))


def _clean(value: model.LedgerValue) -> model.LedgerValue:
    """Halves of surrogate pairs, which no file holds, become question marks."""
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


# -- a row as text


def text_of(row: model.LedgerRow) -> str:
    """One line of ASCII: compact JSON, time and kind first."""
    head = {"at": row.at.astimezone(UTC).isoformat(timespec="microseconds"), "kind": row.kind.value}
    return json.dumps({**head, **dict(row.fields)}, separators=(",", ":"))


def parse_row(text: str) -> model.LedgerRow:
    """Raises ValueError for what ``text_of`` never wrote."""
    try:
        fields = json.loads(text)
        at, kind = datetime.fromisoformat(fields.pop("at")), FactKind(fields.pop("kind"))
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError("not a row of the ledger") from error
    whole = ((name, tuple(value) if isinstance(value, list) else value) for name, value in fields.items())
    return model.LedgerRow(at=at, kind=kind, fields=tuple(whole))
