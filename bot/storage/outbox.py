"""The outbox: all messages to send, and their outcomes.

The due rows of a thread are sent in the order of ``seq``, so a row can be claimed only if no older row of its thread is
unsent. There is an exception: a row that is not due and was never tried does not block its thread, unless it is the
thread's first message. This way, an edit does not wait for a reply that is due only after quiet hours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from bot.model.messages import Edit, Listing, Message, MessageKind, Outgoing, Post, SendState, content_of, story_ids
from bot.model.stories import SendId, StoryId
from bot.storage.columns import WANTED, EnumText, Repository, Rows, Timestamp, chunks
from bot.storage.schema import UNSENT, outbox, story_messages

_ROWS = Rows(Outgoing, outbox)
_NOW = bindparam("now", type_=Timestamp)
_older = outbox.alias("older")
# Use literal values, not bound parameters, because the query planners use a partial index only if its condition appears
# in the query.
_unsent_states: BindParameter[Any] = bindparam("unsent", UNSENT, expanding=True, literal_execute=True)
_is_unsent = outbox.c.state.in_(_unsent_states)
_is_held = and_(
    _older.c.state == SendState.PENDING,
    _older.c.tried_at.is_(None),
    _older.c.due_at > _NOW,
    # The first message of a thread always blocks the thread.
    _older.c.id != _older.c.thread,
)
_leads_its_thread = ~exists().where(
    _older.c.thread == outbox.c.thread,
    _older.c.seq < outbox.c.seq,
    _older.c.state.in_(_unsent_states),
    ~_is_held,
)
#: Time at which a row may be claimed: its due time or, if it is leased, the end of the lease.
_claimable_at = case(
    (outbox.c.lease_until.is_(None), outbox.c.due_at),
    (and_(outbox.c.state == SendState.UNKNOWN, outbox.c.due_at > outbox.c.lease_until), outbox.c.due_at),
    else_=outbox.c.lease_until,
)
_is_live = outbox.c.state.in_((SendState.PENDING, SendState.SENDING, SendState.UNKNOWN))
#: Whether no sender has ever claimed the row, which may be pending or parked.
_is_unbegun = or_(
    outbox.c.state == SendState.PENDING,
    and_(outbox.c.state == SendState.PARKED, outbox.c.parked_from == SendState.PENDING),
)

# Each idle sender repeats these statements, so they are built once.
_pick = (
    select(outbox.c.seq)
    .where(outbox.c.channel == bindparam("of_channel"), _is_live, _claimable_at <= _NOW, _leads_its_thread)
    .order_by(outbox.c.seq)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    .cte("pick")
)
_CLAIM = (
    update(outbox)
    .where(outbox.c.seq.in_(select(_pick.c.seq)))
    .values(
        state=case((outbox.c.state == SendState.PENDING, SendState.SENDING), else_=SendState.UNKNOWN),
        # A look-up after a crash searches from this time, so it must be before the attempt to send.
        tried_at=func.coalesce(outbox.c.tried_at, _NOW),
        lease=bindparam("token"),
        lease_until=bindparam("until", type_=Timestamp),
    )
    .returning(outbox)
)
_NEXT_DUE = select(func.min(_claimable_at)).where(
    outbox.c.channel.in_(bindparam("channels", expanding=True)), _is_live, _leads_its_thread
)
#: The columns that the outcome of a send may change.
_OUTCOME = ("state", "due_at", "attempts", "is_plain", "is_top_level", "tried_at", "error", "receipt", "message")


#: Number of versions of a message to look at. The newest ones may be pointers to another story.
_NEWEST = 3


class Outbox(Repository):
    """Messages to send, and their outcomes."""

    def add(self, rows: Sequence[Outgoing]) -> None:
        """Add rows whose ids do not exist yet. An edit replaces a pending edit of the same thread."""
        for row in rows:
            self._add(row)

    def _add(self, row: Outgoing) -> None:
        values = _ROWS.dump(row, kind=row.message.kind)
        # The database assigns the number.
        del values["seq"]
        if isinstance(row.message, Edit):
            if self._connection.execute(select(outbox.c.id).where(outbox.c.id == row.id)).first() is not None:
                return
            values |= self._replace_edits(row)
        if not self._insert(outbox, values):
            return
        stories = story_ids(row.message) | ({row.story} if row.story else set())
        if stories:
            rows = [{"story": story, "send": row.id} for story in sorted(stories)]
            self._connection.execute(insert(story_messages).on_conflict_do_nothing(), rows)

    def _replace_edits(self, row: Outgoing) -> dict[str, object]:
        """Replace pending edits, and return the values that the new edit inherits from them.

        The new edit inherits the earliest due time, so that frequent edits do not postpone each other. If a replaced
        edit is parked, the new edit is parked too.
        """
        inherited: dict[str, object] = {}
        due_at = row.due_at
        is_edit = outbox.c.kind == MessageKind.EDIT
        waiting = select(outbox).where(outbox.c.thread == row.thread, _is_unsent, is_edit, _is_unbegun)
        for older in self._connection.execute(waiting.order_by(outbox.c.seq).with_for_update()).all():
            replaced = update(outbox).where(outbox.c.seq == older.seq)
            reason = "replaced by a newer edit of the same message"
            self._connection.execute(replaced.values(state=SendState.DROPPED, error=reason, parked_from=None))
            due_at = min(due_at, older.due_at)
            if older.state is SendState.PARKED:
                inherited = {"state": SendState.PARKED, "parked_from": older.parked_from, "error": older.error}
        return inherited | {"due_at": due_at}

    def claim(self, channel: str, *, now: datetime, limit: int, token: str, lease: timedelta) -> Sequence[Outgoing]:
        """Lease and return rows that can be sent, in order. A row with an older unsent row in its thread is skipped.

        The module's docstring gives an exception. Rows whose lease expired are returned as UNKNOWN.
        """
        rows = self._connection.execute(
            _CLAIM, {"of_channel": channel, "now": now, "at_most": limit, "token": token, "until": now + lease}
        )
        return sorted(map(_ROWS.load, rows), key=lambda row: row.seq)

    def save(self, row: Outgoing, *, token: str) -> bool:
        """Write the outcome and release the lease. If the lease was lost, return False and write nothing."""
        parked_from: object = None
        if row.state is SendState.PARKED:
            parked_from = case((outbox.c.state == SendState.UNKNOWN, SendState.UNKNOWN), else_=SendState.PENDING)
        outcome = {name: getattr(row, name) for name in _OUTCOME}
        released = {"parked_from": parked_from, "lease": None, "lease_until": None}
        statement = update(outbox).where(outbox.c.id == row.id, outbox.c.lease == token)
        return self._connection.execute(statement.values(outcome | released)).rowcount == 1

    def rewrite(self, row_id: SendId, message: Message) -> bool:
        """Replace the message of a pending row that no sender has begun. Return False if there is no such row."""
        statement = update(outbox).where(outbox.c.id == row_id, outbox.c.state == SendState.PENDING, _is_unbegun)
        return self._connection.execute(statement.values(message=message)).rowcount == 1

    def get(self, ids: Sequence[SendId]) -> Mapping[SendId, Outgoing]:
        """Return id -> row. Unknown ids are omitted."""
        statement = select(outbox).where(outbox.c.id.in_(WANTED))
        rows = map(_ROWS.load, self._rows_in_chunks(statement, ids))
        return {row.id: row for row in rows}

    def next_due(self, channels: Sequence[str], *, now: datetime) -> datetime | None:
        """Return the time at which the next row can be claimed, or None if no row waits to be sent."""
        return self._connection.execute(_NEXT_DUE, {"channels": channels, "now": now}).scalar()

    def counts(self) -> Mapping[tuple[str, SendState], int]:
        """Return (channel, state) -> number of rows."""
        by = (outbox.c.channel, outbox.c.state)
        rows = self._connection.execute(select(*by, func.count()).group_by(*by))
        return {(channel, state): count for channel, state, count in rows}

    def unsent(self, states: Collection[SendState] = UNSENT, *, limit: int | None = None) -> Sequence[Outgoing]:
        """Return rows in some of the unsent states, in order, at most ``limit`` of them."""
        # Number the rows first: for ORDER BY seq SQLite would read all rows, including sent ones.
        seqs = select(outbox.c.seq).where(_is_unsent, outbox.c.state.in_(states))
        unsent_seqs = sorted(self._connection.execute(seqs).scalars())[:limit]
        rows = map(_ROWS.load, self._rows_in_chunks(select(outbox).where(outbox.c.seq.in_(WANTED)), unsent_seqs))
        return sorted(rows, key=lambda row: row.seq)

    def waiting_since(self) -> Mapping[str, datetime]:
        """Return channel -> since when its oldest message waits. Parked messages wait for an operator, so omit them."""
        since = case((outbox.c.due_at > outbox.c.created_at, outbox.c.due_at), else_=outbox.c.created_at)
        statement = (
            select(outbox.c.channel, func.min(since).label("since"))
            .where(_is_unsent, _is_live)
            .group_by(outbox.c.channel)
        )
        return {row.channel: row.since for row in self._connection.execute(statement)}

    def last_errors(self) -> Mapping[str, str]:
        """Return channel -> error of its last unsent message that was tried."""
        newest = (
            select(func.max(outbox.c.seq)).where(_is_unsent, outbox.c.error.is_not(None)).group_by(outbox.c.channel)
        )
        rows = self._connection.execute(select(outbox.c.channel, outbox.c.error).where(outbox.c.seq.in_(newest)))
        return {row.channel: row.error for row in rows}

    def stale_posts(self, before: datetime) -> Sequence[Outgoing]:
        """Return the first messages about stories that wait since ``before``, in order. No sender has begun them."""
        is_post = and_(outbox.c.kind == MessageKind.POST, outbox.c.story.is_not(None))
        statement = select(outbox).where(_is_unsent, _is_unbegun, is_post, outbox.c.due_at < before)
        rows = self._values(_ROWS, statement)
        return sorted(rows, key=lambda row: row.seq)

    def of_story(self, story: StoryId) -> Sequence[Outgoing]:
        """Return the rows of a story, oldest first."""
        statement = (
            select(outbox)
            .join(story_messages, story_messages.c.send == outbox.c.id)
            .where(story_messages.c.story == story)
        )
        return self._values(_ROWS, statement.order_by(outbox.c.seq))

    def newest_version(self, story: StoryId, head: SendId) -> Post | Listing | None:
        """Return the newest version of the message ``head``, which shows the story; None if it is not stored.

        A message that grew for an hour has a hundred versions, so only the newest ones are read.
        """
        statement = select(outbox.c.message).join(story_messages, story_messages.c.send == outbox.c.id)
        statement = statement.where(
            story_messages.c.story == story, outbox.c.thread == head, outbox.c.kind != MessageKind.REPLY
        )
        messages = self._connection.execute(statement.order_by(outbox.c.seq.desc()).limit(_NEWEST)).scalars()
        return next((content for content in map(content_of, messages) if isinstance(content, Post | Listing)), None)

    def shown_message(self, head: SendId) -> Message | None:
        """Return the version of the listing ``head`` that its channel shows, or None if it shows none."""
        kinds = (MessageKind.LISTING, MessageKind.EDIT)
        statement = select(outbox.c.message).where(
            outbox.c.thread == head, outbox.c.kind.in_(kinds), outbox.c.state == SendState.SENT
        )
        message: Message | None = self._connection.execute(statement.order_by(outbox.c.seq.desc()).limit(1)).scalar()
        return message

    def park(self, channels: Sequence[str], reason: str) -> int:
        """Park all pending rows of some channels. Return the number of parked rows."""
        is_pending = and_(outbox.c.channel.in_(channels), outbox.c.state == SendState.PENDING)
        statement = update(outbox).where(is_pending)
        return self._connection.execute(
            statement.values(state=SendState.PARKED, parked_from=SendState.PENDING, error=reason)
        ).rowcount

    def unpark(self, channels: Sequence[str], *, now: datetime) -> int:
        """Return the parked rows of some channels to their earlier state, pending or unknown."""
        statement = update(outbox).where(outbox.c.channel.in_(channels), outbox.c.state == SendState.PARKED)
        return self._connection.execute(
            statement.values(
                state=func.coalesce(outbox.c.parked_from, SendState.PENDING, type_=EnumText(SendState)),
                parked_from=None,
                due_at=case((outbox.c.due_at < now, outbox.c.due_at), else_=literal(now, Timestamp)),
            )
        ).rowcount

    def drop(self, ids: Sequence[SendId], reason: str) -> int:
        """Drop rows that no sender has claimed. Return the number of dropped rows."""
        count = 0
        for part in chunks(ids):
            statement = update(outbox).where(outbox.c.id.in_(part), _is_unbegun)
            values = statement.values(state=SendState.DROPPED, error=reason, parked_from=None)
            count += self._connection.execute(values).rowcount
        return count

    def revive(self, row_id: str, *, now: datetime) -> None:
        """Let a dropped row be sent again. If it was tried before, it is looked up first."""
        statement = update(outbox).where(outbox.c.id == row_id, outbox.c.state == SendState.DROPPED)
        state = case((outbox.c.tried_at.is_(None), SendState.PENDING), else_=SendState.UNKNOWN)
        pending = {"state": state, "due_at": now, "attempts": 0, "is_plain": False, "error": None}
        self._connection.execute(statement.values(pending))

    def free_leases(self) -> None:
        """Free every lease of a dead process. Leased rows become UNKNOWN, because their messages may have arrived."""
        is_leased = and_(outbox.c.state.in_((SendState.SENDING, SendState.UNKNOWN)), outbox.c.lease.is_not(None))
        statement = update(outbox).where(is_leased)
        self._connection.execute(statement.values(state=SendState.UNKNOWN, lease=None, lease_until=None))
