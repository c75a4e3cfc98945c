"""Look up the messages that a row refers to: the head of its thread, and the message that an escalation links."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot import model, ports
from bot.outbox import policy

#: How long an escalation waits for the address of the message that it links. Then it is sent without: if the first
#: channel is down, the escalation is the only message about the story.
_ADDRESS_WAIT = timedelta(minutes=1)
_ADDRESS_RETRY = timedelta(seconds=2)
_UNDER_WAY = (model.SendState.PENDING, model.SendState.SENDING, model.SendState.UNKNOWN)


async def resolved(
    store: ports.Store, row: model.Outgoing, *, now: datetime
) -> tuple[model.Outgoing, model.Outgoing | None, policy.RetryAt | None]:
    """Return the row with the address that its escalation links, the head of its thread if it is not the head itself,
    and the step if it must wait for that address. Raises StoreUnavailable.
    """
    escalation, nearest = row.message.escalation, row.message.nearest
    head = nearest.head if row.thread == row.id and nearest else row.thread
    head = None if head == row.id else head
    ids = [id_ for id_ in (head, escalation.head if escalation else None) if id_ is not None]
    rows = await store.read(lambda tx: tx.outbox.get(ids)) if ids else {}
    wait = None
    if escalation is not None:
        first = rows.get(escalation.head)
        link = first.receipt.link if first and first.receipt else ""
        row = replace(row, message=replace(row.message, escalation=replace(escalation, link=link)))
        may_wait = row.state is not model.SendState.UNKNOWN and now < row.created_at + escalation.after + _ADDRESS_WAIT
        if may_wait and first is not None and first.state in _UNDER_WAY:
            wait = policy.RetryAt(now + _ADDRESS_RETRY, "the message that it links is being sent", pauses_channel=False)
    return row, rows.get(head) if head is not None else None, wait
