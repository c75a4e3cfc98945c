"""The other messages that one needs to know when it leaves: the head of its thread, and the one that it links."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot import model, ports
from bot.outbox import policy

#: An escalation waits so long past its time for the address of the message that it is about; then it leaves without:
#: where the first channel is down, it is the only one to tell of the story.
_FOR_ADDRESS = timedelta(minutes=1)
_AGAIN = timedelta(seconds=2)
_ON_ITS_WAY = (model.SendState.PENDING, model.SendState.SENDING, model.SendState.UNKNOWN)


async def resolved(
    store: ports.Store, row: model.Outgoing, *, now: datetime
) -> tuple[model.Outgoing, model.Outgoing | None, policy.RetryAt | None]:
    """The row, with the address of the message that its escalation is about; the row at the head of the thread that it
    belongs in, None: it is the head of its own; and when it is looked at again, None: it can leave now.

    Raises StoreUnavailable.
    """
    escalation, nearest = row.message.escalation, row.message.nearest
    head = nearest.head if row.thread == row.id and nearest else row.thread
    head = None if head == row.id else head
    wanted = [each for each in (head, escalation.head if escalation else None) if each is not None]
    found = await store.read(lambda tx: tx.outbox.get(wanted)) if wanted else {}
    wait = None
    if escalation is not None:
        first = found.get(escalation.head)
        link = first.receipt.link if first and first.receipt else ""
        row = replace(row, message=replace(row.message, escalation=replace(escalation, link=link)))
        is_new = row.state is not model.SendState.UNKNOWN and now < row.created_at + escalation.after + _FOR_ADDRESS
        if is_new and first is not None and first.state in _ON_ITS_WAY:
            wait = policy.RetryAt(now + _AGAIN, "the message that it is about is on its way", pauses_channel=False)
    return row, found.get(head) if head is not None else None, wait
