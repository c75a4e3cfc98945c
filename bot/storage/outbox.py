"""The outbox: every message to send, and its outcome.

The order inside a thread is the order of ``seq`` among what is due: a row can be claimed only when no older row of its
thread is unsent, whatever state that one is in, except a reply that nobody has tried and that is held until later. So
an edit of the story's message does not wait for the end of quiet hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, Connection, Row, Select, and_, bindparam, case, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.model import MessageKind, SendState, ledger
from bot.storage import columns
from bot.storage.columns import EnumText, Timestamp, chunks
from bot.storage.ledger import Ledger
from bot.storage.schema import UNSENT, outbox, tellings

_AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_REPLACED = "replaced by a newer edit of the same message"

_NOW = bindparam("now", type_=Timestamp)
_IN_ORDER = outbox.c.seq
_older = outbox.alias("older")
# Written out, not bound: the planners take a partial index only for a condition that they can read.
_unsent_states: BindParameter[Any] = bindparam("unsent", UNSENT, expanding=True, literal_execute=True)
_is_unsent = outbox.c.state.in_(_unsent_states)
_is_held = and_(
    _older.c.state == SendState.PENDING,
    _older.c.tried_at.is_(None),
    _older.c.due_at > _NOW,
    # Without its head a thread has no place.
    _older.c.id != _older.c.thread,
)
_leads_its_thread = ~exists().where(
    _older.c.thread == outbox.c.thread,
    _older.c.seq < outbox.c.seq,
    _older.c.state.in_(_unsent_states),
    ~_is_held,
)
_of_channels = outbox.c.channel.in_(bindparam("channels", expanding=True))
#: When a row may be claimed; a claimed one when its lease runs out.
_claimable_at = case(
    (outbox.c.lease_until.is_(None), outbox.c.due_at),
    (and_(outbox.c.state == SendState.UNKNOWN, outbox.c.due_at > outbox.c.lease_until), outbox.c.due_at),
    else_=outbox.c.lease_until,
)
_is_live = outbox.c.state.in_((SendState.PENDING, SendState.SENDING, SendState.UNKNOWN))

_NEW = insert(outbox)
_ADD = _NEW.on_conflict_do_nothing(index_elements=[outbox.c.id]).returning(outbox.c.id)
_TELL = insert(tellings).on_conflict_do_nothing()
_WAITING_EDIT = (
    select(outbox.c.seq, outbox.c.state, outbox.c.due_at, outbox.c.parked_from, outbox.c.error)
    .where(
        outbox.c.thread == bindparam("of_thread"),
        _is_unsent,
        outbox.c.kind == MessageKind.EDIT,
        or_(
            outbox.c.state == SendState.PENDING,
            and_(outbox.c.state == SendState.PARKED, outbox.c.parked_from == SendState.PENDING),
        ),
    )
    .order_by(_IN_ORDER)
    .with_for_update()
)
_IS_THERE = select(outbox.c.id).where(outbox.c.id == bindparam("of_id"))
_REPLACE = (
    update(outbox)
    .where(outbox.c.seq == bindparam("of_seq"))
    .values(state=SendState.DROPPED, error=_REPLACED, parked_from=None)
)

_pick = (
    select(outbox.c.seq)
    .where(outbox.c.channel == bindparam("of_channel"), _is_live, _claimable_at <= _NOW, _leads_its_thread)
    .order_by(_IN_ORDER)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    .cte("pick")
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.seq.in_(select(_pick.c.seq)))
    .values(
        state=case((outbox.c.state == SendState.PENDING, SendState.SENDING), else_=SendState.UNKNOWN),
        # A look-up after a crash starts here, so it must not lie after the send.
        tried_at=func.coalesce(outbox.c.tried_at, _NOW),
        lease=bindparam("token"),
        lease_until=bindparam("until", type_=Timestamp),
    )
    .returning(outbox)
)
_SAVE = (
    update(outbox)
    .where(outbox.c.id == bindparam("of_id"), outbox.c.lease == bindparam("token"))
    .values(
        state=bindparam("new_state", type_=EnumText(SendState)),
        parked_from=case(
            (bindparam("new_state", type_=EnumText(SendState)) != SendState.PARKED, None),
            (outbox.c.state == SendState.UNKNOWN, SendState.UNKNOWN),
            else_=SendState.PENDING,
        ),
        due_at=bindparam("new_due_at", type_=Timestamp),
        attempts=bindparam("new_attempts"),
        is_plain=bindparam("new_is_plain"),
        is_top_level=bindparam("new_is_top_level"),
        tried_at=bindparam("new_tried_at", type_=Timestamp),
        error=bindparam("new_error"),
        receipt=bindparam("new_receipt"),
        message=bindparam("new_message"),
        lease=None,
        lease_until=None,
    )
)

_GET = select(outbox).where(outbox.c.id.in_(bindparam("wanted", expanding=True)))
_NEXT_DUE = select(func.min(_claimable_at)).where(_of_channels, _is_live, _leads_its_thread)
_COUNTS = select(outbox.c.channel, outbox.c.state, func.count()).group_by(outbox.c.channel, outbox.c.state)
# Sorted by us: for ORDER BY seq SQLite would walk through all that was ever sent.
_UNSENT = select(outbox).where(_is_unsent)
_OF_STORY = (
    select(outbox)
    .join(tellings, tellings.c.send == outbox.c.id)
    .where(tellings.c.story == bindparam("of_story"))
    .order_by(_IN_ORDER)
)
_PARKED_ANEW = (
    select(outbox)
    .where(
        _of_channels,
        outbox.c.state == SendState.PENDING,
        or_(outbox.c.error.is_(None), outbox.c.error != bindparam("reason")),
    )
    .order_by(_IN_ORDER)
)
_PARK = (
    update(outbox)
    .where(_of_channels, outbox.c.state == SendState.PENDING)
    .values(state=SendState.PARKED, parked_from=SendState.PENDING, error=bindparam("reason"))
)
_UNPARK = (
    update(outbox)
    .where(_of_channels, outbox.c.state == SendState.PARKED)
    .values(
        state=func.coalesce(outbox.c.parked_from, SendState.PENDING, type_=EnumText(SendState)),
        parked_from=None,
        due_at=case((outbox.c.due_at < _NOW, outbox.c.due_at), else_=_NOW),
    )
)
# Also drop parked rows, unless they may have arrived.
_UNBEGUN = (
    select(outbox)
    .where(
        outbox.c.id.in_(bindparam("wanted", expanding=True)),
        or_(
            outbox.c.state == SendState.PENDING,
            and_(outbox.c.state == SendState.PARKED, outbox.c.parked_from == SendState.PENDING),
        ),
    )
    .order_by(_IN_ORDER)
    .with_for_update()
)
_DROP = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("wanted", expanding=True)))
    .values(state=SendState.DROPPED, error=bindparam("reason"), parked_from=None)
)
_FREE = (
    update(outbox)
    .where(outbox.c.state.in_((SendState.SENDING, SendState.UNKNOWN)), outbox.c.lease.is_not(None))
    .values(state=SendState.UNKNOWN, lease=None, lease_until=None)
)


class Outbox:
    """Messages to send, and their outcomes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rows: Sequence[model.Outgoing]) -> None:
        """Add rows; an id that exists is left as it is, and a newer edit replaces a pending one of the same thread."""
        for row in rows:
            self._add(row)

    def _add(self, row: model.Outgoing) -> None:
        if self._connection.execute(_IS_THERE, {"of_id": row.id}).first() is not None:
            return
        values = _row(row)
        if row.message.kind is MessageKind.EDIT:
            values |= self._replace_edits(row)
        if self._connection.execute(_ADD, values).first() is None:
            return
        stories = {brief.story for brief in row.message.briefs} | ({row.story} if row.story else set())
        if stories:
            self._connection.execute(_TELL, [{"story": story, "send": row.id} for story in sorted(stories)])

    def _replace_edits(self, row: model.Outgoing) -> dict[str, object]:
        """Replace pending edits; return the values that the newer edit inherits.

        It keeps the earlier due time, so that a stream of edits does not postpone itself, and a parked state.
        """
        inherited: dict[str, object] = {}
        due_at = row.due_at
        for older in self._connection.execute(_WAITING_EDIT, {"of_thread": row.thread}).all():
            self._connection.execute(_REPLACE, {"of_seq": older.seq})
            due_at = min(due_at, older.due_at)
            if older.state is SendState.PARKED:
                inherited = {"state": SendState.PARKED, "parked_from": older.parked_from, "error": older.error}
        return inherited | {"due_at": due_at}

    def claim(
        self, channel: str, *, now: datetime, limit: int, token: str, lease: timedelta
    ) -> Sequence[model.Outgoing]:
        """Lease sendable rows in order: at most one row of each thread, after all older unsent rows of the thread.

        An untried reply that is due later does not block its thread. Rows whose lease expired are returned as UNKNOWN.
        """
        rows = self._connection.execute(
            _CLAIM, {"of_channel": channel, "now": now, "at_most": limit, "token": token, "until": now + lease}
        )
        return sorted(map(_outgoing, rows), key=lambda row: row.seq)

    def save(self, row: model.Outgoing, *, token: str) -> bool:
        """Write the outcome and release the lease. Return False, and write nothing, if the lease was lost."""
        values = _row(row)
        renamed = {f"new_{name}": values[name] for name in _SAVED}
        return self._connection.execute(_SAVE, {"of_id": row.id, "token": token, **renamed}).rowcount == 1

    def get(self, ids: Sequence[model.SendId]) -> Mapping[model.SendId, model.Outgoing]:
        """Return id -> row; unknown ids are omitted."""
        by_id: dict[model.SendId, model.Outgoing] = {}
        for part in chunks(ids):
            by_id.update((row.id, row) for row in self._all(_GET, wanted=part))
        return by_id

    def next_due(self, channels: Sequence[str], *, now: datetime) -> datetime | None:
        """Return when the next row can be sent, or None if no row waits."""
        return self._connection.execute(_NEXT_DUE, {"channels": channels, "now": now}).scalar()

    def counts(self) -> Mapping[tuple[str, model.SendState], int]:
        """Return (channel, state) -> number of rows."""
        return {(channel, state): count for channel, state, count in self._connection.execute(_COUNTS)}

    def unsent(self) -> Sequence[model.Outgoing]:
        """Return pending, sending, unknown and parked rows, in order."""
        return sorted(self._all(_UNSENT), key=lambda row: row.seq)

    def of_story(self, story: model.StoryId) -> Sequence[model.Outgoing]:
        """Return the rows of a story, oldest first."""
        return tuple(self._all(_OF_STORY, of_story=story))

    def _all(self, statement: Select[*tuple[Any, ...]], **values: object) -> Iterator[model.Outgoing]:
        return map(_outgoing, self._connection.execute(statement, values))

    def park(self, channels: Sequence[str], reason: str, *, now: datetime) -> int:
        """Park all pending rows of some channels; the ledger records each, unless the reason is the same as before."""
        waiting = self._all(_PARKED_ANEW, channels=channels, reason=reason)
        parked = [(row, replace(row, state=SendState.PARKED, error=reason)) for row in waiting]
        facts = [ledger.send_row(pending, parked_row, at=now) for pending, parked_row in parked]
        Ledger(self._connection).add([fact for fact in facts if fact is not None])
        return self._connection.execute(_PARK, {"channels": channels, "reason": reason}).rowcount

    def unpark(self, channels: Sequence[str], *, now: datetime) -> int:
        """Make the parked rows of some channels pending again."""
        return self._connection.execute(_UNPARK, {"channels": channels, "now": now}).rowcount

    def drop(self, ids: Sequence[model.SendId], reason: str, *, now: datetime) -> int:
        """Drop rows that no sender has claimed, and record each in the ledger; return how many."""
        dropped: list[model.Outgoing] = []
        for part in chunks(ids):
            unclaimed = list(self._all(_UNBEGUN, wanted=part))
            dropped += unclaimed
            if unclaimed:
                self._connection.execute(_DROP, {"wanted": [row.id for row in unclaimed], "reason": reason})
        facts = [ledger.send_row(row, replace(row, state=SendState.DROPPED, error=reason), at=now) for row in dropped]
        Ledger(self._connection).add([fact for fact in facts if fact is not None])
        return len(dropped)

    def free_leases(self) -> None:
        """Free every lease of a dead process; its sends may have arrived."""
        self._connection.execute(_FREE)


#: The columns that the outcome of a send may change.
_SAVED = (
    "state",
    "due_at",
    "attempts",
    "is_plain",
    "is_top_level",
    "tried_at",
    "error",
    "receipt",
    "message",
)


def _row(row: model.Outgoing) -> dict[str, object]:
    return {
        "id": row.id,
        "channel": row.channel,
        "thread": row.thread,
        "kind": row.message.kind,
        "story": row.story,
        "state": row.state,
        "parked_from": SendState.PENDING if row.state is SendState.PARKED else None,
        "created_at": row.created_at,
        "due_at": row.due_at,
        "attempts": row.attempts,
        "is_plain": row.is_plain,
        "is_top_level": row.is_top_level,
        "tried_at": row.tried_at,
        "error": row.error,
        "receipt": None if row.receipt is None else columns.RECEIPT.dump(row.receipt),
        "message": columns.MESSAGE.dump(row.message),
    }


def _outgoing(row: _AnyRow) -> model.Outgoing:
    return model.Outgoing(
        id=model.SendId(row.id),
        channel=row.channel,
        thread=model.SendId(row.thread),
        seq=row.seq,
        message=columns.MESSAGE.load(row.message),
        story=None if row.story is None else model.StoryId(row.story),
        state=row.state,
        created_at=row.created_at,
        due_at=row.due_at,
        attempts=row.attempts,
        is_plain=row.is_plain,
        is_top_level=row.is_top_level,
        tried_at=row.tried_at,
        receipt=None if row.receipt is None else columns.RECEIPT.load(row.receipt),
        error=row.error,
    )
