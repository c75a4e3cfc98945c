"""The other messages that one needs to know when it leaves: the head of its thread, and the one that it links."""

from __future__ import annotations

from dataclasses import replace

from bot import model, ports


async def resolved(store: ports.Store, row: model.Outgoing) -> tuple[model.Outgoing, model.Outgoing | None]:
    """The row, with the address of the message that its escalation is about, and the row at the head of the thread that
    it belongs in; None: it is the head of its own. Raises StoreUnavailable."""
    escalation, nearest = row.message.escalation, row.message.nearest
    head = nearest.head if row.thread == row.id and nearest else row.thread
    head = None if head == row.id else head
    wanted = [each for each in (head, escalation.head if escalation else None) if each is not None]
    found = await store.read(lambda tx: tx.outbox.get(wanted)) if wanted else {}
    if escalation is not None:
        first = found.get(escalation.head)
        link = first.receipt.link if first and first.receipt else ""
        row = replace(row, message=replace(row.message, escalation=replace(escalation, link=link)))
    return row, found.get(head) if head is not None else None
